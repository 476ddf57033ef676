/**
 * @module Measures how long the named parts of a step take; the clock is given, so tests need none.
 */

export interface Stopwatch {
  /** Runs `work` and adds its duration to `name`. */
  time<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Seconds by name. */
  readonly seconds: Readonly<Record<string, number>>;
}

/** @param now milliseconds from any origin */
export function stopwatch(now: () => number): Stopwatch {
  const seconds: Record<string, number> = {};
  return {
    seconds,
    async time(name, work) {
      const start = now();
      try {
        return await work();
      } finally {
        seconds[name] = (seconds[name] ?? 0) + (now() - start) / 1000;
      }
    },
  };
}
