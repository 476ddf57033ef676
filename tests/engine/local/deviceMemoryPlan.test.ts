import { describe, expect, it } from "vitest";
import { resolveConfig, withOverride } from "../../../src/config/load.js";
import { cardTotal } from "../../../src/engine/local/deviceMemoryPlan.js";
import { fitsIn, modeOf, nearestFit, planOf, planTable } from "../../../src/engine/local/planSettings.js";
import { countParams } from "../../../src/model/params.js";
import { publishedNetwork } from "../../../src/model/publishedSizes.js";

const PROMPTS = { promptTokens: 356, images: 1, patchesPerImage: 1024 };
const model = (size: "3b" | "7b", layers?: number) => ({
  network: publishedNetwork(size, layers === undefined ? {} : { layers }),
  prompts: PROMPTS,
});
const configOf = (...settings: string[]) =>
  resolveConfig(["engine.device=cuda", "kl.use=off", ...settings].reduce(withOverride, {}), "test");
/** One short response under each prompt, alone in its graph. */
const SMALL = ["update.microBatchUnits=1", "rollout.maxRows=8", "rollout.responses=2", "expand.variants=1"];
const SHORT = [...SMALL, "rollout.maxResponseLength=64", "update.optimizerStepsPerRollout=1"];
const CARD = { name: "NVIDIA H100 80GB HBM3", free: 79e9, total: 85e9 };
const room = { available: 512e9, card: CARD };
const need = (size: "3b" | "7b", ...settings: string[]) => {
  const config = configOf(...SHORT, ...settings);
  const { card } = planOf(config, model(size))[modeOf(config)];
  if (!card) throw new Error("no card in the plan");
  return card;
};

describe("planCard", () => {
  it("places 16 bytes of each trained parameter and 4 of each frozen one", () => {
    const { network } = model("3b");
    const [all, vision] = [countParams(network), countParams(network, "visual.")];
    const state = ({ parameters, moments, gradients }: ReturnType<typeof need>) =>
      parameters + moments + gradients;
    expect(state(need("3b"))).toBe(16 * all);
    expect(state(need("3b", "update.frozen=vision"))).toBe(16 * (all - vision) + 4 * vision);
    // 3.09 billion of the decoder: the 49 GB that an H100 has room for.
    expect((16 * (all - vision)) / 1e9).toBeCloseTo(49.4, 0);
    // 12 bytes of a text decoder of 619 million cross when the state is carried: 7.4 GB.
    const text = model("3b", 4).network;
    expect((12 * (countParams(text) - countParams(text, "visual."))) / 1e9).toBeCloseTo(7.4, 1);
  });

  it.each([
    { more: ["kl.use=loss"], perParameter: 4 },
    { more: ["update.epochs=2"], perParameter: 12 },
  ])("counts what is kept beside: $more", ({ more, perParameter }) => {
    const all = countParams(model("3b").network);
    const state = (each: ReturnType<typeof need>) => each.parameters + each.moments + each.gradients;
    expect(state(need("3b", ...more)) - state(need("3b"))).toBe(perParameter * all);
  });

  it("has room for 3B with a frozen tower on 80 GB, none for 7B, and for adapters of both", () => {
    const fits = (size: "3b" | "7b", ...settings: string[]) => {
      const config = configOf(...SHORT, ...settings);
      return fitsIn(planOf(config, model(size))[modeOf(config)], room);
    };
    expect(fits("3b", "update.frozen=vision")).toBe(true);
    expect(fits("7b")).toBe(false);
    expect(cardTotal(need("7b")) / 1e9).toBeGreaterThan(122);
    for (const size of ["3b", "7b"] as const) expect(fits(size, "lora.rank=16")).toBe(true);
  });

  it("counts bfloat16 of every matrix that samples with engine.precision=bf16", () => {
    const { network } = model("3b");
    const { vocabSize, hiddenSize, layers, heads, keyValueHeads, headSize } = network.config;
    const joint = 4 * layers * (heads + 2 * keyValueHeads) * headSize * hiddenSize;
    expect(need("3b", "engine.precision=bf16").rollouts - need("3b").rollouts).toBe(
      2 * (countParams(network) + vocabSize * hiddenSize) - joint,
    );
  });

  it("is planned on a card alone", () => {
    expect(planOf(configOf("engine.device=cpu"), model("3b")).full.card).toBeUndefined();
  });
});

describe("a plan with a card", () => {
  it("proposes the nearest settings that fit card and host", () => {
    const settings = [...SHORT, "update.frozen=vision", "update.microBatchUnits=8"];
    const config = configOf(...settings);
    expect(fitsIn(planOf(config, model("3b")).full, room)).toBe(false);
    const fit = nearestFit(config, model("3b"), room) ?? [];
    expect(fit).toEqual([expect.stringMatching(/^update\.microBatchUnits=[124]$/)]);
    const proposed = configOf(...settings, ...fit);
    expect(fitsIn(planOf(proposed, model("3b"))[modeOf(proposed)], room)).toBe(true);
    expect(nearestFit(configOf(...SHORT), model("7b"), room)).toEqual(["lora.rank=16"]);
  });

  it("is a table of host and card, what the card's memory is for, and what is free", () => {
    const config = configOf(...SHORT, "update.frozen=vision");
    const machine = { total: 128e9, available: 120e9, limitedBy: "machine" } as const;
    const table = planTable(planOf(config, model("3b")), { ...machine, card: CARD });
    const [head, , inference] = table.split("\n").map((line) => line.replace(/ {2,}/g, " | "));
    expect(head).toBe("to | memory | file pages | on the card");
    expect(inference).toMatch(/^answer \(evaluate\) \| [\d.]+ GB \| 7\.51 GB \| [\d.]+ GB \| fits$/);
    expect(table).toMatch(/^on the card, to +parameters +moments +gradients +update +rollouts +context$/m);
    expect(table.split("\n").at(-1)).toBe("79.0 GB of 85.0 GB are free on NVIDIA H100 80GB HBM3.");
    expect(planTable(planOf(config, model("3b")), machine)).toMatch(/no card could be tried here\.$/);
  });
});
