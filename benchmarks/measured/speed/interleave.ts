/**
 * @module Timing side by side: every repetition runs each side once, in turn, so that a slow minute hits all of them.
 */
import { quantile } from "../../../src/core/stats.js";

export interface Side {
  readonly name: string;
  /** Does the work once. @returns milliseconds, measured where the work is done */
  run(): Promise<number>;
}

export interface Timing {
  readonly name: string;
  readonly milliseconds: readonly number[];
  readonly median: number;
}

export interface Repetitions {
  /** Rounds that are not counted: graphs are compiled, caches filled. */
  readonly warmUp: number;
  readonly counted: number;
}

/** @param onRound called after every round */
export async function interleave(
  sides: readonly Side[],
  { warmUp, counted }: Repetitions,
  onRound: (done: number, total: number) => void = () => {},
): Promise<Timing[]> {
  const times = sides.map((): number[] => []);
  for (let round = 0; round < warmUp + counted; round++) {
    for (const [at, side] of sides.entries()) {
      const elapsed = await side.run();
      if (round >= warmUp) times[at]?.push(elapsed);
    }
    onRound(round + 1, warmUp + counted);
  }
  return sides.map(({ name }, at) => {
    const milliseconds = times[at] ?? [];
    return { name, milliseconds, median: quantile(milliseconds, 0.5) };
  });
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
