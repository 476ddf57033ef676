/**
 * @module Tickets of a Tinker server: work that is done in turn, and its results until some time after they were
 * fetched: an answer that was lost is asked for again. Work that waits and results that nobody fetched are bounded
 * together; what nobody fetches is not kept for ever.
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

/** No more tickets are given until results are fetched: 429. */
export class TooManyTickets extends Error {}

export interface Futures {
  /**
   * Queues work behind what the same key has before it.
   * @returns the ticket
   * @throws TooManyTickets when as many as there may be wait, or were not fetched
   */
  start(key: string, work: () => Promise<unknown>): string;
  /** As `start`, for work that nobody asked for: without a ticket, and never refused. */
  run(key: string, work: () => Promise<unknown>): void;
  /** Whether the ticket was given, also where its result is no longer kept. */
  has(id: string): boolean;
  /** The result, or undefined where there is none after `waitMs`; a ticket that is not known is a 404. */
  retrieve(id: string, waitMs: number): Promise<WireReply | undefined>;
  /** Forgets all tickets, as a server that started anew. */
  forget(): void;
}

/** How long a result is kept once it was fetched. Those of a mini-batch are tens of megabytes. */
export const KEPT_MS = 300_000;
/** How long a result is kept that nobody fetches. */
export const UNFETCHED_MS = 3_600_000;
const GONE = refusal(
  410,
  "The result is no longer kept: it was fetched minutes ago, or by nobody for an hour",
);

export interface FuturesOptions {
  /** Tickets whose work waits, goes on, or has a result that nobody fetched. */
  readonly maxOpen: number;
  /** Hears of failures that are nobody's request. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** Milliseconds from any origin. */
  readonly now?: () => number;
}

interface Ticket {
  readonly result: Promise<WireReply>;
  finishedMs?: number;
  fetchedMs?: number;
}

/** Does work of one key in turn. @returns its answer, which never fails */
function createQueues(onError: FuturesOptions["onError"]) {
  /** The last work of each key. */
  const queues = new Map<string, Promise<void>>();
  return (key: string, work: () => Promise<unknown>): Promise<WireReply> => {
    const turn = (queues.get(key) ?? Promise.resolve()).then(work);
    const result = turn.then(ok, (error: unknown) => {
      const reply = failure(error);
      if (reply.status === 500) onError?.(error);
      return reply;
    });
    const over = result.then(() => {
      if (queues.get(key) === over) queues.delete(key);
    });
    queues.set(key, over);
    return result;
  };
}

export function createFutures({ maxOpen, onError, now = () => performance.now() }: FuturesOptions): Futures {
  const tickets = new Map<string, Ticket>();
  const enqueue = createQueues(onError);
  let [count, forgotten] = [0, 0];
  const isOver = ({ finishedMs, fetchedMs }: Ticket) =>
    fetchedMs === undefined ? now() - (finishedMs ?? now()) > UNFETCHED_MS : now() - fetchedMs > KEPT_MS;
  const letGo = () => {
    for (const [id, ticket] of tickets) if (isOver(ticket)) tickets.delete(id);
  };
  const has = (id: string) => Number(id) > forgotten && Number(id) <= count;
  return {
    start(key, work) {
      letGo();
      const open = [...tickets.values()].filter(({ fetchedMs }) => fetchedMs === undefined).length;
      if (open >= maxOpen) {
        throw new TooManyTickets(
          `this server's limit of ${maxOpen} requests that wait or whose results were not fetched: fetch results, and send this one again`,
        );
      }
      const id = String(++count);
      const ticket: Ticket = { result: enqueue(key, work) };
      tickets.set(id, ticket);
      void ticket.result.then(() => {
        ticket.finishedMs = now();
      });
      return id;
    },
    run: (key, work) => void enqueue(key, work),
    has,
    async retrieve(id, waitMs) {
      const ticket = tickets.get(id);
      if (!ticket) return has(id) ? GONE : refusal(404, "Future not found");
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<undefined>((resolve) => {
        timer = setTimeout(resolve, waitMs, undefined);
      });
      const reply = await Promise.race([ticket.result, late]);
      clearTimeout(timer);
      if (reply) ticket.fetchedMs ??= now();
      return reply;
    },
    forget() {
      tickets.clear();
      forgotten = count;
    },
  };
}
