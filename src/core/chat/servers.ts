/**
 * @module Several servers that share a load: each request goes to the least busy one that is not resting. A server
 * that cannot be reached, or asks to be left alone, rests; the rest doubles as long as it keeps failing.
 */
import { ServerError } from "../errors.js";
import { pause } from "../pause.js";
import { shownUrl } from "./http.js";

/** Time, so that tests need not wait for it. Milliseconds from any origin. */
export interface Clock {
  now(): number;
  /** @throws the signal's reason when aborted */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const SYSTEM_CLOCK: Clock = { now: () => performance.now(), sleep: pause };

export interface BackoffOptions {
  /** Rest after a first failure; doubles with each further one. */
  readonly firstDelayMs: number;
  /** Longest rest a server gets without asking for more. */
  readonly maxDelayMs: number;
  /** Longest rest a server may ask for; beyond it the request fails. */
  readonly maxWaitMs: number;
}

/** A server's turn with one request. */
export interface Turn {
  readonly base: URL;
  readonly startedMs: number;
  succeed(): void;
  /** The server gets no requests until it has rested. */
  rest(error: ServerError): void;
  /** The request failed; the server is not to blame. */
  release(): void;
}

interface Server {
  readonly base: URL;
  inFlight: number;
  /** Number of the last turn it had, of all turns given. */
  lastTurn: number;
  /** Failures since the last success, counting those of one outage once. */
  failures: number;
  restsSinceMs: number;
  restsUntilMs: number;
  lastError?: ServerError;
}

/** firstDelay · 2^(failures − 1), at most maxDelay. */
export function backoffMs(
  failures: number,
  { firstDelayMs, maxDelayMs }: Pick<BackoffOptions, "firstDelayMs" | "maxDelayMs">,
): number {
  return Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(30, failures - 1));
}

function takeTurn(server: Server, options: BackoffOptions, clock: Clock): Turn {
  server.inFlight++;
  const startedMs = clock.now();
  const done = () => {
    server.inFlight--;
  };
  return {
    base: server.base,
    startedMs,
    succeed() {
      done();
      server.failures = 0;
    },
    rest(error) {
      done();
      // Requests that were under way when the rest began tell nothing new.
      if (startedMs >= server.restsSinceMs || server.failures === 0) server.failures++;
      // "At once", said again and again, would be a loop without a pause.
      const rest = error.details.retryAfterMs || backoffMs(server.failures, options);
      server.restsSinceMs = clock.now();
      server.restsUntilMs = Math.max(server.restsUntilMs, server.restsSinceMs + rest);
      server.lastError = error;
    },
    release: done,
  };
}

/** Hands out turns. Holds each server's load and rest. */
export function createServers(bases: readonly URL[], options: BackoffOptions, clock: Clock) {
  const servers = bases.map(
    (base): Server => ({
      base,
      inFlight: 0,
      lastTurn: 0,
      failures: 0,
      restsSinceMs: -Infinity,
      restsUntilMs: -Infinity,
    }),
  );
  let turns = 0;
  const waitTooLong = (server: Server, ms: number): ServerError => {
    const url = shownUrl(server.base);
    const message = `${url}: asks to wait ${Math.ceil(ms / 1000)} s, more than the ${options.maxWaitMs / 1000} s allowed; run again later`;
    return new ServerError(message, { kind: "busy", url, cause: server.lastError });
  };

  return {
    /**
     * The next turn; waits while every server rests.
     * @param jitter in [0, 1): spreads those who wait for the same server
     * @throws ServerError when the wait would be too long; the signal's reason when aborted
     */
    async take(jitter: number, signal?: AbortSignal): Promise<Turn> {
      for (;;) {
        signal?.throwIfAborted();
        const now = clock.now();
        const awake = servers.filter((server) => server.restsUntilMs <= now);
        const [free] = awake.sort((a, b) => a.inFlight - b.inFlight || a.lastTurn - b.lastTurn);
        if (free) {
          free.lastTurn = ++turns;
          return takeTurn(free, options, clock);
        }
        const next = servers.reduce((a, b) => (b.restsUntilMs < a.restsUntilMs ? b : a));
        const rest = next.restsUntilMs - now;
        if (rest > options.maxWaitMs) throw waitTooLong(next, rest);
        await clock.sleep(Math.max(1, rest + jitter * options.firstDelayMs), signal);
      }
    },
  };
}
