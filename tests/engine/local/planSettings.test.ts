import { describe, expect, it } from "vitest";
import { resolveConfig, withOverride } from "../../../src/config/load.js";
import { modeOf, nearestFit, planOf, planTable } from "../../../src/engine/local/planSettings.js";
import { publishedNetwork } from "../../../src/model/publishedSizes.js";

const PROMPTS = { promptTokens: 356, images: 1, patchesPerImage: 1024 };
const MODEL = { network: publishedNetwork("3b"), prompts: PROMPTS };
const configOf = (...settings: string[]) => resolveConfig(settings.reduce(withOverride, {}), "test");

describe("nearestFit", () => {
  it("changes nothing where the settings fit", () => {
    expect(nearestFit(configOf("lora.rank=16"), MODEL, { available: 1e12 })).toEqual([]);
  });

  it("makes smaller batches before it proposes an adapter, and an adapter before shorter responses", () => {
    // Four prompts of 64 tokens with 2 · 2 responses of 32 each: 768 tokens, all in one graph.
    const model = { ...MODEL, prompts: { promptTokens: 64, images: 0, patchesPerImage: 0 } };
    const short = ["rollout.maxResponseLength=32", "rollout.responses=2"];
    const config = configOf(...short, "update.microBatchUnits=4");
    const { full } = planOf(config, model);
    const single = planOf(configOf(...short, "update.microBatchUnits=1"), model);
    expect(single.full.anonymous).toBeLessThan(full.anonymous);
    expect(nearestFit(config, model, { available: single.full.anonymous })).toEqual([
      "update.microBatchUnits=1",
    ]);
    expect(nearestFit(config, model, { available: 16e9 })?.[0]).toBe("lora.rank=16");
  });

  it("counts as many prompts as the graphs of an update take, not all of a micro-batch", () => {
    const [four, one] = [4, 1].map((units) =>
      planOf(configOf("rollout.maxResponseLength=512", `update.microBatchUnits=${units}`), MODEL),
    );
    expect(four?.full).toEqual(one?.full);
  });

  it("proposes settings that fit by the same plan", () => {
    const config = configOf("lora.rank=16", "rollout.maxResponseLength=2048", "rollout.responses=8");
    const available = 8e9;
    expect(planOf(config, MODEL).lora.anonymous).toBeGreaterThan(available);
    const fit = nearestFit(config, MODEL, { available }) ?? [];
    const proposed = configOf(
      "lora.rank=16",
      "rollout.maxResponseLength=2048",
      "rollout.responses=8",
      ...fit,
    );
    expect(planOf(proposed, MODEL)[modeOf(proposed)].anonymous).toBeLessThanOrEqual(available);
  });

  it("samples from the weights as they are where 8 bits have no room", () => {
    const least = ["update.microBatchUnits=1", "rollout.maxRows=1", "rollout.maxResponseLength=16"];
    const exact = configOf("lora.rank=16", ...least);
    const packed = configOf("lora.rank=16", ...least, "rollout.weights=int8");
    const available = planOf(exact, MODEL).lora.anonymous;
    expect(planOf(packed, MODEL).lora.anonymous).toBeGreaterThan(available);
    expect(nearestFit(packed, MODEL, { available })).toEqual(["rollout.weights=exact"]);
  });

  it("says where nothing fits", () => {
    expect(nearestFit(configOf("lora.rank=16"), MODEL, { available: 1e8 })).toBeUndefined();
  });
});

describe("planTable", () => {
  it("shows both kinds of memory of each use, and what there is", () => {
    const need = (anonymous: number) => ({ anonymous, mapped: 7.5e9 });
    const plan = { inference: need(15e9), lora: need(2.5e9), full: need(62e9) };
    const table = planTable(plan, { total: 24e9, available: 20e9, limitedBy: "machine" });
    expect(table.split("\n").map((line) => line.replace(/ {2,}/g, " | "))).toEqual([
      "to | memory | file pages",
      expect.stringMatching(/^─/),
      "answer (evaluate) | 15.0 GB | 7.50 GB | fits",
      "train an adapter (lora.rank) | 2.50 GB | 7.50 GB | fits",
      "train all weights | 62.0 GB | 7.50 GB | too much",
      "20.0 GB of 24.0 GB are available (limit of the machine); file pages are read again where they do not fit.",
    ]);
  });
});
