import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Merge, trainMerges } from "../../src/tiny/bpeTrainer.js";

/** Counts every pair anew after every merge, by the definition (Sennrich et al. 2016, algorithm 1). */
function plainMerges(words: ReadonlyMap<string, number>, limit: number): Merge[] {
  let parts = [...words].map(([word, count]) => ({ units: [...word], count }));
  const merges: Merge[] = [];
  while (merges.length < limit) {
    const counts = new Map<string, number>();
    for (const { units, count } of parts) {
      units.slice(1).forEach((right, at) => {
        const pair = `${units[at]} ${right}`;
        counts.set(pair, (counts.get(pair) ?? 0) + count);
      });
    }
    const [best] = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
    if (!best || best[1] < 2) break;
    const [left = "", right = ""] = best[0].split(" ");
    merges.push([left, right]);
    parts = parts.map(({ units, count }) => ({ units: joinedOnce(units, [left, right]), count }));
  }
  return merges;
}

/** Neighbours joined from the left, each unit once: aaa → aa a. */
function joinedOnce(units: readonly string[], [left, right]: Merge): string[] {
  const joined: string[] = [];
  for (let at = 0; at < units.length; at++) {
    const isPair = units[at] === left && units[at + 1] === right;
    joined.push(isPair ? left + right : (units[at] as string));
    if (isPair) at++;
  }
  return joined;
}

const words = fc
  .array(
    fc.tuple(
      fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 9 }),
      fc.integer({ min: 1, max: 5 }),
    ),
    {
      maxLength: 8,
    },
  )
  .map((pairs) => new Map(pairs));

/** A word cut up by merges, in their order. */
function cut(word: string, merges: readonly Merge[]): string[] {
  return merges.reduce(joinedOnce, [...word]);
}

describe("trainMerges", () => {
  it("learns what counting all pairs anew each time learns", () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 0, max: 12 }), (counts, limit) => {
        expect(trainMerges(counts, limit)).toEqual(plainMerges(counts, limit));
      }),
      { numRuns: 300, seed: 5 },
    );
  });

  it("goes on where fewer merges stopped", () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 0, max: 12 }), (counts, limit) => {
        expect(trainMerges(counts, limit)).toEqual(trainMerges(counts, 100).slice(0, limit));
      }),
      { numRuns: 100, seed: 6 },
    );
  });

  it("leaves no pair that occurs twice, and does not depend on the order of the words", () => {
    fc.assert(
      fc.property(words, (counts) => {
        const merges = trainMerges(counts, 1000);
        const pairs = new Map<string, number>();
        for (const [word, count] of counts) {
          const units = cut(word, merges);
          expect(units.join("")).toBe(word);
          units.slice(1).forEach((right, at) => {
            const pair = `${units[at]} ${right}`;
            pairs.set(pair, (pairs.get(pair) ?? 0) + count);
          });
        }
        expect([...pairs].filter(([, count]) => count > 1)).toEqual([]);
        expect(trainMerges(new Map([...counts].reverse()), 1000)).toEqual(merges);
      }),
      { numRuns: 200, seed: 7 },
    );
  });
});
