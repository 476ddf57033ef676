/**
 * @module A client of OpenAI-compatible chat servers (vLLM, SGLang, llama.cpp, hosted ones) for long unattended runs:
 * bounded concurrency, deadlines, retries with exponential backoff, `Retry-After`, several servers for one load.
 */
import pLimit from "p-limit";
import { ConfigError, ServerError, type ServerErrorKind } from "../errors.js";
import { Rng } from "../rng.js";
import {
  type ChatMessage,
  type ChatParams,
  type ChatReply,
  type ParsedReply,
  parseReply,
  requestBody,
} from "./chat.js";
import {
  askHealth,
  askOnce,
  type Connection,
  type Exchange,
  parseBaseUrl,
  type ServerHealth,
} from "./chatServer.js";
import { backoffMs, type Clock, createServers, SYSTEM_CLOCK, type Turn } from "./servers.js";

export type { ChatMessage, ChatParams, ChatPart, ChatReply } from "./chat.js";

/** Which servers and model, how many calls at once, how long to wait and how often to try. */
export interface ChatClientOptions {
  /** One or more servers of the same model: `http://host:8000/v1`. Without a path, `/v1` is meant. */
  readonly baseUrls: readonly string[];
  readonly model: string;
  /** Sent as bearer token; never shown. */
  readonly apiKey?: string | undefined;
  /** Requests under way at once, all servers together. */
  readonly concurrency?: number;
  /** For one request, from sending to the whole answer. */
  readonly timeoutMs?: number;
  /** Further attempts after the first, those not counted that only met a busy server. */
  readonly retries?: number;
  /** Wait after a first failure; doubles with each further one … */
  readonly firstDelayMs?: number;
  /** … up to this. */
  readonly maxDelayMs?: number;
  /** Longest that a request waits for a busy server, and that a server may ask to be left alone. */
  readonly maxWaitMs?: number;
  /** Of the jitter. */
  readonly seed?: number;
  /** Hears of every failed attempt that is followed by another. */
  readonly onRetry?: (error: ServerError, attempt: number) => void;
  readonly clock?: Clock;
}

/** Values of the options that are not given; times in milliseconds. */
export const CHAT_DEFAULTS = {
  concurrency: 8,
  timeoutMs: 600_000,
  retries: 6,
  firstDelayMs: 500,
  maxDelayMs: 30_000,
  maxWaitMs: 600_000,
  seed: 1,
} as const;

/** Asks OpenAI-compatible servers: in turn, with retries, at most so many at once. */
export interface ChatClient {
  readonly model: string;
  /**
   * Asks for one answer.
   * @throws ServerError when all attempts failed; DataError when an image cannot be read; the signal's reason
   */
  complete(messages: readonly ChatMessage[], params?: ChatParams, signal?: AbortSignal): Promise<ChatReply>;
  /**
   * Asks every server which models it serves.
   * @throws ServerError when no server can be used, with what each of them said
   */
  check(signal?: AbortSignal): Promise<readonly ServerHealth[]>;
}

/** How a message becomes a request, and its answer a reply. */
export type ChatWire = (
  model: string,
  messages: readonly ChatMessage[],
  params: ChatParams,
) => Promise<Exchange<ParsedReply>>;

/** The chat completions that every such server has. */
const chatCompletions: ChatWire = async (model, messages, params) => ({
  path: "/chat/completions",
  body: await requestBody(model, messages, params),
  read: (text) => parseReply(text, model),
});

/** Sends requests to servers: in turn, with retries, at most so many at once. */
export interface Requests {
  /**
   * @param make called when the request's turn has come
   * @throws ServerError when all attempts failed; the signal's reason
   */
  send<Answer extends object>(
    make: () => Promise<Exchange<Answer>>,
    signal?: AbortSignal,
  ): Promise<Answer & Sent>;
  check: ChatClient["check"];
}

/** What an answer took. */
type Sent = Pick<ChatReply, "latencyMs" | "attempts">;

/** After several attempts the message says so. */
function afterAttempts(error: ServerError, attempts: number): ServerError {
  if (attempts === 1) return error;
  return new ServerError(`${error.message} (after ${attempts} attempts)`, { ...error.details, cause: error });
}

/** Worth another attempt. */
const RETRIED: readonly ServerErrorKind[] = ["unreachable", "timeout", "broken", "garbled"];
/** The server, not the request, is in trouble: it rests, and the request goes elsewhere. */
const SERVERS_FAULT: readonly ServerErrorKind[] = ["unreachable", "busy", "refused"];

