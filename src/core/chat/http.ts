/**
 * @module One HTTP exchange under one deadline that covers connection, headers and body; bodies have a size limit.
 *
 * `node:http` and not `fetch`: Node's `fetch` gives up after five minutes without headers, and a server that writes
 * a long response before it answers needs more.
 */
import { type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { codeOf, messageOf, ServerError } from "../errors.js";

export interface HttpRequest {
  readonly url: URL;
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  /** Bytes of body accepted; 64 MiB by default. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

/** A URL as it may be shown: user, password and query are left out. */
export function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** An address as somebody wrote it, URL or not, without user and password. */
export function withoutLogin(text: string): string {
  return text.replace(/\/\/[^/?#]*@/, "//");
}

/** What a server said, without the key that it was sent. */
export function withoutKey(text: string, key: string | undefined): string {
  return key ? text.replaceAll(key, "***") : text;
}

async function readBody(response: IncomingMessage, { url, maxBytes }: HttpRequest): Promise<string> {
  const most = maxBytes ?? DEFAULT_MAX_BYTES;
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response) {
    const bytes = piece as Uint8Array;
    size += bytes.length;
    if (size > most) {
      const message = `${shownUrl(url)}: the answer is longer than ${most} bytes`;
      throw new ServerError(message, { kind: "garbled", url: shownUrl(url) });
    }
    pieces.push(bytes);
  }
  return Buffer.concat(pieces).toString("utf8");
}

function send(request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const { url, method, headers, body } = request;
  const start = url.protocol === "https:" ? requestHttps : requestHttp;
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const outgoing = start(url, { method, headers: { ...headers, ...length }, signal }, resolve);
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** What a person can do about a connection that failed so. */
function cureOf(cause: unknown): string {
  const code = codeOf(cause);
  if (code === "ECONNREFUSED") return "start the server, or correct host and port";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "check the host name and the network";
  if (code === "ECONNRESET") return "the server closed the connection; see its log";
  if (code === "EPROTO" || /CERT|TLS|SSL/.test(code)) {
    return "check the server's certificate, or use http:// for a local server";
  }
  return "check the address and the network";
}

/** Whether a status says that the key is missing or wrong. */
export const isLocked = (status: number): boolean => status === 401 || status === 403;

/**
 * Sends a request and reads the whole answer, whatever its status.
 * @throws ServerError of kind `unreachable`, `timeout`, `garbled` (too long) or `refused` (a header that cannot be
 *   sent); the signal's reason when aborted
 */
export async function exchange(request: HttpRequest): Promise<HttpReply> {
  const { url, timeoutMs, signal } = request;
  signal?.throwIfAborted();
  const shown = shownUrl(url);
  const ending = new AbortController();
  const end = () => ending.abort();
  const timer = setTimeout(end, timeoutMs);
  signal?.addEventListener("abort", end, { once: true });
  try {
    const response = await send(request, ending.signal);
    const text = await readBody(response, request);
    return { status: response.statusCode ?? 0, headers: response.headers, text };
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof ServerError) throw cause;
    if (codeOf(cause) === "ERR_INVALID_CHAR") {
      const message = `${shown}: nothing sent: ${messageOf(cause)}; check the key: it may hold a line break`;
      throw new ServerError(message, { kind: "refused", url: shown, cause });
    }
    if (ending.signal.aborted) {
      const message = `${shown}: no whole answer within ${timeoutMs / 1000} s: raise the time limit, or ask for fewer tokens or fewer requests at once`;
      throw new ServerError(message, { kind: "timeout", url: shown, cause });
    }
    const message = `${shown}: cannot be reached: ${messageOf(cause) || String(cause)}; ${cureOf(cause)}`;
    throw new ServerError(message, { kind: "unreachable", url: shown, cause });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }
}
