import { beforeAll, describe, expect, it } from "vitest";
import { ModelError } from "../../../src/core/errors.js";
import type { Params } from "../../../src/core/ndarray.js";
import { type Tensor, tf } from "../../../src/core/tf.js";
import type { ImageLayout, Network } from "../../../src/model/family.js";
import type { ImagePatches } from "../../../src/model/imageProcessor.js";
import { parseConfig, type Qwen25Config } from "../../../src/model/qwen25vl/config.js";
import { layOut } from "../../../src/model/qwen25vl/layout.js";
import {
  type Case,
  type GoldenModel,
  goldenConfig,
  hostInputs,
  imageRows,
  largestDifference,
  loadGolden,
  pick,
  tensorInputs,
  toTensors,
} from "../parity.js";

let model: GoldenModel;
let config: Qwen25Config;
let expected: Params;
let params: Record<string, Tensor>;
beforeAll(async () => {
  ({ model, expected } = await loadGolden("qwen25vl/tied"));
  config = parseConfig(await goldenConfig("qwen25vl/tied"), "config.json");
  params = toTensors(model.params);
});

/** Inputs of a golden prompt, with room for so many patches per image. */
function inputsOf(name: Case, { network = model as Network, minPatches = 0, from = expected } = {}) {
  return tensorInputs(hostInputs(from, name, network, minPatches));
}

/** Patches numbered one after another, from `first` on: the first of their 96 values says which. */
function image(h: number, w: number, { t = 1, first = 0 } = {}): ImagePatches {
  const patches = new Float32Array(t * h * w * 96);
  for (let patch = 0; patch < t * h * w; patch++) patches[patch * 96] = first + patch;
  return { grid: { t, h, w }, patches };
}

/** Which patch is in each slot; undefined for padding. */
function patchesIn({ inputs }: ImageLayout): (number | undefined)[] {
  const mask = inputs["windowMask"]?.data ?? [];
  return Array.from(mask, (hidden, slot) => (hidden === 0 ? inputs.patches.data[slot * 96] : undefined));
}

// The tied model's windows are 4×4 patches: 2×2 merged cells of 2×2 patches.
describe("layOut", () => {
  it("puts an image's patches into windows, row by row", () => {
    // 4×6 patches = 2×3 cells: cells 0 1 | 2, and 3 4 | 5; the second window is half padding.
    const layout = layOut([image(4, 6)], config, 0);
    const { inputs, rows } = layout;
    expect([inputs["windowMask"]?.shape, inputs["fullMask"]?.shape]).toEqual([
      [2, 16],
      [1, 32],
    ]);
    expect(rows).toEqual([[0, 1, 4, 2, 3, 6]]);
    const slots = patchesIn(layout);
    const none = undefined;
    expect(slots.filter((_, slot) => slot % 4 === 0)).toEqual([0, 4, 12, 16, 8, none, 20, none]);
    expect(slots.slice(16, 24)).toEqual([8, 9, 10, 11, none, none, none, none]);
  });

  it("gives every image the windows of the largest, and every patch exactly one slot", () => {
    const layout = layOut([image(10, 8), image(2, 2, { first: 80 })], config, 0);
    expect(layout.inputs["windowMask"]?.shape).toEqual([2 * 6, 16]);
    const used = patchesIn(layout).filter((patch) => patch !== undefined);
    expect(used.sort((a, b) => a - b)).toEqual(Array.from({ length: 84 }, (_, patch) => patch));
    expect(layout.rows[1]).toEqual([(6 * 16) / 4]);
  });

  it("rounds windows up to two, and leaves room for larger images when asked", () => {
    const windows = (minPatches: number) =>
      layOut([image(4, 4)], config, minPatches).inputs["windowMask"]?.shape;
    expect([0, 32, 33].map(windows)).toEqual([
      [2, 16],
      [2, 16],
      [4, 16],
    ]);
  });

  it("lays frames out as images of their own", () => {
    const { inputs, rows } = layOut([image(4, 4, { t: 2 })], config, 0);
    expect(inputs["fullMask"]?.shape).toEqual([2, 32]);
    expect(rows).toEqual([[0, 1, 2, 3, 8, 9, 10, 11]]);
  });

  it("refuses an odd grid", () => {
    expect(() => layOut([image(3, 4)], config, 0)).toThrow(ModelError);
    expect(() => layOut([image(3, 4)], config, 0)).toThrow("qwen25vl: grid 3×4 is not a multiple of 2");
  });
});

