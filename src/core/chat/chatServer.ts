/**
 * @module One OpenAI-compatible server: its address, one attempt to get an answer, what models it has, and what its
 * refusals mean.
 */

import { ConfigError, ServerError, type ServerErrorKind } from "../errors.js";
import { exchange, type HttpReply, shownUrl, withoutKey, withoutLogin } from "./http.js";
import type { Clock } from "./servers.js";

/** What one server said when asked whether it is there. */
export interface ServerHealth {
  readonly url: string;
  /** Names of the models it serves; undefined where it does not list them. */
  readonly models?: readonly string[];
  /** Why it cannot be used. */
  readonly problem?: string;
}

const CHECK_TIMEOUT_MS = 10_000;
const MOST_BODY_SHOWN = 300;

/** @throws ConfigError when it is no http(s) address */
export function parseBaseUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new ConfigError(`${withoutLogin(text)}: not a server address: write http://host:port/v1`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new ConfigError(
      `${withoutLogin(text)}: not a server address: it must begin with http:// or https://`,
    );
  }
  url.pathname = url.pathname.replace(/\/+$/, "").replace(/\/chat\/completions$/, "") || "/v1";
  url.hash = "";
  return url;
}

/** An address beside the API (`http://host:port/v1`), as servers have their own ways and say what they are. */
export function besideApi(base: URL, path: string): URL {
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/v1$/, "")}${path}`;
  return url;
}

/** An address of the API. */
export function endpoint(base: URL, path: string): URL {
  const url = new URL(base);
  url.pathname = `${base.pathname}${path}`;
  return url;
}

/** Why an answer cannot be used; kind `garbled` unless it says another. */
export interface Unusable {
  readonly problem: string;
  readonly kind?: ServerErrorKind;
}

/** A request to whichever server has its turn, and how its answer is read. */
export interface Exchange<Answer extends object> {
  readonly path: string;
  /** The path lies beside the API and not below it. */
  readonly isBesideApi?: boolean;
  /** JSON text. */
  readonly body: string;
  /** Reads an answer's text. */
  readonly read: (text: string) => Answer | Unusable;
}

/**
 * How long the server asks to be left alone: seconds (or OpenAI's milliseconds), or a date measured by the server's own
 * clock where it tells it.
 * @param now milliseconds since 1970
 */
export function retryAfterMs(headers: HttpReply["headers"], now: number): number | undefined {
  const ms = Number(headers["retry-after-ms"] || Number.NaN);
  if (ms >= 0) return ms;
  const text = headers["retry-after"];
  if (text === undefined || text.trim() === "") return undefined;
  const seconds = Number(text);
  if (!Number.isNaN(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(text);
  if (Number.isNaN(date)) return undefined;
  const serverNow = Date.parse(headers.date ?? "");
  return Math.max(0, date - (Number.isNaN(serverNow) ? now : serverNow));
}

const CURES: Readonly<Record<ServerErrorKind, string>> = {
  unreachable: "check the address and the network",
  timeout: "raise the time limit",
  busy: "lower the concurrency or run again later",
  broken: "see the server's log",
  garbled: "check that this is an OpenAI-compatible chat server",
  refused: "check key, model name and address",
  rejected: "see what the server says about this request",
};

function kindOf(status: number, body: string): ServerErrorKind {
  // Hosted servers say 429 also when the account is empty, which waiting does not cure.
  if (status === 429) return body.includes("insufficient_quota") ? "refused" : "busy";
  if (status === 503) return "busy";
  if (status === 408 || status === 425) return "broken";
  if (status >= 500) return "broken";
  if ([401, 402, 403, 404, 405].includes(status)) return "refused";
  return status >= 400 ? "rejected" : "refused";
}

/**
 * The words of a server's error, without the key: `error.message` of its JSON (SGLang: `error_message`, `detail`), else
 * the body's beginning.
 */
function wordsOf(body: string, apiKey: string | undefined): string {
  let words = body;
  try {
    const json = JSON.parse(body) as Record<string, unknown> & { error?: { message?: unknown } | string };
    const error = typeof json.error === "object" ? json.error?.message : json.error;
    const said = [error, json.message, json.error_message, json.detail];
    words = String(said.find((each) => typeof each === "string") ?? body);
  } catch {
    // An error page; its beginning will do.
  }
  const line = withoutKey(words, apiKey).replace(/\s+/g, " ").trim();
  return line.length > MOST_BODY_SHOWN ? `${line.slice(0, MOST_BODY_SHOWN)}…` : line;
}

/** What is the same for all servers of a client. */
export interface Connection {
  readonly model: string;
  readonly apiKey: string | undefined;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

export function headersOf(apiKey: string | undefined): Record<string, string> {
  const accepted = { accept: "application/json", "content-type": "application/json" };
  return apiKey ? { ...accepted, authorization: `Bearer ${apiKey}` } : accepted;
}

function statusError(url: URL, reply: HttpReply, apiKey: string | undefined): ServerError {
  const kind = kindOf(reply.status, reply.text);
  const shown = shownUrl(url);
  const location = reply.status < 400 ? ` to ${reply.headers.location ?? "elsewhere"}` : "";
  const words = wordsOf(reply.text, apiKey);
  const said = words === "" ? "" : `: ${words}`;
  const retryAfter = retryAfterMs(reply.headers, Date.now());
  return new ServerError(`${shown}: status ${reply.status}${location}${said}; ${CURES[kind]}`, {
    kind,
    url: shown,
    status: reply.status,
    ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter }),
  });
}

/**
 * One attempt at one server.
 * @throws ServerError saying what the server did instead; the signal's reason when aborted
 */
export async function askOnce<Answer extends object>(
  base: URL,
  { path, isBesideApi = false, body, read }: Exchange<Answer>,
  { apiKey, timeoutMs, clock }: Omit<Connection, "model">,
  signal?: AbortSignal,
): Promise<Answer & { readonly latencyMs: number }> {
  const url = isBesideApi ? besideApi(base, path) : endpoint(base, path);
  const startedMs = clock.now();
  const reply = await exchange({ url, method: "POST", headers: headersOf(apiKey), body, timeoutMs, signal });
  if (reply.status !== 200) throw statusError(url, reply, apiKey);
  const answer = read(reply.text);
  if ("problem" in answer) {
    const shown = shownUrl(url);
    const { problem, kind = "garbled" } = answer;
    const said = kind === "garbled" ? `: ${wordsOf(reply.text, apiKey)}; ${CURES.garbled}` : "";
    throw new ServerError(`${shown}: ${problem}${said}`, { kind, url: shown, status: reply.status });
  }
  return { ...answer, latencyMs: clock.now() - startedMs };
}

/** Asks a server which models it serves. */
export async function askHealth(
  base: URL,
  { model, apiKey }: Connection,
  signal?: AbortSignal,
): Promise<ServerHealth> {
  const url = shownUrl(base);
  try {
    const reply = await exchange({
      url: endpoint(base, "/models"),
      method: "GET",
      headers: headersOf(apiKey),
      timeoutMs: CHECK_TIMEOUT_MS,
      signal,
    });
    // Some servers answer chats and list nothing.
    if (reply.status === 404 || reply.status === 405) return { url };
    if (reply.status !== 200) return { url, problem: statusError(base, reply, apiKey).message };
    const models = modelNames(reply.text);
    if (!models || models.length === 0 || models.includes(model)) return models ? { url, models } : { url };
    return { url, models, problem: `${url}: unknown model: ${model}; it serves ${models.join(", ")}` };
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return { url, problem: error.message };
  }
}

function modelNames(text: string): string[] | undefined {
  try {
    const list = JSON.parse(text) as { data?: readonly { id?: unknown }[] };
    return list.data?.map(({ id }) => String(id));
  } catch {
    return undefined;
  }
}
