import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { philox, Rng } from "../../src/core/rng.js";
import { mean, std } from "../../src/core/stats.js";

const hex = (words: readonly number[]) => words.map((word) => word.toString(16).padStart(8, "0")).join(" ");
const draws = (rng: Rng, count: number) => Array.from({ length: count }, () => rng.uniform());

describe("philox", () => {
  // golden: Random123 1.14, tests/kat_vectors, philox4x32 10.
  const ones = 0xffffffff;
  it.each([
    { counter: [0, 0, 0, 0], key: [0, 0], words: "6627e8d5 e169c58d bc57ac4c 9b00dbd8" },
    { counter: [ones, ones, ones, ones], key: [ones, ones], words: "408f276d 41c83b0e a20bc7c6 6d5451fd" },
    {
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      key: [0xa4093822, 0x299f31d0],
      words: "d16cfe09 94fdcceb 5001e420 24126ea1",
    },
  ] as const)("of counter $counter under key $key is $words", ({ counter, key, words }) => {
    expect(hex(philox(counter, key))).toBe(words);
  });

  it("changes about half of its output bits when one bit of counter or key changes", () => {
    const bits = (words: readonly number[]) =>
      words.map((word) => word.toString(2).replaceAll("0", "").length).reduce((sum, count) => sum + count);
    const base = philox([1, 2, 3, 4], [5, 6]);
    const flips = Array.from({ length: 32 }, (_, bit) => {
      const counter = philox([(1 ^ (1 << bit)) >>> 0, 2, 3, 4], [5, 6]);
      const key = philox([1, 2, 3, 4], [5, (6 ^ (1 << bit)) >>> 0]);
      return [counter, key].map((words) =>
        bits(words.map((word, at) => (word ^ (base[at] as number)) >>> 0)),
      );
    }).flat();
    // 128 fair bits: mean 64, deviation 5.7; of 64 tries the mean is within 3 of 64 and none is far away.
    expect(Math.abs(mean(flips) - 64)).toBeLessThan(3);
    expect(Math.min(...flips)).toBeGreaterThan(35);
    expect(Math.max(...flips)).toBeLessThan(93);
  });
});

describe("Rng", () => {
  it("draws the same numbers for the same seed, whatever other streams did", () => {
    const alone = draws(Rng.fromSeed(3).split("rollout", "q1", 2), 4);
    const root = Rng.fromSeed(3);
    draws(root, 5);
    draws(root.split("rollout", "q1", 1), 5);
    expect(draws(root.split("rollout", "q1", 2), 4)).toEqual(alone);
    expect(draws(Rng.fromSeed(4).split("rollout", "q1", 2), 4)).not.toEqual(alone);
  });

  it("uniformAt(t) is the draw that uniform() makes as its t-th, and does not move the cursor", () => {
    const rng = Rng.fromSeed(11);
    const random = [2, 0, 1].map((at) => rng.uniformAt(at));
    const inOrder = draws(rng, 3);
    expect([inOrder[2], inOrder[0], inOrder[1]]).toEqual(random);
  });

  it("starts anew from its key", () => {
    const rng = Rng.fromSeed(5).split("a");
    const first = draws(rng, 3);
    expect(draws(Rng.fromKey(rng.key), 3)).toEqual(first);
  });

  it("tells labels apart by value, type, order and grouping", () => {
    const rng = Rng.fromSeed(1);
    const streams = [
      rng,
      rng.split(1),
      rng.split("1"),
      rng.split(1, 2),
      rng.split(2, 1),
      rng.split(12),
      rng.split("1", "2"),
      rng.split("12"),
      rng.split(1).split(2),
      rng.split("a"),
      rng.split("a", ""),
      rng.split("ä"),
    ];
    expect(new Set(streams.map((stream) => stream.uniformAt(0))).size).toBe(streams.length);
  });

  it("gives 20,000 streams of like names 20,000 different keys", () => {
    const rng = Rng.fromSeed(1);
    const keys = new Set<string>();
    for (let question = 0; question < 200; question++) {
      for (let response = 0; response < 100; response++) {
        keys.add(rng.split("rollout", `q${question}`, 0, response).key.join());
      }
    }
    expect(keys.size).toBe(20_000);
  });

  it("uses all 53 bits of a seed, and counters beyond 2³²", () => {
    expect(Rng.fromSeed(2 ** 32 + 1).uniform()).not.toBe(Rng.fromSeed(1).uniform());
    expect(Rng.fromSeed(1).uniformAt(2 ** 32)).not.toBe(Rng.fromSeed(1).uniformAt(0));
  });

  it("uniform fills [0, 1) evenly", () => {
    const cells = new Array<number>(20).fill(0);
    for (const u of draws(Rng.fromSeed(2), 20_000))
      cells[Math.floor(u * 20)] = (cells[Math.floor(u * 20)] ?? 0) + 1;
    // χ² with 19 degrees of freedom is below 43.8 with probability 0.999.
    expect(cells.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)).toBeLessThan(43.8);
    expect(cells).toHaveLength(20);
  });

  it("neighbouring streams are uncorrelated", () => {
    const rng = Rng.fromSeed(9);
    const pairs = Array.from({ length: 20_000 }, (_, at) => {
      const [a, b] = [rng.split(at), rng.split(at + 1)];
      return 12 * (a.uniform() - 0.5) * (b.uniform() - 0.5);
    });
    expect(Math.abs(mean(pairs))).toBeLessThan(4 / Math.sqrt(20_000));
  });

  it("normal has mean 0 and deviation 1, and its tails", () => {
    const rng = Rng.fromSeed(6);
    const values = Array.from({ length: 20_000 }, () => rng.normal());
    expect(Math.abs(mean(values))).toBeLessThan(4 / Math.sqrt(20_000));
    expect(Math.abs(std(values) - 1)).toBeLessThan(0.03);
    const beyond2 = values.filter((value) => Math.abs(value) > 2).length / values.length;
    expect(Math.abs(beyond2 - 0.0455)).toBeLessThan(0.006);
    expect(values.every(Number.isFinite)).toBe(true);
  });

  it("integer stays in [low, high) and reaches both ends", () => {
    const rng = Rng.fromSeed(8);
    const seen = new Set(Array.from({ length: 200 }, () => rng.integer(-1, 3)));
    expect([...seen].sort((a, b) => a - b)).toEqual([-1, 0, 1, 2]);
  });

  it("pick takes every element, and refuses an empty list", () => {
    const rng = Rng.fromSeed(8);
    expect(new Set(Array.from({ length: 100 }, () => rng.pick(["a", "b", "c"]))).size).toBe(3);
    expect(() => rng.pick([])).toThrow("Rng.pick: nothing to pick from");
  });

  it("shuffle keeps the elements, leaves its argument alone, and reaches every order", () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.integer({ min: 0, max: 1e9 }), (items, seed) => {
        const copy = [...items];
        const shuffled = Rng.fromSeed(seed).shuffle(items);
        expect(items).toEqual(copy);
        expect([...shuffled].sort((a, b) => a - b)).toEqual(copy.sort((a, b) => a - b));
      }),
      { seed: 1 },
    );
    const rng = Rng.fromSeed(1);
    expect(new Set(Array.from({ length: 200 }, () => rng.shuffle([1, 2, 3]).join())).size).toBe(6);
  });
});
