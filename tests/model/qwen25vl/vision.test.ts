import { beforeAll, describe, expect, it } from "vitest";
import { ModelError, ShapeError } from "../../../src/core/errors.js";
import type { Params } from "../../../src/core/ndarray.js";
import { type Tensor, tf } from "../../../src/core/tf.js";
import type { Model } from "../../../src/model/qwen25vl/load.js";
import { gatherPatches, visionLayout, visionTower } from "../../../src/model/qwen25vl/vision.js";
import {
  gridsOf,
  type HostInputs,
  hostInputs,
  largestDifference,
  loadGolden,
  pick,
  tensorInputs,
  toTensors,
} from "./parity.js";

let model: Model;
let expected: Params;
let params: Record<string, Tensor>;
beforeAll(async () => {
  ({ model, expected } = await loadGolden("tied"));
  params = toTensors(model.params);
});

/** The rows of an image's tokens in reading order. */
function towerRows(host: HostInputs): Tensor {
  const image = tensorInputs(host).image;
  if (!image || !host.image) throw new Error("no image");
  return tf.gather(visionTower(params, model.config, image), host.image.layout.mergedSlot.flat());
}

// The tied model's windows are 4×4 patches: 2×2 merged cells of 2×2 patches.
describe("visionLayout", () => {
  it("puts an image's patches into windows, row by row", () => {
    // 4×6 patches = 2×3 cells: cells 0 1 | 2, and 3 4 | 5; the second window is half padding.
    const layout = visionLayout([{ t: 1, h: 4, w: 6 }], model.config);
    expect([layout.images, layout.windows]).toEqual([1, 2]);
    expect(layout.mergedSlot).toEqual([[0, 1, 4, 2, 3, 6]]);
    const cells = Array.from({ length: 8 }, (_, cell) => layout.source[4 * cell]);
    expect(cells).toEqual([0, 4, 12, 16, 8, -1, 20, -1]);
    expect(Array.from(layout.source.subarray(16, 24))).toEqual([8, 9, 10, 11, -1, -1, -1, -1]);
    expect(Array.from(layout.windowMask.data, (value) => value === 0)).toEqual(
      Array.from(layout.source, (from) => from >= 0),
    );
    expect([layout.windowMask.shape, layout.fullMask.shape]).toEqual([
      [2, 16],
      [1, 32],
    ]);
  });

  it("gives every image the windows of the largest, and every patch exactly one slot", () => {
    const grids = [
      { t: 1, h: 10, w: 8 },
      { t: 1, h: 2, w: 2 },
    ];
    const layout = visionLayout(grids, model.config);
    expect([layout.images, layout.windows]).toEqual([2, 6]);
    const used = Array.from(layout.source).filter((from) => from >= 0);
    expect(used.sort((a, b) => a - b)).toEqual(Array.from({ length: 84 }, (_, patch) => patch));
    expect(layout.mergedSlot[1]).toEqual([(6 * 16) / 4]);
  });

  it("lays frames out as images of their own", () => {
    const layout = visionLayout([{ t: 2, h: 4, w: 4 }], model.config);
    expect([layout.images, layout.windows]).toEqual([2, 1]);
    expect(layout.mergedSlot).toEqual([[0, 1, 2, 3, 4, 5, 6, 7]]);
  });

  it("lays out no images as nothing", () => {
    expect(visionLayout([], model.config)).toMatchObject({ images: 0, windows: 0, mergedSlot: [] });
  });

  it("refuses an odd grid and a bucket that is too small", () => {
    expect(() => visionLayout([{ t: 1, h: 3, w: 4 }], model.config)).toThrow(ModelError);
    const grids = [{ t: 1, h: 4, w: 6 }];
    expect(() => visionLayout(grids, model.config, { images: 1, windows: 1 })).toThrow(
      "visionLayout: expected at most 1 images of 1 windows, got 1 images of 2 windows",
    );
  });
});

