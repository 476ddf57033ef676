import { beforeAll, describe, expect, it } from "vitest";
import { type NdArray, ndarray } from "../../../src/core/ndarray.js";
import { gatherBlocks, KvCache } from "../../../src/engine/local/kvCache.js";
import type { ModelConfig } from "../../../src/model/modelConfig.js";
import { MASKED } from "../../../src/model/transformer/prefix.js";
import { loadGolden } from "../../model/parity.js";

let config: ModelConfig;
beforeAll(async () => {
  config = { ...(await loadGolden("qwen25vl/tied")).model.config, keyValueHeads: 2, headSize: 1, layers: 1 };
});

const [U, R, K, P] = [2, 2, 2, 3];

/** Keys or values of one new token: row r, head h holds 100·t + 10·r + h. */
const token = (t: number, rows: number) =>
  ndarray(
    Array.from({ length: rows * K }, (_, at) => 100 * t + 10 * Math.floor(at / K) + (at % K)),
    [rows, K, 1],
  );

/** Two prompts of three slots, the second with one token, and `tokens` tokens of `responses` rows each. */
function filled(tokens: number, slots: number, responses = R): KvCache {
  const prompt = () =>
    ndarray(
      Array.from({ length: U * K * P }, (_, at) => at),
      [U, K, P, 1],
    );
  const mask = ndarray([0, 0, 0, 0, MASKED, MASKED], [U, P]);
  const start = { keys: [prompt()], values: [prompt()], mask };
  const cache = KvCache.create(start, config, { responses, slots });
  const rows = U * responses;
  for (let t = 0; t < tokens; t++) cache.append([token(t + 1, rows)], [token(t + 5, rows)]);
  return cache;
}

const numbers = (array: NdArray | undefined) => Array.from(array?.data ?? []);

describe("gatherBlocks", () => {
  it("copies blocks of the first axis in the order asked for, repeats included", () => {
    const source = ndarray([1, 2, 3, 4, 5, 6], [3, 2], "int32");
    const gathered = gatherBlocks(source, [2, 0, 2]);
    expect(gathered).toEqual({ dtype: "int32", shape: [3, 2], data: Int32Array.of(5, 6, 1, 2, 5, 6) });
    expect(gatherBlocks(source, []).shape).toEqual([0, 2]);
  });
});

const EMPTY = Math.fround(MASKED);

describe("KvCache", () => {
  const held = (cache: KvCache) => ({ keys: numbers(cache.keys[0]), values: numbers(cache.values[0]) });

  it("writes a token's keys and values to the next slot of every row and head, and opens its mask", () => {
    const cache = filled(2, 3);
    // Row 0 head 0, row 0 head 1, row 1 head 0, …: slots t = 1, t = 2, empty.
    expect(held(cache).keys).toEqual(
      [100, 200, 0, 101, 201, 0, 110, 210, 0, 111, 211, 0].concat([
        120, 220, 0, 121, 221, 0, 130, 230, 0, 131, 231, 0,
      ]),
    );
    expect(held(cache).values.slice(0, 3)).toEqual([500, 600, 0]);
    expect(cache.mask.shape).toEqual([1, 3]);
    expect(numbers(cache.mask)).toEqual([0, 0, EMPTY]);
    expect(cache.length).toBe(2);
  });

  it("makes room when a token finds none, and moves what is there", () => {
    const full = filled(2, 2);
    full.append([token(3, U * R)], [token(7, U * R)]);
    expect(full.keys[0]?.shape).toEqual([U * R, K, 4, 1]);
    expect(held(full).keys.slice(0, 8)).toEqual([100, 200, 300, 0, 101, 201, 301, 0]);
    expect(held(full).values.slice(-4)).toEqual([531, 631, 731, 0]);
    expect(numbers(full.mask)).toEqual([0, 0, 0, EMPTY]);
    expect(full.length).toBe(3);
  });

  it("grows four times by as much as it began with, then doubles its room", () => {
    const rooms = Array.from({ length: 18 }, (_, tokens) => filled(tokens, 2).keys[0]?.shape[2]);
    expect(rooms).toEqual([2, 2, 2, 4, 4, 6, 6, 8, 8, ...Array(8).fill(16), 32]);
  });

  it("has a prompt that one row alone reads in the row's own slots, padding masked", () => {
    const cache = filled(1, 2, 1);
    expect(cache.prompt).toBeUndefined();
    expect(cache.keys[0]?.shape).toEqual([U, K, P + 2, 1]);
    expect(held(cache).keys).toEqual([
      ...[0, 1, 2, 100, 0, 3, 4, 5, 101, 0],
      ...[6, 7, 8, 110, 0, 9, 10, 11, 111, 0],
    ]);
    expect(cache.mask.shape).toEqual([U, P + 2]);
    expect(numbers(cache.mask)).toEqual([0, 0, 0, 0, EMPTY, 0, EMPTY, EMPTY, 0, EMPTY]);
    const grown = filled(3, 2, 1);
    expect(held(grown).values.slice(0, 7)).toEqual([0, 1, 2, 500, 600, 700, 0]);
    expect(numbers(grown.mask).slice(7)).toEqual([0, EMPTY, EMPTY, 0, 0, 0, EMPTY]);
    expect(cache.length).toBe(1);
  });

  it("leaves the prompt's arrays as they were", () => {
    const mask = ndarray([0, 0, 0, 0, MASKED, MASKED], [U, P]);
    const keys = ndarray(new Array(U * K * P).fill(3), [U, K, P, 1]);
    const cache = KvCache.create({ keys: [keys], values: [keys], mask }, config, { responses: 1, slots: 2 });
    cache.append([token(1, U)], [token(1, U)]);
    expect(numbers(mask)).toEqual([0, 0, 0, 0, EMPTY, EMPTY]);
    expect(new Set(numbers(keys))).toEqual(new Set([3]));
  });

  it("keeps the asked rows and prompts, their order and their tokens", () => {
    const cache = filled(3, 2).keeping([1], [3, 2]);
    expect(cache.keys[0]?.shape).toEqual([2, K, 4, 1]);
    expect(held(cache).keys).toEqual(
      [130, 230, 330, 0, 131, 231, 331, 0].concat([120, 220, 320, 0, 121, 221, 321, 0]),
    );
    expect(numbers(cache.prompt?.keys[0])).toEqual([6, 7, 8, 9, 10, 11]);
    expect(numbers(cache.prompt?.mask)).toEqual([0, EMPTY, EMPTY]);
    expect(numbers(cache.mask)).toEqual([0, 0, 0, EMPTY]);
    cache.append([token(9, 2)], [token(9, 2)]);
    expect(held(cache).keys.slice(0, 4)).toEqual([130, 230, 330, 900]);
  });

  it("keeps the masks of the rows that have their prompts themselves", () => {
    const cache = filled(1, 2, 1).keeping([1, 0], [1, 0]);
    expect(held(cache).keys.slice(0, 5)).toEqual([6, 7, 8, 110, 0]);
    expect(numbers(cache.mask)).toEqual([0, EMPTY, EMPTY, 0, EMPTY, 0, 0, 0, 0, EMPTY]);
  });

  it("leaves the old cache as it was", () => {
    for (const responses of [1, R]) {
      const cache = filled(1, 2, responses);
      const before = [held(cache), numbers(cache.mask)];
      const rows = Array.from({ length: U * responses }, (_, row) => row);
      const next = cache.keeping([0, 1], rows);
      next.append([token(7, rows.length)], [token(7, rows.length)]);
      expect([held(cache), numbers(cache.mask)]).toEqual(before);
      expect(cache.length).toBe(1);
    }
  });
});
