import { describe, expect, it } from "vitest";
import { formatSeconds, observe, type Pace, remainingSeconds } from "../../src/core/progress.js";

/** Feeds `done` counts, one a second, and returns the pace. */
function paced(counts: readonly number[], total: number): Pace {
  const paces = counts.reduce<Pace | undefined>(
    (pace, done, second) => observe(pace, { phase: "rollout", done, total }, 1000 * second),
    undefined,
  );
  if (!paces) throw new Error("no counts");
  return paces;
}

describe("remainingSeconds", () => {
  it("is what is left divided by a steady pace", () => {
    // 10 a second, 30 of 100 done after 3 s: 70 / 10 = 7 s.
    expect(remainingSeconds(paced([0, 10, 20, 30], 100), 3000)).toBeCloseTo(7, 9);
  });

  it("counts down while nothing is reported, to 0 and not below", () => {
    const pace = paced([0, 10, 20, 30], 100);
    expect(remainingSeconds(pace, 5000)).toBeCloseTo(5, 9);
    expect(remainingSeconds(pace, 60_000)).toBe(0);
  });

  it("is unknown before any work was seen and where the total is unknown", () => {
    expect(remainingSeconds(paced([0], 100), 0)).toBeUndefined();
    expect(remainingSeconds(paced([0, 0, 0], 100), 2000)).toBeUndefined();
    expect(remainingSeconds(paced([0, 5], 0), 1000)).toBeUndefined();
  });

  it("leans towards recent work when the pace changes", () => {
    // Ten seconds at 1 a second, then ten at 10: the mean pace is 5.5, the recent one 10.
    const slow = Array.from({ length: 11 }, (_, at) => at);
    const fast = Array.from({ length: 10 }, (_, at) => 20 + 10 * at);
    const left = remainingSeconds(paced([...slow, ...fast], 210), 20_000);
    expect(left).toBeLessThan(100 / 7);
    expect(left).toBeGreaterThan(100 / 10);
  });

  it("starts anew with a new phase and when a phase starts over", () => {
    const pace = paced([0, 10, 20], 100);
    const next = observe(pace, { phase: "update", done: 0, total: 4 }, 9000);
    expect(remainingSeconds(next, 9000)).toBeUndefined();
    const again = observe(pace, { phase: "rollout", done: 0, total: 100 }, 9000);
    expect(again.startedMs).toBe(9000);
  });
});

describe("formatSeconds", () => {
  it.each([
    [0, "0 s"],
    [7.2, "8 s"],
    [59.5, "1 min 00 s"],
    [125, "2 min 05 s"],
    [11_220, "3 h 07 min"],
  ])("writes %d as %s", (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });
});