type Settings = ChatClientOptions & Required<Omit<ChatClientOptions, "apiKey" | "onRetry">>;

/** @throws ConfigError naming the setting that makes no sense */
function resolveSettings(options: ChatClientOptions): Settings {
  const settings = { clock: SYSTEM_CLOCK, ...CHAT_DEFAULTS, ...options };
  if (options.baseUrls.length === 0)
    throw new ConfigError("chat client: no server: give at least one address");
  const { concurrency } = settings;
  if (!(concurrency >= 1 && Number.isInteger(concurrency))) {
    throw new ConfigError(`chat client: invalid concurrency: ${concurrency}: expected a whole number from 1`);
  }
  return settings;
}

/** How far one request has come. */
interface Course {
  readonly startedMs: number;
  /** Requests sent. */
  attempts: number;
  /** Of them, those that failed otherwise than by a busy server. */
  failures: number;
}

/** Sends a request until it is answered or the attempts are used up. */
function createAttempts(bases: readonly URL[], connection: Connection, settings: Settings) {
  const { retries, onRetry, clock, maxWaitMs } = settings;
  const servers = createServers(bases, settings, clock);
  const jitters = Rng.fromSeed(settings.seed).split("jitter");

  /** A busy server is waited for; other failures are counted; a refusal is tried on the other servers. */
  const isHopeless = (kind: ServerErrorKind, { startedMs, attempts, failures }: Course): boolean => {
    if (kind === "busy") return clock.now() - startedMs >= maxWaitMs;
    if (kind === "refused") return attempts >= bases.length;
    return !RETRIED.includes(kind) || failures > retries;
  };

  /** Sends the server to rest, or waits; throws where another attempt is of no use. */
  const recover = async (turn: Turn, error: unknown, course: Course, signal?: AbortSignal) => {
    const isServersFault = error instanceof ServerError && SERVERS_FAULT.includes(error.details.kind);
    if (isServersFault) turn.rest(error);
    else turn.release();
    if (!(error instanceof ServerError)) throw error;
    if (error.details.kind !== "busy") course.failures++;
    if (isHopeless(error.details.kind, course)) throw afterAttempts(error, course.attempts);
    onRetry?.(error, course.attempts);
    if (isServersFault) return;
    const delay = backoffMs(course.failures, settings) * (0.5 + 0.5 * jitters.uniform());
    await clock.sleep(Math.min(error.details.retryAfterMs || delay, maxWaitMs), signal);
  };

  return async <Answer extends object>(
    exchange: Exchange<Answer>,
    signal?: AbortSignal,
  ): Promise<Answer & Sent> => {
    const course: Course = { startedMs: clock.now(), attempts: 0, failures: 0 };
    for (;;) {
      const turn = await servers.take(jitters.uniform(), signal);
      course.attempts++;
      try {
        const reply = await askOnce(turn.base, exchange, connection, signal);
        turn.succeed();
        return { ...reply, attempts: course.attempts };
      } catch (error) {
        await recover(turn, error, course, signal);
      }
    }
  };
}

/**
 * Requests of one run; their concurrency and what is known of dead servers are shared by them.
 * @throws ConfigError when an address or a number makes no sense
 */
export function createRequests(options: ChatClientOptions): Requests {
  const settings = resolveSettings(options);
  const { model, apiKey, timeoutMs, clock } = settings;
  const bases = options.baseUrls.map(parseBaseUrl);
  const connection: Connection = { model, apiKey, timeoutMs, clock };
  const attempts = createAttempts(bases, connection, settings);
  const limit = pLimit(settings.concurrency);
  return {
    send: (make, signal) =>
      limit(async () => {
        signal?.throwIfAborted();
        return attempts(await make(), signal);
      }),
    async check(signal) {
      const health = await Promise.all(bases.map((base) => askHealth(base, connection, signal)));
      if (health.every(({ problem }) => problem !== undefined)) {
        const said = health.map(({ problem }) => problem).join("; ");
        throw new ServerError(said, { kind: "refused", url: health[0]?.url ?? "" });
      }
      return health;
    },
  };
}

/**
 * A client for all requests of a run.
 * @param wire default: chat completions
 * @throws ConfigError when an address or a number makes no sense
 */
export function createChatClient(options: ChatClientOptions, wire: ChatWire = chatCompletions): ChatClient {
  const { send, check } = createRequests(options);
  const { model } = options;
  return {
    model,
    complete: (messages, params = {}, signal) => send(() => wire(model, messages, params), signal),
    check,
  };
}
