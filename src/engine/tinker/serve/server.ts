/**
 * @module The Tinker wire answered over HTTP, on loopback unless asked otherwise, by whatever stands behind it.
 * Faults can be ordered, so that clients can be shown what networks and servers do.
 */
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import type { WireBackend } from "./backend.js";
import { refusal, TooManyTickets, type WireReply } from "./futures.js";
import { createHandlers } from "./handlers.js";
import {
  problemsOf,
  REQUEST_LIMITS,
  type RequestLimits,
  type RequestPath,
  requestsWithin,
} from "./requests.js";

/** A request as a fault is chosen for it. */
export interface WireRequest {
  /** Below `/api/v1`. */
  readonly path: string;
  /** How many requests of this path came before it. */
  readonly call: number;
  readonly body: unknown;
}

/**
 * What goes wrong: `status` answers so instead of working; `lost` works and breaks the connection instead of answering,
 * `cut` in the middle of the answer; `hang` never answers; `reply` works and answers with something else, `edit` with
 * what is made of the answer.
 */
export type Fault =
  | {
      readonly kind: "status";
      readonly status: number;
      readonly body?: string;
      readonly headers?: Record<string, string>;
    }
  | { readonly kind: "lost" | "cut" | "hang" }
  | { readonly kind: "reply"; readonly body: unknown }
  | { readonly kind: "edit"; readonly edit: (answer: string) => string; readonly status?: number };

export interface TinkerServerOptions {
  readonly backend: WireBackend;
  readonly version: string;
  /** 127.0.0.1 unless given. */
  readonly host?: string;
  /** A free one unless given. */
  readonly port?: number;
  /** Longest that a result is waited for in one asking, milliseconds. */
  readonly pollMs?: number;
  /** Silence after which a session is dropped with its models, milliseconds; 300,000 unless given, as SkyRL's. */
  readonly sessionMs?: number;
  /** Requests that ask for more are refused; REQUEST_LIMITS unless given. */
  readonly limits?: Partial<RequestLimits>;
  /** Does a request twice that is sent twice, as SkyRL 0.3.0: sequence numbers are not looked at. */
  readonly isForgetful?: boolean;
  readonly faults?: (request: WireRequest) => Fault | undefined;
  /** Hears of every request, after its answer. */
  readonly onRequest?: (request: WireRequest, status: number) => void;
  readonly onError?: (error: unknown) => void;
}

/** A server of the Tinker wire in this process. */
export interface TinkerServer {
  readonly url: string;
  /** Forgets all tickets, as a server that started anew. */
  forget(): void;
  endSessions(): void;
  close(): Promise<void>;
}

const DEFAULTS = { host: "127.0.0.1", port: 0, pollMs: 30_000, sessionMs: 300_000 } as const;
const PREFIX = "/api/v1";
/** Seconds: about what a pass of a small model takes. */
const RETRY_AFTER_S = "5";

/** Below the prefix; anything else is looked up as it is, and found nowhere. */
function pathOf({ url = "" }: IncomingMessage): string {
  const address = url.split("?", 1)[0] ?? "";
  return address.startsWith(`${PREFIX}/`) ? address.slice(PREFIX.length) : `not ${address}`;
}

/** A body's JSON; undefined: it is none, or too long. Read to its end in any case, so that the answer is heard. */
async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of request) {
    size += (piece as Uint8Array).length;
    if (size <= maxBytes) pieces.push(piece as Uint8Array);
  }
  if (size > maxBytes) return undefined;
  const text = Buffer.concat(pieces).toString("utf8");
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function send(response: ServerResponse, { status, body, headers, file }: WireReply): Promise<void> {
  if (response.destroyed) return;
  if (file === undefined) {
    const text = JSON.stringify(body) ?? "";
    // The SDK takes a 400 whose length is not said for a proxy's, and hides its words.
    const sizes = { "content-length": Buffer.byteLength(text) };
    response.writeHead(status, { "content-type": "application/json", ...sizes, ...headers }).end(text);
    return;
  }
  const { size } = await stat(file);
  response.writeHead(status, { "content-type": "application/gzip", "content-length": size });
  await pipeline(createReadStream(file), response);
}

