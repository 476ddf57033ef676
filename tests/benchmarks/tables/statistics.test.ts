import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  clusteredStandardError,
  comparePaired,
  passAllK,
  passAtK,
  repeatedSamples,
  rowsNeeded,
  shareInterval,
  signFlipExact,
} from "../../../benchmarks/tables/statistics.js";
import { std, wilson } from "../../../src/core/stats.js";

const alone = (count: number) => Array.from({ length: count }, (_, at) => String(at));

describe("clusteredStandardError", () => {
  it("is sd/√n when every row stands alone", () => {
    const values = [1, 0, 0, 1, 1];
    expect(clusteredStandardError(values, alone(5))).toBeCloseTo(std(values) / Math.sqrt(5), 12);
  });

  it("adds the products within clusters", () => {
    // mean ½, d = ½ ½ −½ −½; sd² = 1/3; Σ_c[(Σd)² − Σd²] = 2·(1 − ½) = 1; se² = (1/3)/4 + 1/16 = 7/48
    expect(clusteredStandardError([1, 1, 0, 0], ["a", "a", "b", "b"])).toBeCloseTo(Math.sqrt(7 / 48), 12);
  });

  it("is smaller than alone where clusters balance", () => {
    expect(clusteredStandardError([1, 0, 1, 0], ["a", "a", "b", "b"])).toBeLessThan(
      clusteredStandardError([1, 0, 1, 0], alone(4)),
    );
  });
});

describe("shareInterval", () => {
  it("is Wilson's when every row stands alone", () => {
    expect(shareInterval([1, 1, 0, 1], alone(4))).toEqual(wilson(3, 4));
  });

  it("is as wide as one row per cluster when all rows of a cluster agree", () => {
    const hits = [1, 0, 1, 1, 0, 1, 0, 1, 1, 1].flatMap((hit) => [hit, hit, hit, hit, hit]);
    const clusters = alone(10).flatMap((name) => [name, name, name, name, name]);
    const clustered = shareInterval(hits, clusters);
    const one = wilson(7, 10);
    expect(clustered.value).toBe(0.7);
    expect(clustered.low).toBeCloseTo(one.low, 1);
    expect(clustered.high).toBeCloseTo(one.high, 1);
    expect(clustered.high - clustered.low).toBeGreaterThan(2 * (wilson(35, 50).high - wilson(35, 50).value));
  });

  it("counts clusters where all rows are right", () => {
    expect(shareInterval([1, 1, 1, 1], ["a", "a", "b", "b"])).toEqual(wilson(2, 2));
  });

  it("holds its share and stays within 0 and 1", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 5 })), { minLength: 1 }),
        (rows) => {
          const { value, low, high } = shareInterval(
            rows.map(([hit]) => hit),
            rows.map(([, cluster]) => String(cluster)),
          );
          expect(low).toBeGreaterThanOrEqual(0);
          expect(high).toBeLessThanOrEqual(1);
          expect(low).toBeLessThanOrEqual(value + 1e-12);
          expect(high).toBeGreaterThanOrEqual(value - 1e-12);
        },
      ),
      { seed: 3 },
    );
  });
});

/** `onlyA` rows of difference −1 and `onlyB` of 1. */
function mcnemar(onlyA: number, onlyB: number): number {
  const differences = [...Array(onlyA).fill(-1), ...Array(onlyB).fill(1), 0, 0];
  return signFlipExact(differences, alone(differences.length));
}

describe("signFlipExact", () => {
  it.each([
    [0, 0, 1],
    [1, 0, 1],
    [5, 0, 0.0625], // 2/2⁵
    [8, 2, 0.109375], // 2·(1 + 10 + 45)/2¹⁰
    [5, 5, 1],
  ])("of %d rows against %d is McNemar's %d", (a, b, p) => {
    expect(mcnemar(a, b)).toBeCloseTo(p, 12);
    expect(mcnemar(b, a)).toBeCloseTo(p, 12);
  });

  it("counts all signs of shares", () => {
    // Only +++ and −−− reach 1; with ++−, +−+ and their mirror images ½ is reached.
    expect(signFlipExact([0.5, 0.25, 0.25], alone(3))).toBeCloseTo(2 / 8, 12);
    expect(signFlipExact([0.5, 0.25, -0.25], alone(3))).toBeCloseTo(6 / 8, 12);
    // Thirds are whole in thirds: no rounding lets 1/3 + 1/3 + 1/3 miss 1.
    expect(signFlipExact([1 / 3, 1 / 3, 1 / 3, 1], alone(4))).toBeCloseTo(2 / 16, 12);
  });

  it("flips rows of a cluster together", () => {
    expect(signFlipExact([1, 1, 1, 1], ["a", "a", "b", "b"])).toBeCloseTo(2 / 4, 12);
    expect(signFlipExact([1, -1, 1, -1], ["a", "a", "b", "b"])).toBe(1);
  });

  it("is 1 for nothing, and is never 0 for thousands of rows that differ by little", () => {
    expect(signFlipExact([], [])).toBe(1);
    expect(mcnemar(2000, 1500)).toBeGreaterThan(0);
    expect(mcnemar(2000, 1500)).toBeLessThan(1e-15);
  });
});

