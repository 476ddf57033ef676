/**
 * @module Sums over the tokens of micro-batches that add up to those of a mini-batch.
 */
import type { NdArray } from "../../core/ndarray.js";
import type { LossSums } from "../engine.js";

/** Sums over no tokens. */
export const NO_SUMS: LossSums = {
  loss: 0,
  clippedLow: 0,
  clippedHigh: 0,
  klSum: 0,
  entropySum: 0,
  maxLogRatio: 0,
};

/** Adds a graph's sums, by name, to those before it. */
export function addSums(sums: LossSums, stats: Readonly<Record<string, NdArray>>): LossSums {
  const before = new Map(Object.entries(sums));
  const added = Object.entries(stats).map(([name, { data }]) => {
    const value = data[0] as number;
    const held = before.get(name) ?? 0;
    return [name, name === "maxLogRatio" ? Math.max(held, value) : held + value];
  });
  return { ...sums, ...Object.fromEntries(added) };
}