function withoutNumbers(json: unknown): unknown {
  const { seq_id, model_seq_id, ...rest } = (json ?? {}) as Record<string, unknown>;
  return json === undefined ? undefined : rest;
}

/** Answers as a fault says, after the work. */
function misbehave(response: ServerResponse, fault: Fault, { status, body }: WireReply): void {
  const whole = JSON.stringify(fault.kind === "reply" ? fault.body : body);
  if (fault.kind === "lost") return void response.destroy();
  if (fault.kind !== "cut") {
    const text = fault.kind === "edit" ? fault.edit(whole) : whole;
    const said = fault.kind === "edit" ? (fault.status ?? status) : 200;
    return void response.writeHead(said, { "content-type": "application/json" }).end(text);
  }
  response.writeHead(status, { "content-length": Buffer.byteLength(whole) });
  response.write(whole.slice(0, whole.length / 2), () => response.destroy());
}

/** Checks bodies and calls their handlers. */
function createAnswers(state: ReturnType<typeof createHandlers>, limits: RequestLimits) {
  const requests = requestsWithin(limits);
  return async (method: string, path: string, json: unknown): Promise<WireReply> => {
    if (method === "GET") {
      if (path === "/healthz") return { status: 200, body: { status: "ok" } };
      if (path === "/get_server_capabilities") return { status: 200, body: state.capabilities };
      return state.files(path) ?? refusal(404, "Not Found");
    }
    if (!Object.hasOwn(requests, path)) return refusal(404, "Not Found");
    if (json === undefined) {
      return refusal(400, `the body is no JSON, or above this server's limit of ${limits.maxBytes} bytes`);
    }
    const known = path as RequestPath;
    const parsed = requests[known].safeParse(json);
    if (!parsed.success) return refusal(422, problemsOf(parsed.error));
    // The body is what the handler of this path reads: both are looked up by it.
    const handle = state.handlers[known] as (body: unknown) => Promise<WireReply> | WireReply;
    try {
      return await handle(parsed.data);
    } catch (error) {
      if (!(error instanceof TooManyTickets)) throw error;
      return { ...refusal(429, error.message), headers: { "retry-after": RETRY_AFTER_S } };
    }
  };
}

export async function startTinkerServer(options: TinkerServerOptions): Promise<TinkerServer> {
  const {
    host,
    port,
    pollMs,
    sessionMs,
    isForgetful = false,
    faults,
    onRequest,
    onError,
  } = { ...DEFAULTS, ...options };
  const limits = { ...REQUEST_LIMITS, ...options.limits };
  const state = createHandlers({ ...options, pollMs, sessionMs, maxWaiting: limits.maxWaiting });
  const answer = createAnswers(state, limits);
  const calls = new Map<string, number>();

  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    const path = pathOf(request);
    const json = await readJson(request, limits.maxBytes);
    const call = calls.get(path) ?? 0;
    calls.set(path, call + 1);
    const asked = { path, call, body: json };
    const fault = faults?.(asked);
    if (fault?.kind === "status") {
      onRequest?.(asked, fault.status);
      return void response.writeHead(fault.status, { ...fault.headers }).end(fault.body ?? "{}");
    }
    if (fault?.kind === "hang") return;
    const read = isForgetful ? withoutNumbers(json) : json;
    const reply = await answer(request.method ?? "GET", path, read);
    onRequest?.(asked, reply.status);
    if (fault) return misbehave(response, fault, reply);
    await send(response, reply);
  };

  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => {
      onError?.(error);
      if (response.headersSent) response.destroy();
      else void send(response, refusal(500, "the server failed; see its log"));
    });
  });
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address() as AddressInfo;
  return {
    url: `http://${host}:${address.port}`,
    forget: state.forget,
    endSessions: state.endSessions,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
      state.endSessions();
      await options.backend.close();
    },
  };
}