describe("gatherPatches", () => {
  it("puts patches into their slots and zeros into padding", () => {
    const layout = visionLayout([{ t: 1, h: 2, w: 2 }], model.config, { images: 1, windows: 1 });
    const gathered = gatherPatches(layout, [Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8)]);
    expect(gathered.shape).toEqual([16, 2]);
    expect(Array.from(gathered.data)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, ...new Array(24).fill(0)]);
  });

  it("refuses patches of other images", () => {
    const layout = visionLayout([{ t: 1, h: 2, w: 2 }], model.config);
    expect(() => gatherPatches(layout, [])).toThrow(ShapeError);
    expect(() => gatherPatches(layout, [new Float32Array(7)])).toThrow(ShapeError);
    const two = visionLayout(
      [
        { t: 1, h: 2, w: 2 },
        { t: 1, h: 2, w: 4 },
      ],
      model.config,
    );
    expect(() => gatherPatches(two, [new Float32Array(16), new Float32Array(8)])).toThrow(
      /image 1: expected 8 patches of 4 values, got 8 values/,
    );
  });
});

describe("visionTower", () => {
  it("gives the same rows and gradients whatever padding the bucket adds", () => {
    const tight = hostInputs(expected, "twoImages", model.config);
    const loose = hostInputs(expected, "twoImages", model.config, { images: 3, windows: 8 });
    expect(largestDifference(towerRows(loose).dataSync(), towerRows(tight).dataSync())).toBeLessThan(1e-5);
    const names = [
      "visual.patch_embed.proj.weight",
      "visual.blocks.0.attn.qkv.bias",
      "visual.merger.mlp.0.weight",
    ];
    const gradients = (host: HostInputs) =>
      tf.grads((...tensors: Tensor[]) => {
        const changed = Object.fromEntries(names.map((name, at) => [name, tensors[at] as Tensor]));
        const image = tensorInputs(host).image;
        if (!image || !host.image) throw new Error("no image");
        const rows = visionTower({ ...params, ...changed }, model.config, image);
        return tf.sum(tf.square(tf.gather(rows, host.image.layout.mergedSlot.flat())));
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
    const both = towerRows(hostInputs(expected, "twoImages", model.config));
    const [first] = gridsOf(expected, "twoImages");
    if (!first) throw new Error("no grid");
    const count = first.t * first.h * first.w;
    const patches = pick(expected, "twoImages.patches");
    const alone: Params = {
      "oneImage.tokens": { dtype: "int32", shape: [6], data: new Int32Array(6).fill(190) },
      "oneImage.grids": { dtype: "int32", shape: [1, 3], data: Int32Array.of(first.t, first.h, first.w) },
      "oneImage.patches": { dtype: "float32", shape: [count, 96], data: patches.data.slice(0, count * 96) },
    };
    const rows = towerRows(hostInputs(alone, "oneImage", model.config));
    expect(rows.shape).toEqual([6, 32]);
    expect(largestDifference(rows.dataSync(), both.dataSync().slice(0, 6 * 32))).toBeLessThan(1e-5);
  });

  it("lets a window layer see its window only, and a full layer the whole image", () => {
    const { vision } = model.config;
    const reach = (fullAttentionLayers: number[]) => {
      const config = { ...model.config, vision: { ...vision, fullAttentionLayers } };
      const host = hostInputs(expected, "twoImages", config);
      const image = tensorInputs(host).image;
      if (!image || !host.image) throw new Error("no image");
      const rows = (patches: Tensor) =>
        tf.gather(
          visionTower(params, config, { ...image, patches }),
          (host.image?.layout.mergedSlot ?? []).flat(),
        );
      // Patch 0 changes: cells 0, 1, 3 and 4 of the first image share its window; 2 and 5 do not.
      const changed = tf.mul(
        image.patches,
        tf.sub(1, tf.reshape(tf.oneHot([0], image.patches.shape[0] as number), [-1, 1])),
      );
      const moved = tf.max(tf.abs(tf.sub(rows(changed), rows(image.patches))), 1).dataSync();
      return Array.from(moved, (value) => value > 1e-6);
    };
    const [t, f] = [true, false];
    expect(reach([]).slice(0, 8)).toEqual([t, t, f, t, t, f, f, f]);
    expect(reach([1]).slice(0, 8)).toEqual([t, t, t, t, t, t, f, f]);
  });

  it("names the axis when patches are of another size", () => {
    const image = tensorInputs(hostInputs(expected, "oneImage", model.config)).image;
    if (!image) throw new Error("no image");
    expect(() => visionTower(params, model.config, { ...image, patches: tf.zeros([16, 95]) })).toThrow(
      "visionTower: patches: expected [S, P] with P=96, got [16, 95]",
    );
  });
});
