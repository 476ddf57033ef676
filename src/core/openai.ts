/**
 * @module A client of OpenAI-compatible chat servers (vLLM, SGLang, llama.cpp, hosted ones) for long unattended runs:
 * bounded concurrency, deadlines, retries with exponential backoff, `Retry-After`, several servers for one load.
 */
import pLimit from "p-limit";
import { type ChatMessage, type ChatParams, type ChatReply, requestBody } from "./chat.js";
import { askHealth, askOnce, type Connection, parseBaseUrl, type ServerHealth } from "./chatServer.js";
import { ConfigError, ServerError, type ServerErrorKind } from "./errors.js";
import { Rng } from "./rng.js";
import { backoffMs, type Clock, createServers, SYSTEM_CLOCK, type Turn } from "./servers.js";

export type { ChatMessage, ChatParams, ChatPart, ChatReply } from "./chat.js";

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
  /** Further attempts after the first. */
  readonly retries?: number;
  readonly firstDelayMs?: number;
  readonly maxDelayMs?: number;
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

/** After several attempts the message says so. */
function afterAttempts(error: ServerError, attempts: number): ServerError {
  if (attempts === 1) return error;
  return new ServerError(`${error.message} (after ${attempts} attempts)`, { ...error.details, cause: error });
}

/** Worth another attempt. */
const RETRIED: readonly ServerErrorKind[] = ["unreachable", "timeout", "busy", "broken", "garbled"];
/** The server, not the request, is in trouble: it rests, and the request goes elsewhere. */
const SERVERS_FAULT: readonly ServerErrorKind[] = ["unreachable", "busy"];

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

/** Sends a request's JSON text until it is answered or the attempts are used up. */
function createAttempts(bases: readonly URL[], connection: Connection, settings: Settings) {
  const { retries, onRetry, clock, maxWaitMs } = settings;
  const servers = createServers(bases, settings, clock);
  const jitters = Rng.fromSeed(settings.seed).split("jitter");
  /** Sends the server to rest, or waits; throws where another attempt is of no use. */
  const recover = async (turn: Turn, error: unknown, attempt: number, signal?: AbortSignal) => {
    const isServersFault = error instanceof ServerError && SERVERS_FAULT.includes(error.details.kind);
    if (isServersFault) turn.rest(error);
    else turn.release();
    if (!(error instanceof ServerError)) throw error;
    if (!RETRIED.includes(error.details.kind) || attempt > retries) throw afterAttempts(error, attempt);
    onRetry?.(error, attempt);
    if (isServersFault) return;
    const delay = backoffMs(attempt, settings) * (0.5 + 0.5 * jitters.uniform());
    await clock.sleep(Math.min(error.details.retryAfterMs ?? delay, maxWaitMs), signal);
  };
  return async (body: string, signal?: AbortSignal): Promise<ChatReply> => {
    for (let attempt = 1; ; attempt++) {
      const turn = await servers.take(jitters.uniform(), signal);
      try {
        const reply = await askOnce(turn.base, body, connection, signal);
        turn.succeed();
        return { ...reply, attempts: attempt };
      } catch (error) {
        await recover(turn, error, attempt, signal);
      }
    }
  };
}

/**
 * A client for all requests of a run; its concurrency and its knowledge of dead servers are shared by them.
 * @throws ConfigError when an address or a number makes no sense
 */
export function createChatClient(options: ChatClientOptions): ChatClient {
  const settings = resolveSettings(options);
  const { model, apiKey, timeoutMs, clock } = settings;
  const bases = options.baseUrls.map(parseBaseUrl);
  const connection: Connection = { model, apiKey, timeoutMs, clock };
  const attempts = createAttempts(bases, connection, settings);
  const limit = pLimit(settings.concurrency);
  return {
    model,
    complete: (messages, params = {}, signal) =>
      limit(async () => {
        signal?.throwIfAborted();
        return attempts(await requestBody(model, messages, params), signal);
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
