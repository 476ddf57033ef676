import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mapInOrder } from "../../src/core/mapInOrder.js";
import { collected } from "../support/collected.js";

async function* from<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

/** Waits so many turns of the event loop. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((done) => setImmediate(done));
}

describe("mapInOrder(…)", () => {
  it("keeps the order, whoever is done first, and works on no more than asked at once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(5)), fc.integer({ min: 1, max: 4 }), async (waits, atOnce) => {
        let [underway, most] = [0, 0];
        const results = mapInOrder(from([...waits.entries()]), atOnce, async ([at, wait]) => {
          most = Math.max(most, ++underway);
          await turns(wait);
          underway--;
          return at;
        });
        expect(await collected(results)).toEqual(waits.map((_, at) => at));
        expect(most).toBeLessThanOrEqual(atOnce);
      }),
      { numRuns: 40 },
    );
  });

  it("works on several at once", async () => {
    let [underway, most] = [0, 0];
    const work = async () => {
      most = Math.max(most, ++underway);
      await turns(3);
      underway--;
    };
    await collected(mapInOrder(from([1, 2, 3, 4, 5]), 3, work));
    expect(most).toBe(3);
  });

  it("gives what came before a failure, then fails with the first, and no other goes unhandled", async () => {
    const seen: number[] = [];
    const failing = mapInOrder(from([1, 2, 3, 4]), 3, async (item) => {
      await turns(4 - item);
      if (item > 1) throw new Error(`item ${item}`);
      return item;
    });
    const reading = (async () => {
      for await (const item of failing) seen.push(item);
    })();
    await expect(reading).rejects.toThrow("item 2");
    expect(seen).toEqual([1]);
    await turns(5);
  });
});
