/**
 * @module How a mini-batch is cut into micro-batches: readings of like length together, so that little of a graph is
 * padding.
 */
import { promptLength } from "../model/prompt.js";
import type { Reading } from "./lessons.js";

/** A reading with its place in the mini-batch. */
export interface Placed<R extends Reading> {
  readonly at: number;
  readonly reading: R;
}

/**
 * Micro-batches of at most `size` readings, longest responses first, then longest prompts.
 * The same readings in the same order are always cut alike.
 */
export function microBatches<R extends Reading>(readings: readonly R[], size: number): Placed<R>[][] {
  const lengths = readings.map((reading, at) => ({
    at,
    reading,
    response: Math.max(...reading.responses_R.map(({ length }) => length)),
    prompt: promptLength(reading.prompt),
  }));
  lengths.sort((a, b) => b.response - a.response || b.prompt - a.prompt || a.at - b.at);
  const sorted = lengths.map(({ at, reading }) => ({ at, reading }));
  return Array.from({ length: Math.ceil(readings.length / size) }, (_, batch) =>
    sorted.slice(batch * size, (batch + 1) * size),
  );
}