describe("comparePaired", () => {
  const rows = (both: number, onlyA: number, onlyB: number, neither: number) =>
    [
      ...Array.from({ length: both }, () => ({ a: true, b: true })),
      ...Array.from({ length: onlyA }, () => ({ a: true, b: false })),
      ...Array.from({ length: onlyB }, () => ({ a: false, b: true })),
      ...Array.from({ length: neither }, () => ({ a: false, b: false })),
    ].map((row, at) => ({ ...row, cluster: String(at) }));

  it("counts who is right alone, and the difference", () => {
    const found = comparePaired(rows(40, 5, 15, 40));
    expect(found).toMatchObject({ rows: 100, onlyA: 5, onlyB: 15 });
    expect(found.difference.value).toBeCloseTo(0.1, 12);
    // Agresti and Min: centre 10/102, se = √(21 − 100/102)/102 = 0.04386
    expect(found.difference.low).toBeCloseTo(10 / 102 - 1.959964 * 0.043863, 4);
    expect(found.difference.high).toBeCloseTo(10 / 102 + 1.959964 * 0.043863, 4);
    expect(found.p).toBeCloseTo(mcnemar(5, 15), 12);
    // (1.96 + 0.8416)·√(0.2/100)
    expect(found.detectable).toBeCloseTo(2.8015852 * Math.sqrt(0.002), 6);
  });

  it("keeps a width where no row differs, or every row does", () => {
    const same = comparePaired(rows(10, 0, 0, 0)).difference;
    expect(same.value).toBe(0);
    expect(same.high).toBeGreaterThan(0.1);
    const all = comparePaired(rows(0, 0, 10, 0)).difference;
    expect([all.value, all.high]).toEqual([1, 1]);
    expect(all.low).toBeLessThan(0.7);
  });

  it("is wider where rows of a cluster change together", () => {
    const together = rows(10, 5, 15, 10).map((row, at) => ({ ...row, cluster: String(Math.floor(at / 5)) }));
    const [wide, narrow] = [comparePaired(together), comparePaired(rows(10, 5, 15, 10))];
    expect(wide.difference.low).toBeLessThan(narrow.difference.low);
  });

  it("compares shares of repeated samples", () => {
    const shares = [
      { a: 0.25, b: 0.5 },
      { a: 1, b: 1 },
      { a: 0.5, b: 0.25 },
      { a: 0, b: 1 },
    ].map((row, at) => ({ ...row, cluster: String(at) }));
    const found = comparePaired(shares);
    expect(found).toMatchObject({ rows: 4, onlyA: 1, onlyB: 2 });
    expect(found.difference.value).toBeCloseTo(0.25, 12);
    // |±¼ ± ¼ ± 1| ≥ 1 unless both quarters are against the one: 6 of 8
    expect(found.p).toBeCloseTo(6 / 8, 12);
    // squares 1/16 + 1/16 + 1
    expect(found.detectable).toBeCloseTo((2.8015852 * Math.sqrt(1.125)) / 4, 6);
  });

  it("is NaN without rows", () => {
    expect(comparePaired([]).difference.value).toBeNaN();
  });
});

describe("rowsNeeded", () => {
  it("is 785 for 5 points, 19,623 for 1 point, by default", () => {
    // variance 0.25 + 0.25 − 0.25 = 0.25; (1.96 + 0.8416)²·0.25/0.05² = 784.9
    expect(rowsNeeded(0.05)).toBe(785);
    expect(rowsNeeded(0.01)).toBe(19623);
  });
});

describe("repeated samples", () => {
  it("pass@k and all-of-k count subsets", () => {
    expect(passAtK(4, 1, 2)).toBeCloseTo(0.5, 12); // 1 − C(3,2)/C(4,2)
    expect(passAllK(4, 3, 2)).toBeCloseTo(0.5, 12); // C(3,2)/C(4,2)
    expect(passAtK(4, 0, 2)).toBe(0);
    expect(passAtK(4, 3, 2)).toBe(1);
    expect(passAtK(2, 1, 3)).toBeNaN();
  });

  it("consensus takes the most frequent answer, of equals the first, of none nothing", () => {
    const sample = (extracted: string | null, isCorrect: boolean) => ({ extracted, isCorrect });
    const found = repeatedSamples([
      { cluster: "1", samples: [sample("A", false), sample("B", true), sample("B", true)] },
      { cluster: "2", samples: [sample("A", false), sample("B", true), sample(null, false)] },
      { cluster: "3", samples: [sample(null, false), sample(null, false), sample(null, false)] },
    ]);
    expect(found?.k).toBe(3);
    expect(found?.consensus.value).toBeCloseTo(1 / 3, 12);
    expect(found?.mean.value).toBeCloseTo(3 / 9, 12);
    expect(found?.passAtK).toBeCloseTo(2 / 3, 12);
  });

  it("are none when each row has one", () => {
    expect(
      repeatedSamples([{ cluster: "1", samples: [{ extracted: "A", isCorrect: true }] }]),
    ).toBeUndefined();
    expect(repeatedSamples([])).toBeUndefined();
  });
});