describe("the tower", () => {
  it("gives the same rows and gradients whatever padding the bucket adds", () => {
    // Six windows are needed; 128 patches are eight.
    const [tight, loose] = [inputsOf("twoImages"), inputsOf("twoImages", { minPatches: 128 })];
    expect([tight, loose].map(({ image }) => image?.vision.patches.shape[0])).toEqual([192, 256]);
    const rows = (inputs: typeof tight) => imageRows(params, model, inputs).dataSync();
    expect(largestDifference(rows(loose), rows(tight))).toBeLessThan(1e-5);
    const names = [
      "visual.patch_embed.proj.weight",
      "visual.blocks.0.attn.qkv.bias",
      "visual.merger.mlp.0.weight",
    ];
    const gradients = (inputs: typeof tight) =>
      tf.grads((...tensors: Tensor[]) => {
        const changed = Object.fromEntries(names.map((name, at) => [name, tensors[at] as Tensor]));
        return tf.sum(tf.square(imageRows({ ...params, ...changed }, model, inputs)));
      })(names.map((name) => params[name] as Tensor));
    const [a, b] = [gradients(tight), gradients(loose)];
    names.forEach((name, at) => {
      const [x, y] = [a[at] as Tensor, b[at] as Tensor];
      const scale = tf.max(tf.abs(x)).dataSync()[0] as number;
      expect(scale, name).toBeGreaterThan(0.1);
      expect(largestDifference(x.dataSync(), y.dataSync()) / scale, name).toBeLessThan(1e-5);
    });
  });

  it("gives an image the same rows alone and beside another", () => {
    const both = imageRows(params, model, inputsOf("twoImages")).dataSync();
    const patches = pick(expected, "twoImages.patches");
    const alone: Params = {
      "oneImage.tokens": { dtype: "int32", shape: [6], data: new Int32Array(6).fill(190) },
      "oneImage.grids": { dtype: "int32", shape: [1, 3], data: Int32Array.of(1, 4, 6) },
      "oneImage.patches": { dtype: "float32", shape: [24, 96], data: patches.data.slice(0, 24 * 96) },
    };
    const rows = imageRows(params, model, inputsOf("oneImage", { from: alone }));
    expect(rows.shape).toEqual([6, 32]);
    expect(largestDifference(rows.dataSync(), both.slice(0, 6 * 32))).toBeLessThan(1e-5);
  });

  it("lets a window layer see its window only, and a full layer the whole image", () => {
    const reach = (fullAttentionLayers: number[]) => {
      const vision = { ...model.config.vision, fullAttentionLayers };
      const network = { ...model, config: { ...model.config, vision } };
      const inputs = inputsOf("twoImages", { network });
      if (!inputs.image) throw new Error("no image");
      const { image } = inputs;
      // Patch 0 changes: cells 0, 1, 3 and 4 of the first image share its window; 2 and 5 do not.
      const others = tf.sub(1, tf.oneHot([0], image.vision.patches.shape[0] as number));
      const patches = tf.mul(image.vision.patches, tf.reshape(others, [-1, 1]));
      const changed = { ...inputs, image: { ...image, vision: { ...image.vision, patches } } };
      const rows = [changed, inputs].map((each) => imageRows(params, network, each)) as [Tensor, Tensor];
      return Array.from(tf.max(tf.abs(tf.sub(...rows)), 1).dataSync(), (value) => value > 1e-6);
    };
    const [t, f] = [true, false];
    expect(reach([]).slice(0, 8)).toEqual([t, t, f, t, t, f, f, f]);
    expect(reach([1]).slice(0, 8)).toEqual([t, t, t, t, t, t, f, f]);
  });

  it("names the axis when patches are of another size", () => {
    const inputs = inputsOf("oneImage");
    if (!inputs.image) throw new Error("no image");
    const vision = { ...inputs.image.vision, patches: tf.zeros([16, 95]) };
    const image = { ...inputs.image, vision };
    expect(() => imageRows(params, model, { ...inputs, image })).toThrow(
      "qwen25vl tower: patches: expected [S, P] with P=96, got [16, 95]",
    );
  });
});
