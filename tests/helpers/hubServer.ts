/**
 * @module A hub on loopback with one data set and one model: repository information, file list, files in ranges, with the
 * faults a test asks for; and what it is sent, as one commit.
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
  /** Repositories that were made, as they were asked for. */
  readonly made: unknown[];
  /** Large files that were sent, by SHA-256. */
  readonly uploads: Map<string, Uint8Array>;
  /** Commits that were sent: title, and files by path. */
  readonly commits: { title: string; files: Record<string, Uint8Array> }[];
  /** How many of the next uploads of large files break off in the middle, or are answered with 503. */
  brokenUploads: number;
  /** Storage that takes large files as Xet's chunks in place of whole. */
  hasXet: boolean;
  /** A token that may write but not make repositories: status of that answer. */
  refuseMakingWith?: number;
  /** Commits that `main` points to. */
  commit: string;
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
  // Storage has addresses of its own, and is never shown the token.
  if (pathname.startsWith("/upload/")) {
    if (request.method === "GET") return json(404, { error: "chunks that nobody has sent" });
    const theirs = server.hasXet ? "Bearer xet" : undefined;
    return request.headers.authorization === theirs
      ? take(server, request, response)
      : json(400, { error: "a token of another" });
  }
  if (server.token !== undefined && request.headers.authorization !== `Bearer ${server.token}`) {
    return json(401, { error: "unauthorized" });
  }
  if (pathname === "/xet")
    return json(200, { casUrl: `${server.url}/upload`, accessToken: "xet", exp: 2 ** 32 });
  const kinds = [
    { api: "/api/datasets/someone/scenes", files: "/datasets/someone/scenes" },
    { api: "/api/models/someone/model", files: "/someone/model" },
  ];
  for (const { api, files } of kinds) {
    if (pathname.startsWith(`${api}/revision/`)) {
      return json(200, { _id: "1", id: "someone/any", modelId: "someone/any", sha: server.commit });
    }
    if (pathname === api) return json(200, {});
    if (pathname.startsWith(`${api}/tree/`)) return json(200, treeOf(server.files));
    const prefix = `${files}/resolve/${server.commit}/`;
    const file = pathname.startsWith(prefix)
      ? server.files[decodeURIComponent(pathname.slice(prefix.length))]
      : undefined;
    if (file) return sendFile(server, file, request, response);
  }
  if (request.method !== "GET") return take(server, request, response);
  return json(404, { error: "not found" });
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of request) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces);
}

/**
 * The bytes of a Xet block whose chunks are stored as they are: a version, the length, a scheme (0) and the length
 * again stand before each.
 */
function xetBytes(block: Buffer): Buffer {
  const chunks: Buffer[] = [];
  for (let at = 0; at < block.length; ) {
    const [length, scheme] = [block.readUIntLE(at + 1, 3), block.readUInt8(at + 4)];
    if (scheme !== 0) throw new Error(`a packed chunk: scheme ${scheme}: send random bytes`);
    chunks.push(block.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(chunks);
}

/** Every other one is cut, the rest are answered with 503. */
function breakUpload(server: HubServer, response: ServerResponse): void {
  server.brokenUploads--;
  if (server.brokenUploads % 2 === 0) response.writeHead(503).end();
  else response.destroy();
}

/** A commit's lines: its title, small files in it, names of large ones. */
function readCommit(text: string, uploads: HubServer["uploads"]): HubServer["commits"][number] {
  const files: Record<string, Uint8Array> = {};
  let title = "";
  for (const line of text.split("\n").filter(Boolean)) {
    const { key, value } = JSON.parse(line);
    if (key === "header") title = value.summary;
    if (key === "file") files[value.path] = Buffer.from(value.content, value.encoding);
    if (key === "lfsFile") files[value.path] = uploads.get(value.oid) ?? new Uint8Array();
  }
  return { title, files };
}

/** What is sent: a repository to make, which files are large, large files, a commit. */
async function take(server: HubServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? "";
  const body = await bodyOf(request);
  const json = (status: number, value: unknown) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
  if (path === "/api/repos/create") {
    if (server.refuseMakingWith) return json(server.refuseMakingWith, { error: "not by you" });
    const asked = JSON.parse(body.toString());
    const isThere = server.made.some((made) => JSON.stringify(made) === JSON.stringify(asked));
    if (!isThere) server.made.push(asked);
    return json(isThere ? 409 : 200, isThere ? { error: "it exists" } : { url: `${server.url}/made` });
  }
  if (path.includes("/preupload/")) {
    const { files } = JSON.parse(body.toString()) as { files: { path: string }[] };
    const modeOf = (name: string) => (name.endsWith(".safetensors") ? "lfs" : "regular");
    return json(200, { files: files.map((file) => ({ path: file.path, uploadMode: modeOf(file.path) })) });
  }
  if (path.endsWith("/info/lfs/objects/batch")) {
    const { objects } = JSON.parse(body.toString()) as { objects: { oid: string; size: number }[] };
    const upload = (oid: string) =>
      server.uploads.has(oid)
        ? {}
        : {
            actions: {
              upload: {
                href: server.hasXet ? `${server.url}/xet` : `${server.url}/upload/${oid}`,
                header: {},
              },
            },
          };
    return json(200, {
      transfer: server.hasXet ? "xet" : "basic",
      objects: objects.map(({ oid, size }) => ({ oid, size, ...upload(oid) })),
    });
  }
  if (path.startsWith("/upload/")) {
    if (server.brokenUploads > 0) return breakUpload(server, response);
    if (path.includes("/xorbs/")) server.uploads.set(sha("sha256", xetBytes(body)), xetBytes(body));
    else server.uploads.set(path.slice("/upload/".length), body);
    return json(200, {});
  }
  if (path.includes("/commit/")) {
    server.commits.push(readCommit(body.toString(), server.uploads));
    return json(200, { success: true, commitOid: COMMIT, commitUrl: `${server.url}/commit/${COMMIT}` });
  }
  return json(404, { error: "not found" });
}

/** Starts a hub with the data set `someone/scenes` and the model `someone/model`, which have the same files. */
export async function startHub(files: Record<string, HubFile>): Promise<HubServer> {
  const http = createServer((request, response) => answer(server, request, response));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const server: HubServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests: [],
    files,
    cuts: 0,
    brokenUploads: 0,
    hasXet: false,
    made: [],
    uploads: new Map(),
    commits: [],
    commit: COMMIT,
    close: () =>
      new Promise((resolve) => {
        http.closeAllConnections();
        http.close(() => resolve());
      }),
  };
  return server;
}
