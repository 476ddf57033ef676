import { beforeAll, describe, expect, it } from "vitest";
import { ModelError } from "../../src/core/errors.js";
import { zeros } from "../../src/core/ndarray.js";
import { Rng } from "../../src/core/rng.js";
import { mean, std } from "../../src/core/stats.js";
import { checkParams, initParams, ownParams, paramShapes, publishedParams } from "../../src/model/params.js";
import { weightFile } from "../../src/model/weights/open.js";
import { tryOpenTensors } from "../../src/model/weights/tensorStore.js";
import { GOLDENS, type GoldenModel, goldenFolder, loadGolden } from "./parity.js";

let model: GoldenModel;
beforeAll(async () => {
  ({ model } = await loadGolden("qwen25vl/tied"));
});

describe("paramShapes", () => {
  it("names exactly the tensors of a checkpoint that transformers saved", () => {
    const saved = Object.entries(model.params).map(([name, { shape }]) => [name, shape]);
    const named = Object.entries(paramShapes(model));
    expect(named.sort()).toEqual(saved.sort());
  });

  it("has a head of its own only when the head is not tied", () => {
    expect(
      paramShapes({ ...model, config: { ...model.config, tieWordEmbeddings: false } })["lm_head.weight"],
    ).toEqual([200, 32]);
    expect(paramShapes(model)).not.toHaveProperty(["lm_head.weight"]);
  });
});

describe("publishedParams", () => {
  it.each(GOLDENS)("has the names of the saved checkpoint, and ownParams ours: %s", async (golden) => {
    const { model: loaded } = await loadGolden(golden);
    const published = publishedParams(loaded, loaded.params);
    expect(ownParams(loaded, published)).toEqual(loaded.params);
    const { store } = await tryOpenTensors(await weightFile(goldenFolder(golden)));
    await store.close();
    expect(Object.keys(published).sort()).toEqual([...store.entries.keys()].sort());
  });
});

describe("initParams", () => {
  it("fits the config, and is the same for the same seed only", () => {
    const params = initParams(model, Rng.fromSeed(1));
    checkParams(model, params, "init");
    expect(initParams(model, Rng.fromSeed(1))).toEqual(params);
    expect(initParams(model, Rng.fromSeed(2))).not.toEqual(params);
  });

  it("starts learned positions like embeddings, and what writes into the residual stream smaller, in any family", async () => {
    const { model: other } = await loadGolden("qwen3vl/tied");
    const params = initParams(other, Rng.fromSeed(1));
    const spread = (name: string) => std(Array.from(params[name]?.data ?? []));
    expect(spread("visual.pos_embed.weight")).toBeCloseTo(0.02, 2);
    expect(spread("visual.blocks.0.mlp.linear_fc2.weight")).toBeCloseTo(1 / Math.sqrt(3 * 12 * 6), 1);
    expect(new Set(params["visual.blocks.0.norm1.bias"]?.data)).toEqual(new Set([0]));
    expect(new Set(params["model.layers.0.self_attn.q_norm.weight"]?.data)).toEqual(new Set([1]));
  });

  it("draws matrices of the documented spread, norms of 1 and biases of 0", () => {
    const params = initParams(model, Rng.fromSeed(1));
    const spread = (name: string) => std(Array.from(params[name]?.data ?? []));
    expect(spread("model.embed_tokens.weight")).toBeCloseTo(0.02, 3);
    expect(spread("model.layers.0.mlp.up_proj.weight")).toBeCloseTo(1 / Math.sqrt(3 * 32), 2);
    expect(spread("model.layers.0.mlp.down_proj.weight")).toBeCloseTo(1 / Math.sqrt(3 * 48 * 4), 2);
    expect(mean(Array.from(params["model.norm.weight"]?.data ?? []))).toBe(1);
    expect(new Set(params["visual.blocks.0.attn.qkv.bias"]?.data)).toEqual(new Set([0]));
  });
});

describe("checkParams", () => {
  it("names what is missing, unexpected and of the wrong shape in one message", () => {
    const { "model.norm.weight": _, ...rest } = model.params;
    const wrong = { ...rest, "visual.merger.ln_q.weight": zeros([3]), "lm_head.weight": zeros([1]) };
    expect(() => checkParams(model, wrong, "some/file")).toThrow(ModelError);
    expect(() => checkParams(model, wrong, "some/file")).toThrow(
      "some/file: parameters do not fit config.json: missing: model.norm.weight; unexpected: lm_head.weight; " +
        "wrong shape: visual.merger.ln_q.weight: expected [16], got [3]",
    );
  });

  it("lists a few names and counts the others", () => {
    expect(() => checkParams(model, {}, "some/file")).toThrow(/and 63 more$/);
  });
});
