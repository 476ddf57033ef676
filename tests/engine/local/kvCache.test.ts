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

function filled(tokens: number, slots: number): KvCache {
  const prompt = () =>
    ndarray(
      Array.from({ length: U * K * P }, (_, at) => at),
      [U, K, P, 1],
    );
  const mask = ndarray([0, 0, 0, 0, MASKED, MASKED], [U, P]);
  const cache = KvCache.create({ keys: [prompt()], values: [prompt()], mask }, config, {
    responses: R,
    slots,
  });
  for (let t = 0; t < tokens; t++) cache.append([token(t + 1, U * R)], [token(t + 5, U * R)]);
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

describe("KvCache", () => {
  const first = (cache: KvCache, block = 0) => ({
    keys: numbers(cache.blocks[block]?.keys[0]),
    values: numbers(cache.blocks[block]?.values[0]),
  });

  it("writes a token's keys and values to the next slot of every row and head, and opens its mask", () => {
    const cache = filled(2, 3);
    // Row 0 head 0, row 0 head 1, row 1 head 0, …: slots t = 1, t = 2, empty.
    expect(first(cache).keys).toEqual(
      [100, 200, 0, 101, 201, 0, 110, 210, 0, 111, 211, 0].concat([
        120, 220, 0, 121, 221, 0, 130, 230, 0, 131, 231, 0,
      ]),
    );
    expect(first(cache).values.slice(0, 3)).toEqual([500, 600, 0]);
    expect(numbers(cache.slotMask)).toEqual([0, 0, Math.fround(MASKED)]);
    expect(cache.length).toBe(2);
  });

  it("starts another block when a token finds no room, and leaves the full ones alone", () => {
    const full = filled(2, 2);
    expect(full.blocks).toHaveLength(1);
    const before = first(full).keys;
    full.append([token(3, U * R)], [token(7, U * R)]);
    expect(full.blocks).toHaveLength(2);
    expect(first(full).keys).toEqual(before);
    expect(first(full, 1).keys.slice(0, 4)).toEqual([300, 0, 301, 0]);
    expect(numbers(full.slotMask)).toEqual([0, Math.fround(MASKED)]);
    expect(full.length).toBe(3);
  });

  it("has four equal blocks, then doubles its room", () => {
    const room = filled(17, 2).blocks.map(({ keys }) => keys[0]?.shape[2]);
    expect(room).toEqual([2, 2, 2, 2, 8, 16]);
  });

  it("keeps the asked rows and prompts, their order and their tokens", () => {
    const cache = filled(3, 2).keeping([1], [3, 2]);
    expect(cache.blocks[0]?.keys[0]?.shape).toEqual([2, K, 2, 1]);
    expect(first(cache).keys).toEqual([130, 230, 131, 231, 120, 220, 121, 221]);
    expect(first(cache, 1).values).toEqual([730, 0, 731, 0, 720, 0, 721, 0]);
    expect(numbers(cache.promptKeys[0])).toEqual([6, 7, 8, 9, 10, 11]);
    expect(numbers(cache.promptMask)).toEqual([0, Math.fround(MASKED), Math.fround(MASKED)]);
    expect(numbers(cache.slotMask)).toEqual([0, Math.fround(MASKED)]);
    cache.append([token(9, 2)], [token(9, 2)]);
    expect(first(cache, 1).keys.slice(0, 2)).toEqual([330, 900]);
  });

  it("leaves the old cache as it was", () => {
    const cache = filled(1, 2);
    const before = [first(cache), numbers(cache.slotMask)];
    const next = cache.keeping([0, 1], [0, 1, 2, 3]);
    next.append([token(7, U * R)], [token(7, U * R)]);
    expect([first(cache), numbers(cache.slotMask)]).toEqual(before);
    expect(cache.length).toBe(1);
  });
});
