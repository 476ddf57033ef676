/**
 * @module Tickets of a Tinker server: work that is done in turn, and its results until some time after they were
 * fetched: an answer that was lost is asked for again.
 */
import { SharegrpoError } from "../../../core/errors.js";
import { WireRequestError } from "./backend.js";

/** What a request is answered with. */
export interface WireReply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** A file that is sent in place of the body. */
  readonly file?: string;
}

export const ok = (body: unknown): WireReply => ({ status: 200, body });
export const refusal = (status: number, detail: unknown): WireReply => ({ status, body: { detail } });

/** A failure as the future's answer: 400 where the request is to blame, 500 where we are. */
function failure(error: unknown): WireReply {
  const isOurs = error instanceof WireRequestError || error instanceof SharegrpoError;
  return isOurs ? refusal(400, error.message) : refusal(500, "the engine failed; see the server's log");
}

export interface Futures {
  /** Queues work behind what the same key has before it. @returns the ticket */
  start(key: string, work: () => Promise<unknown>): string;
  has(id: string): boolean;
  /** The result, or undefined where there is none after `waitMs`; a ticket that is not known is a 404. */
  retrieve(id: string, waitMs: number): Promise<WireReply | undefined>;
  /** Forgets all tickets, as a server that started anew. */
  forget(): void;
}

/** How long a result is kept once it was fetched. Those of a mini-batch are tens of megabytes. */
export const KEPT_MS = 300_000;
const GONE = refusal(410, "The result was fetched some time ago");

/**
 * @param onError hears of failures that are nobody's request
 * @param now milliseconds from any origin
 */
export function createFutures(
  onError?: (error: unknown) => void,
  now: () => number = () => performance.now(),
): Futures {
  const results = new Map<string, Promise<WireReply>>();
  /** When each was fetched first, oldest first. */
  const fetched = new Map<string, number>();
  const letGo = () => {
    for (const [id, sinceMs] of fetched) {
      if (now() - sinceMs <= KEPT_MS) return;
      fetched.delete(id);
      results.set(id, Promise.resolve(GONE));
    }
  };
  const queues = new Map<string, Promise<unknown>>();
  let count = 0;
  return {
    start(key, work) {
      letGo();
      const id = String(++count);
      const turn = (queues.get(key) ?? Promise.resolve()).then(work);
      const result = turn.then(ok, (error: unknown) => {
        const reply = failure(error);
        if (reply.status === 500) onError?.(error);
        return reply;
      });
      queues.set(key, result);
      results.set(id, result);
      return id;
    },
    has: (id) => results.has(id),
    async retrieve(id, waitMs) {
      const result = results.get(id);
      if (!result) return refusal(404, "Future not found");
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<undefined>((resolve) => {
        timer = setTimeout(resolve, waitMs, undefined);
      });
      const reply = await Promise.race([result, late]);
      clearTimeout(timer);
      if (reply && results.has(id) && !fetched.has(id)) fetched.set(id, now());
      return reply;
    },
    forget() {
      results.clear();
      fetched.clear();
    },
  };
}
