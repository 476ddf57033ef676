/**
 * @module One exchange with a Tinker server, repeated as long as that is safe and of use: a server that is busy or away
 * is waited for; a request whose answer was lost is sent again only where doing it twice does no harm.
 */
import type { z } from "zod";
import { exchange, withoutKey, withoutLogin } from "../../core/chat/http.js";
import { backoffMs, type Clock, SYSTEM_CLOCK } from "../../core/chat/servers.js";
import { ConfigError, codeOf, ServerError, type ServerErrorKind } from "../../core/errors.js";
import { garbledError, readAnswer, statusError } from "./answers.js";

export interface TransportOptions {
  /** `http://host:8000`; `/api/v1` is added where it is missing. */
  readonly url: string;
  /** Sent as `X-API-Key`; never shown. */
  readonly key?: string | undefined;
  readonly clock?: Clock;
  /** For one exchange, milliseconds; below the server's own limit, so that it is we who ask again. */
  readonly timeoutMs?: number;
  /** Longest that a busy server is waited for, milliseconds. */
  readonly maxWaitMs?: number;
  /** Further attempts after failures other than being busy. */
  readonly retries?: number;
}

/** Values of the options that are not given; times in milliseconds. */
export const TRANSPORT_DEFAULTS = { timeoutMs: 45_000, maxWaitMs: 600_000, retries: 5 } as const;

const BACKOFF = { firstDelayMs: 1000, maxDelayMs: 30_000 } as const;
const BILLING_PAUSE_MS = 5000;
/** What a further attempt may cure. */
const PASSING: readonly ServerErrorKind[] = ["unreachable", "timeout", "busy", "broken"];

export interface Call<Answer> {
  readonly method?: "GET" | "POST" | "DELETE";
  /** Below `/api/v1`, with its slash. */
  readonly path: string;
  readonly body?: object;
  readonly answer: z.ZodType<Answer>;
  /** Whether doing it twice is the same as once; then a lost answer is asked for again. */
  readonly isRepeatable: boolean;
  /** Whether a redirect is the answer: `{ url }`, as servers that do not redirect say it. */
  readonly isLink?: boolean;
  /** Whether the caller asks again itself where there is no answer yet. */
  readonly isPoll?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Transport {
  readonly base: URL;
  /** What shows who we are; for this server alone. */
  readonly keyHeader: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly maxWaitMs: number;
  /** @throws ServerError with what the server did instead; the signal's reason when aborted */
  call<Answer>(call: Call<Answer>): Promise<Answer>;
  /** One exchange, not repeated. */
  once<Answer>(call: Call<Answer>): Promise<Answer>;
}

/** @throws ConfigError when it is no http(s) address */
export function parseTinkerUrl(text: string): URL {
  const shown = withoutLogin(text);
  if (!URL.canParse(text)) {
    throw new ConfigError(`engine.url: not a server address: ${shown}: write http://host:port`);
  }
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new ConfigError(
      `engine.url: not a server address: ${shown}: it must begin with http:// or https://`,
    );
  }
  url.pathname = `${url.pathname.replace(/\/+$/, "").replace(/\/api\/v1$/, "")}/api/v1`;
  url.hash = "";
  return url;
}

/** Nobody took the request, so that sending it again is no repetition. */
function wasNotSent(error: ServerError): boolean {
  const { kind, status, cause } = error.details;
  if (kind === "busy") return true;
  return status === undefined && ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"].includes(codeOf(cause));
}

/** The answer to a request that must not be sent twice was lost, maybe after the work was done. */
export class LostAnswerError extends ServerError {
  /** What happened, without what to do. */
  readonly plain: string;
  constructor(error: ServerError) {
    const message = `${error.message} (the server may have done the work, and does not know a repeated request from a new one: resume from the last checkpoint)`;
    super(message, { ...error.details, cause: error });
    this.plain = error.message;
  }
}

/** Not yet: no answer in time, or a result that is still being written. */
export function isPending({ details }: ServerError): boolean {
  return details.kind === "timeout" || details.status === 425;
}

/** Repeats `attempt` until it succeeds or that is of no more use. */
async function persist<Answer>(
  attempt: () => Promise<Answer>,
  { isRepeatable, isPoll, signal }: Pick<Call<Answer>, "isRepeatable" | "isPoll" | "signal">,
  { clock, maxWaitMs, retries }: { clock: Clock; maxWaitMs: number; retries: number },
): Promise<Answer> {
  const startedMs = clock.now();
  let failures = 0;
  let waits = 0;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      const { kind, status, retryAfterMs } = error.details;
      if (!PASSING.includes(kind) || (isPoll && isPending(error))) throw error;
      const isAway = wasNotSent(error);
      if (!isAway && !isRepeatable) throw new LostAnswerError(error);
      if (!isAway && ++failures > retries) throw error;
      if (isAway) waits++;
      const delay = status === 402 ? BILLING_PAUSE_MS : backoffMs(Math.max(1, failures + waits), BACKOFF);
      const pause = Math.max(delay, retryAfterMs ?? 0);
      if (clock.now() - startedMs + pause > maxWaitMs) throw error;
      await clock.sleep(pause, signal);
    }
  }
}

export function createTransport(options: TransportOptions): Transport {
  const { clock, timeoutMs, maxWaitMs, retries, key } = {
    clock: SYSTEM_CLOCK,
    ...TRANSPORT_DEFAULTS,
    ...options,
  };
  const base = parseTinkerUrl(options.url);
  // A pooled connection may be closed by the server just as a request goes out, and the loss would look like work done.
  const headers = { accept: "application/json", "content-type": "application/json", connection: "close" };
  const keyHeader: Record<string, string> = key ? { "x-api-key": key } : {};
  const once = async <Answer>({
    method = "POST",
    path,
    body,
    answer,
    isLink = false,
    signal,
  }: Call<Answer>): Promise<Answer> => {
    const url = new URL(base);
    url.pathname = `${base.pathname}${path}`;
    const reply = await exchange({
      ...{ url, method, timeoutMs, signal },
      headers: { ...headers, ...keyHeader },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      maxBytes: 1024 ** 3,
    });
    // Nothing that is read from here on can show the key.
    const text = withoutKey(reply.text, key);
    const { location } = reply.headers;
    const isSent = isLink && [302, 303, 307].includes(reply.status) && location !== undefined;
    if (reply.status !== 200 && !isSent) throw statusError(url, { ...reply, text });
    const json = isSent ? { url: new URL(location, url).href } : readAnswer(url, text);
    const parsed = answer.safeParse(json);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw garbledError(url, `${issue?.path.join(".")}: ${issue?.message}`);
  };
  return {
    base,
    keyHeader,
    clock,
    maxWaitMs,
    once,
    call: (call) => persist(() => once(call), call, { clock, maxWaitMs, retries }),
  };
}
