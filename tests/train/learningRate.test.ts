import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/load.js";
import { learningRateAt, lengthNote } from "../../src/train/learningRate.js";

const configOf = (update: object, steps: number) =>
  resolveConfig({ update: { learningRate: 1e-4, ...update }, train: { steps } }, "test");

describe("learningRateAt(…)", () => {
  it("warms up, then follows the schedule to the last step", () => {
    const config = configOf({ schedule: "cosine", warmupSteps: 2, minLearningRateRatio: 0.1 }, 12);
    expect(learningRateAt(1, config)).toBeCloseTo(0.5e-4, 12);
    expect(learningRateAt(2, config)).toBeCloseTo(1e-4, 12);
    // Half of the cosine: 0.1 + 0.9 / 2.
    expect(learningRateAt(7, config)).toBeCloseTo(0.55e-4, 12);
    expect(learningRateAt(12, config)).toBeCloseTo(0.1e-4, 12);
  });
});

describe("lengthNote(…)", () => {
  it("says that a constant rate does not depend on the number of steps", () => {
    expect(lengthNote(4, 4, configOf({}, 8))).toBe(
      "train.steps was 4, now 8: the constant learning rate does not depend on it, the run is as one begun for 8 steps",
    );
  });

  it("says where a cosine jumps to, and that the run is another than one begun for as many steps", () => {
    // Step 4 of 4: (1 + cos(3π/4)) / 2 = 0.146; step 5 of 8: (1 + cos(π/2)) / 2 = 0.5.
    const note = lengthNote(4, 4, configOf({ schedule: "cosine" }, 8));
    expect(note).toContain("the learning rate goes from 0.0000146 in step 4 to 0.0000500");
    expect(note).toContain("a run begun for 8 steps would end with other weights");
    expect(lengthNote(4, 0, configOf({ schedule: "cosine" }, 8))).not.toContain("goes from");
  });
});
