import { describe, expect, it } from "vitest";
import { predictStepMemory } from "../../../src/engine/local/memory.js";
import { loadNetwork, modelFolder } from "../../../src/model/load.js";

/**
 * Peak resident megabytes of a process that computes old log-probabilities and two updates of the bundled policy, on Linux
 * with glibc told to keep freed memory, as engineInProcess.ts does. One square image per prompt.
 */
const MEASURED = [
  { units: 1, side: 56, promptTokens: 22, responses: 2, responseTokens: 16, peak: 349 },
  { units: 2, side: 112, promptTokens: 78, responses: 12, responseTokens: 96, peak: 669 },
  { units: 4, side: 112, promptTokens: 78, responses: 12, responseTokens: 96, peak: 1107 },
  { units: 4, side: 196, promptTokens: 111, responses: 12, responseTokens: 96, peak: 1209 },
  { units: 4, side: 112, promptTokens: 78, responses: 24, responseTokens: 96, peak: 1474 },
  { units: 4, side: 112, promptTokens: 78, responses: 12, responseTokens: 192, peak: 1947 },
  { units: 4, side: 448, promptTokens: 318, responses: 12, responseTokens: 96, peak: 1992 },
] as const;

describe("predictStepMemory(…)", () => {
  it.each(MEASURED)("is within a quarter of the measured peak: %o", async ({ side, peak, ...sizes }) => {
    const network = await loadNetwork(modelFolder("tiny"));
    const { total } = predictStepMemory(network, { ...sizes, images: 1, patchesPerImage: (side / 14) ** 2 });
    expect(total / 1e6 / peak).toBeGreaterThan(0.75);
    expect(total / 1e6 / peak).toBeLessThan(1.25);
  });

  it("is within a quarter of the peak of a model with 26 million parameters", async () => {
    const { family, config: tiny } = await loadNetwork(modelFolder("tiny"));
    const config = {
      ...tiny,
      hiddenSize: 512,
      intermediateSize: 1536,
      layers: 8,
      headSize: 128,
      vision: { ...tiny.vision, outHiddenSize: 512 },
    };
    const one = { units: 1, images: 1 };
    const small = { ...one, promptTokens: 34, responses: 2, responseTokens: 16, patchesPerImage: 16 };
    expect(Math.abs(predictStepMemory({ family, config }, small).total / 0.795e9 - 1)).toBeLessThan(0.25);
    const larger = { ...one, promptTokens: 46, responses: 6, responseTokens: 64, patchesPerImage: 64 };
    expect(Math.abs(predictStepMemory({ family, config }, larger).total / 0.971e9 - 1)).toBeLessThan(0.25);
  });
});
