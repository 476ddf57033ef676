import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../src/core/errors.js";
import { epochOrder } from "../../src/data/source.js";

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);

describe("epochOrder(…)", () => {
  it("asks every question at most once an epoch, and drops fewer than a batch", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(),
        (count, b, seed) => {
          const batch = Math.min(b, count);
          const order = epochOrder({ count, batch, seed });
          expect(order.perEpoch % batch).toBe(0);
          expect(count - order.perEpoch).toBeLessThan(batch);
          for (const epoch of [0, 1]) {
            const asked = upTo(order.perEpoch).map((at) => order.at(epoch * order.perEpoch + at));
            expect(asked.every((one) => one.epoch === epoch)).toBe(true);
            expect(new Set(asked.map(({ question }) => question)).size).toBe(order.perEpoch);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it("names the same question for the same index, whatever was asked before", () => {
    const options = { count: 50, batch: 8, seed: 3 };
    const straight = epochOrder(options);
    const inOrder = upTo(200).map((index) => straight.at(index).question);
    const jumping = epochOrder(options);
    for (const index of [199, 0, 47, 48, 120, 3]) expect(jumping.at(index).question).toBe(inOrder[index]);
  });

  it("shuffles anew each epoch, and otherwise for another seed", () => {
    const order = (seed: number, epoch: number) => {
      const { at, perEpoch } = epochOrder({ count: 30, batch: 10, seed });
      return upTo(perEpoch).map((index) => at(epoch * perEpoch + index).question);
    };
    expect(order(1, 0)).not.toEqual(upTo(30));
    expect(order(1, 1)).not.toEqual(order(1, 0));
    expect(order(2, 0)).not.toEqual(order(1, 0));
  });

  it("refuses fewer questions than a step takes", () => {
    expect(() => epochOrder({ count: 7, batch: 8, seed: 1 })).toThrow(ConfigError);
  });
});
