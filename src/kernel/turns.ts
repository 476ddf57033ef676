/**
 * @module Cells take turns. When one fails, those that already wait are told that they are aborted.
 */
import { setTimeout as sleep } from "node:timers/promises";

/** Requests that were sent before their sender knew of a failure arrive within this time, milliseconds. */
const ABORT_WINDOW_MS = 50;

/** Does the work of a turn. @returns whether to abort what waits */
export type Work = (isAborted: boolean) => Promise<boolean>;

export interface Turns {
  /** Does the work after all that was taken before. */
  take(work: Work): Promise<void>;
}

export function createTurns(): Turns {
  let last: Promise<void> = Promise.resolve();
  let taken = 0;
  let abortedThrough = 0;
  return {
    take(work) {
      const order = ++taken;
      last = last.then(async () => {
        if (!(await work(order <= abortedThrough))) return;
        await sleep(ABORT_WINDOW_MS);
        abortedThrough = taken;
      });
      return last;
    },
  };
}
