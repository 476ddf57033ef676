import { describe, expect, it } from "vitest";
import { DECODER_TARGETS } from "../../../src/config/engine.js";
import { adapterSize, type PlanSizes, planMemory } from "../../../src/engine/local/memoryPlan.js";
import { publishedNetwork } from "../../../src/model/publishedSizes.js";

const LORA = { rank: 16, alpha: 32, usesRslora: false, targets: DECODER_TARGETS };

/** One question of 448 × 448, m = 2, n = 2. */
const SIZES: PlanSizes = {
  ...{ units: 2, promptTokens: 288, responses: 4, responseTokens: 64, images: 1, patchesPerImage: 1024 },
  ...{ rows: 4, readings: 2, updates: 1 },
};

/**
 * Anonymous gigabytes at most of an update's process: `measureUpdate` of benchmarks/measured/large on
 * `bench -- random-model`. Load does not matter for it.
 */
const SMALL = { promptTokens: 94, responseTokens: 16, patchesPerImage: 256 };
const USUAL = { promptTokens: 286 };
const MEASURED = [
  { size: "3b", layers: 4, more: SMALL, peak: 0.961 },
  { size: "3b", layers: 12, more: USUAL, peak: 1.578 },
  { size: "3b", layers: 36, more: USUAL, peak: 2.18 },
  { size: "7b", layers: 1, more: SMALL, peak: 2.284 },
  { size: "7b", layers: 28, more: USUAL, peak: 4.08 },
  { size: "32b", layers: 12, more: USUAL, peak: 6.72 },
] as const;

describe("planMemory", () => {
  it.each(MEASURED)("is within 10 % of the measured peak: $size, $layers layers, $more", (one) => {
    const network = publishedNetwork(one.size, { layers: one.layers });
    const { lora } = planMemory(network, { sizes: { ...SIZES, ...one.more }, lora: LORA });
    expect(Math.abs(lora.anonymous / 1e9 / one.peak - 1)).toBeLessThan(0.1);
  });

  it("counts what a rank-16 adapter of 3B has", () => {
    // A layer: q and o 16·(2048 + 2048), k and v 16·(2048 + 256), gate, up and down 16·(2048 + 11008); 36 of them.
    const perLayer = 16 * (2 * 4096 + 2 * 2304 + 3 * 13056);
    expect(adapterSize(publishedNetwork("3b"), LORA)).toBe(36 * perLayer);
  });

  it("needs the stored weights as file pages, and four bytes of each to answer with all of them held", () => {
    const { inference, lora, full } = planMemory(publishedNetwork("3b"), { sizes: SIZES, lora: LORA });
    expect(inference.mapped).toBe(lora.mapped);
    expect(lora.mapped).toBe(full.mapped);
    expect(lora.mapped / 1e9).toBeCloseTo(7.51, 1); // 3.75 billion in bfloat16
    expect(inference.anonymous).toBeGreaterThan(2 * lora.mapped);
    expect(full.anonymous).toBeGreaterThan(8 * lora.mapped);
  });

  it.each([
    { more: { units: 4, readings: 4 } },
    { more: { promptTokens: 1200, patchesPerImage: 4096 } },
    { more: { responses: 8 } },
    { more: { responseTokens: 512 } },
    { more: { rows: 512 } },
    { more: { updates: 2 } },
  ])("never needs less for more: $more", ({ more }) => {
    const network = publishedNetwork("7b");
    const before = planMemory(network, { sizes: SIZES, lora: LORA });
    const after = planMemory(network, { sizes: { ...SIZES, ...more }, lora: LORA });
    for (const mode of ["inference", "lora", "full"] as const) {
      expect(after[mode].anonymous).toBeGreaterThanOrEqual(before[mode].anonymous);
    }
    expect(after.lora.anonymous).toBeGreaterThan(before.lora.anonymous);
  });

  it("counts a byte and a little for each weight that rollouts read packed", () => {
    const network = publishedNetwork("3b");
    const exact = planMemory(network, { sizes: SIZES, lora: LORA });
    const packed = planMemory(network, { sizes: SIZES, lora: LORA, packsRollouts: true });
    // 36 layers of 77.07 million, and 151,936 × 2,048 of the head.
    expect((packed.lora.anonymous - exact.lora.anonymous) / 1e9).toBeCloseTo(
      1.03 * (36 * 0.07707 + 0.31116),
      2,
    );
    expect(packed.full).toEqual(exact.full);
  });

  it("grows with the model", () => {
    const [three, seven, thirtyTwo] = (["3b", "7b", "32b"] as const).map((size) =>
      planMemory(publishedNetwork(size), { sizes: SIZES, lora: LORA }),
    );
    expect(three?.lora.anonymous).toBeLessThan(seven?.lora.anonymous ?? 0);
    expect(seven?.lora.anonymous).toBeLessThan(thirtyTwo?.lora.anonymous ?? 0);
  });
});
