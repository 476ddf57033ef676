/**
 * @module Joins writes into few messages: a cell that prints fifty thousand lines sends ten, none of them lost.
 */
import type { StreamName } from "./streams.js";

/** Longest time that text waits while the process is free, milliseconds. */
const WAIT_MS = 20;
/** Text of this length is sent at once, UTF-16 units. */
const FULL = 32_768;

export interface StreamJoiner {
  write(name: StreamName, text: string): void;
  /** Sends what waits. Call it before any other message of the cell. */
  flush(): void;
}

export interface JoinerOptions {
  readonly send: (name: StreamName, text: string) => void;
  /** Milliseconds from any origin. */
  readonly now: () => number;
}

/** Texts of the two streams stay in the order in which they were written. */
export function joinStreams({ send, now }: JoinerOptions): StreamJoiner {
  let waiting: { name: StreamName; text: string } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let sentMs = Number.NEGATIVE_INFINITY;

  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (!waiting) return;
    const { name, text } = waiting;
    waiting = undefined;
    sentMs = now();
    send(name, text);
  };
  return {
    write(name, text) {
      if (waiting && waiting.name !== name) flush();
      waiting = { name, text: (waiting?.text ?? "") + text };
      // In a cell that never waits no timer fires: the clock is asked instead.
      if (waiting.text.length >= FULL || now() - sentMs > WAIT_MS) flush();
      else timer ??= setTimeout(flush, WAIT_MS);
    },
    flush,
  };
}
