import { describe, expect, it } from "vitest";
import { interleave, timed } from "../../../../benchmarks/measured/speed/interleave.js";
import { stepOperations } from "../../../../benchmarks/measured/speed/peak.js";
import { medianParts } from "../../../../benchmarks/measured/speed/stepParts.js";

/** A side that takes these times, one a round, and notes when it ran. */
function side(name: string, times: readonly number[], order: string[]) {
  let round = 0;
  return {
    name,
    run: async () => {
      order.push(`${name}${round}`);
      return times[round++] as number;
    },
  };
}

describe("interleave", () => {
  it("runs every side once a round, in turn, and counts none of the warm-up", async () => {
    const order: string[] = [];
    const sides = [side("a", [900, 800, 3, 1, 2], order), side("b", [700, 600, 10, 30, 20], order)];
    const rounds: (readonly [number, number])[] = [];
    const found = await interleave(sides, { warmUp: 2, counted: 3 }, (done, total) =>
      rounds.push([done, total]),
    );
    expect(order).toEqual(["a0", "b0", "a1", "b1", "a2", "b2", "a3", "b3", "a4", "b4"]);
    expect(found).toEqual([
      { name: "a", milliseconds: [3, 1, 2], median: 2 },
      { name: "b", milliseconds: [10, 30, 20], median: 20 },
    ]);
    expect(rounds).toEqual([1, 2, 3, 4, 5].map((done) => [done, 5]));
  });

  it("takes the middle of an even number between the two, and knows nothing of no rounds", async () => {
    const [even] = await interleave([side("a", [4, 1, 2, 3], [])], { warmUp: 0, counted: 4 });
    expect(even?.median).toBe(2.5);
    const [none] = await interleave([side("a", [9], [])], { warmUp: 1, counted: 0 });
    expect(none).toEqual({ name: "a", milliseconds: [], median: Number.NaN });
    expect(await interleave([], { warmUp: 1, counted: 1 })).toEqual([]);
  });

  it("stops at a side that fails", async () => {
    const order: string[] = [];
    const failing = { name: "b", run: () => Promise.reject(new Error("no memory")) };
    const measuring = interleave([side("a", [1], order), failing], { warmUp: 0, counted: 3 });
    await expect(measuring).rejects.toThrow("no memory");
    expect(order).toEqual(["a0"]);
  });
});

describe("timed", () => {
  it("is at least what the work waits for, and passes on its failure", async () => {
    expect(await timed(() => new Promise((resolve) => setTimeout(resolve, 20)))).toBeGreaterThan(15);
    await expect(timed(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  });
});

describe("medianParts", () => {
  it("leaves the warm-up out, and takes a part that a step did not have for 0", () => {
    const steps = [
      { rollout: 100, old_log_probs: 100, update: 100 },
      { rollout: 3, update: 7 },
      { rollout: 1, old_log_probs: 4, update: 9 },
      { rollout: 2, old_log_probs: 5, update: 8 },
    ];
    expect(medianParts(steps, { warmUp: 1, counted: 3 })).toEqual({
      rollout: 2,
      old_log_probs: 4,
      update: 8,
    });
  });
});

describe("stepOperations", () => {
  it("are 6 a parameter and token, and attention's under a mask that halves them", () => {
    // 2 rows of 3 tokens: 6 · 10 · 6 = 360, and 6 · 2 layers · 5 · 3 · 6 = 1080.
    expect(stepOperations({ parameters: 10, layers: 2, hidden: 5, rows: 2, length: 3 })).toBe(1440);
    // Attention's share, forward: 2 products of length² · hidden, 2 operations each, halved; backward twice that.
    const attention = stepOperations({ parameters: 0, layers: 1, hidden: 7, rows: 1, length: 11 });
    expect(attention).toBe(3 * ((2 * 2 * 11 ** 2 * 7) / 2));
  });
});
