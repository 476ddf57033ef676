/**
 * @module A hub of data sets on loopback: repository information, file list, and files in ranges, with the faults a test
 * asks for.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface HubFile {
  readonly content: Uint8Array;
  /** Stored with Git LFS, so that the list has its SHA-256; else a git blob. */
  readonly isLarge?: boolean;
}

export interface HubServer {
  readonly url: string;
  /** `GET /path`, with `bytes=…` behind where a range was asked for. */
  readonly requests: string[];
  /** Files by path; may be changed between requests. */
  readonly files: Record<string, HubFile>;
  /** How many of the next answers for files break off in the middle. */
  cuts: number;
  /** Status of every answer instead of 200. */
  refuseWith?: number;
  /** Without it every request is refused with 401. */
  token?: string;
  close(): Promise<void>;
}

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";

const sha = (name: string, ...parts: readonly (string | Uint8Array)[]) => {
  const hash = createHash(name);
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
};

function treeOf(files: Readonly<Record<string, HubFile>>) {
  return Object.entries(files).map(([path, { content, isLarge }]) => ({
    type: "file",
    path,
    size: content.length,
    oid: sha("sha1", `blob ${content.length}\0`, content),
    ...(isLarge ? { lfs: { oid: sha("sha256", content), size: content.length, pointerSize: 130 } } : {}),
  }));
}

function sendFile(
  server: HubServer,
  { content }: HubFile,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const rest = content.subarray(from);
  response.writeHead(from > 0 ? 206 : 200, {
    "content-length": rest.length,
    ...(from > 0 ? { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
  });
  if (server.cuts <= 0) {
    response.end(rest);
    return;
  }
  server.cuts--;
  response.write(rest.subarray(0, Math.ceil(rest.length / 2)), () =>
    setTimeout(() => response.destroy(), 60),
  );
}

function answer(server: HubServer, request: IncomingMessage, response: ServerResponse): unknown {
  const { pathname } = new URL(request.url ?? "/", "http://hub");
  server.requests.push(`${pathname}${request.headers.range ? ` ${request.headers.range}` : ""}`);
  const json = (status: number, body: unknown) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
  if (server.refuseWith !== undefined) return json(server.refuseWith, { error: "refused" });
  if (server.token !== undefined && request.headers.authorization !== `Bearer ${server.token}`) {
    return json(401, { error: "unauthorized" });
  }
  const api = "/api/datasets/someone/scenes";
  if (pathname === `${api}/revision/main`) return json(200, { _id: "1", id: "someone/scenes", sha: COMMIT });
  if (pathname === `${api}/tree/${COMMIT}`) return json(200, treeOf(server.files));
  const prefix = `/datasets/someone/scenes/resolve/${COMMIT}/`;
  const file = pathname.startsWith(prefix)
    ? server.files[decodeURIComponent(pathname.slice(prefix.length))]
    : undefined;
  return file ? sendFile(server, file, request, response) : json(404, { error: "not found" });
}

/** Starts a hub with one data set, `someone/scenes`. */
export async function startHub(files: Record<string, HubFile>): Promise<HubServer> {
  const http = createServer((request, response) => answer(server, request, response));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const server: HubServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests: [],
    files,
    cuts: 0,
    close: () =>
      new Promise((resolve) => {
        http.closeAllConnections();
        http.close(() => resolve());
      }),
  };
  return server;
}
