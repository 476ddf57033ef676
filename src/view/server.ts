/**
 * @module The viewer's server: the page, its scripts, and JSON about runs on disk. Loopback only, with a token, read only.
 */
import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { ConfigError, codeOf, messageOf, SharegrpoError } from "../core/errors.js";
import { packageRoot } from "../core/files/packageRoot.js";
import { type Api, createApi, type ViewedImage } from "./api.js";
import { IMPORT_MAP, INDEX, PAGE_STYLE } from "./assets.js";
import type { PairedTest } from "./compare.js";
import { cookieName, type GuardOptions, refusal } from "./guard.js";

export interface ViewOptions {
  /** Runs are looked for in and below these. */
  readonly folders: readonly string[];
  readonly test: PairedTest;
  /** Default: any free one. */
  readonly port?: number;
}

export interface OpenView {
  /** With the token. */
  readonly url: string;
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly type: string;
  /** A picture is read as fast as the browser takes it, however large: a file, and its length. */
  readonly body: string | Uint8Array | Pick<ViewedImage, "file" | "bytes">;
  readonly headers?: Readonly<Record<string, string>>;
}

const requireHere = createRequire(import.meta.url);
/** The page has a compilation of its own, for browsers. */
const pageFile = (name: string) => join(packageRoot(), "dist", "src", "view", "page", name);

/** Scripts by the path that the page knows them under. */
const LIBRARIES: Readonly<Record<string, () => string>> = {
  "/lib/preact.js": () => requireHere.resolve("preact").replace(/preact\.js$/, "preact.module.js"),
  "/lib/hooks.js": () => requireHere.resolve("preact/hooks").replace(/hooks\.js$/, "hooks.module.js"),
  "/lib/jsx.js": () =>
    requireHere.resolve("preact/jsx-runtime").replace(/jsxRuntime\.js$/, "jsxRuntime.module.js"),
  "/lib/plotly.js": () => requireHere.resolve("plotly.js"),
};

const mapDigest = createHash("sha256").update(IMPORT_MAP).digest("base64");
const PAGE_HEADERS = {
  "content-security-policy": [
    "default-src 'none'",
    `script-src 'self' 'sha256-${mapDigest}'`,
    "style-src 'self' 'unsafe-inline'", // Plotly sets styles
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
};
const SAFE_HEADERS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

const json = (value: unknown): Reply =>
  value === undefined
    ? { status: 204, type: "application/json", body: "" }
    : { status: 200, type: "application/json", body: JSON.stringify(value) };

async function script(path: string): Promise<Reply> {
  return { status: 200, type: "text/javascript", body: await readFile(path) };
}

const NOT_FOUND: Reply = { status: 404, type: "text/plain", body: "not found" };

async function apiReply(api: Api, path: string, params: URLSearchParams): Promise<Reply> {
  switch (path) {
    case "/api/runs":
      return json(await api.runs());
    case "/api/run":
      return json(await api.run(params));
    case "/api/compare":
      return json(await api.compare(params));
    case "/api/samples":
      return json(await api.samples(params));
    case "/api/sample":
      return json(await api.sample(params));
    case "/api/image": {
      const image = await api.image(params);
      const headers = { "content-security-policy": "default-src 'none'; sandbox" };
      return image ? { status: 200, type: image.type, body: image, headers } : NOT_FOUND;
    }
    default:
      return NOT_FOUND;
  }
}

async function replyTo(url: URL, api: Api, guard: GuardOptions): Promise<Reply> {
  const { pathname, searchParams } = url;
  if (pathname === "/" && searchParams.has("token")) {
    const cookie = `${cookieName(guard.port)}=${guard.token}; HttpOnly; SameSite=Lax; Path=/`;
    return { status: 302, type: "text/plain", body: "", headers: { location: "/", "set-cookie": cookie } };
  }
  if (pathname === "/") return { status: 200, type: "text/html", body: INDEX, headers: PAGE_HEADERS };
  if (pathname === "/style.css") return { status: 200, type: "text/css", body: PAGE_STYLE };
  const library = LIBRARIES[pathname];
  if (library) return script(library());
  const [, module] = /^\/page\/(\w+\.js)$/.exec(pathname) ?? [];
  if (module !== undefined) return script(pageFile(module)).catch(() => NOT_FOUND);
  return apiReply(api, pathname, searchParams);
}

async function answer(request: IncomingMessage, api: Api, guard: GuardOptions): Promise<Reply> {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const refused = refusal(request, url, guard);
  if (refused) return { status: refused.status, type: "text/plain", body: refused.text };
  try {
    return await replyTo(url, api, guard);
  } catch (error) {
    const status = error instanceof SharegrpoError ? 400 : 500;
    return { status, type: "text/plain", body: messageOf(error) };
  }
}

async function send(request: IncomingMessage, response: ServerResponse, reply: Reply): Promise<void> {
  const { status, type, body, headers } = reply;
  const isFile = typeof body === "object" && "file" in body;
  const head = {
    ...SAFE_HEADERS,
    "content-type": type.startsWith("image/") ? type : `${type}; charset=utf-8`,
    ...headers,
  };
  if (!isFile) {
    const bytes = Buffer.from(body);
    response.writeHead(status, { ...head, "content-length": bytes.length }).end(bytes);
    return;
  }
  try {
    response.writeHead(status, { ...head, "content-length": body.bytes });
    if (request.method === "HEAD" || body.bytes === 0) response.end();
    else
      await pipeline(
        body.file.createReadStream({ start: 0, end: body.bytes - 1, autoClose: false }),
        response,
      );
  } finally {
    await body.file.close();
  }
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  }).catch((cause: unknown) => {
    if (codeOf(cause) !== "EADDRINUSE") throw cause;
    throw new ConfigError(`view: port ${port} is taken: leave --port out for any free one`, { cause });
  });
}

/** Starts the viewer. @throws ConfigError when the port is taken */
export async function startView({ folders, test, port = 0 }: ViewOptions): Promise<OpenView> {
  const token = randomBytes(24).toString("hex");
  const api = createApi(folders, test);
  const guard = { token, port };
  const server = createServer((request, response) => {
    answer(request, api, guard)
      .then((reply) => send(request, response, reply))
      .catch(() => response.destroy());
  });
  await listen(server, port);
  guard.port = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${guard.port}/?token=${token}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
