import { beforeAll, describe, expect, it } from "vitest";
import { ModelError } from "../../../src/core/errors.js";
import type { NdArray, Params } from "../../../src/core/ndarray.js";
import { type Tensor, tf } from "../../../src/core/tf.js";
import type { ImagePatches } from "../../../src/model/imageProcessor.js";
import { parseConfig, type Qwen3Config } from "../../../src/model/qwen3vl/config.js";
import { layOut } from "../../../src/model/qwen3vl/layout.js";
import { see } from "../../../src/model/transformer/see.js";
import {
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
let config: Qwen3Config;
let expected: Params;
let params: Record<string, Tensor>;
beforeAll(async () => {
  ({ model, expected } = await loadGolden("qwen3vl/tied"));
  config = parseConfig(await goldenConfig("qwen3vl/tied"), "config.json");
  params = toTensors(model.params);
});

/** Patches numbered one after another, 96 values each. */
function image(h: number, w: number, t = 1): ImagePatches {
  return { grid: { t, h, w }, patches: Float32Array.from({ length: t * h * w * 96 }, (_, at) => at) };
}

const rowsOf = (array: NdArray | undefined, width: number) =>
  Array.from({ length: (array?.data.length ?? 0) / width }, (_, row) =>
    Array.from(array?.data.subarray(row * width, (row + 1) * width) ?? []),
  );

describe("layOut", () => {
  it("gives every image the same room, patches in their order, and hides the rest", () => {
    const { inputs, rows } = layOut([image(2, 4), image(2, 2)], config, 0);
    // 8 patches are rounded up to 8 tokens of 4 patches.
    expect(inputs.patches.shape).toEqual([64, 96]);
    expect(inputs["mask"]?.shape).toEqual([2, 32]);
    const seen = Array.from(inputs["mask"]?.data ?? []).flatMap((value, slot) => (value === 0 ? [slot] : []));
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 32, 33, 34, 35]);
    expect(rows).toEqual([[0, 1], [8]]);
    expect(inputs.patches.data[7 * 96]).toBe(7 * 96);
    expect(inputs.patches.data[32 * 96 + 1]).toBe(1);
  });

  it("resamples the square of learned positions to the grid, corner to corner", () => {
    // 5 × 5 learned positions; rows 0 and 1 of a 2-row image are learned rows 0 and 4; its 4 columns are 0, 4/3, 8/3, 4.
    const { inputs } = layOut([image(2, 4)], config, 0);
    const corners = rowsOf(inputs["corners"], 4);
    const shares = rowsOf(inputs["shares"], 4);
    // Slots 0 … 3 are the first token: rows 0, 0, 1, 1, columns 0, 1, 0, 1.
    expect(corners[0]).toEqual([0, 1, 5, 6]);
    expect(shares[0]).toEqual([1, 0, 0, 0]);
    expect(corners[1]).toEqual([1, 2, 6, 7]);
    expect(largestDifference(shares[1] as number[], [2 / 3, 1 / 3, 0, 0])).toBeLessThan(1e-6);
    expect(corners[3]).toEqual([21, 22, 21, 22]);
    expect(largestDifference(shares[3] as number[], [2 / 3, 1 / 3, 0, 0])).toBeLessThan(1e-6);
    // Slot 7: row 1, column 3: the last corner.
    expect(corners[7]).toEqual([24, 24, 24, 24]);
    expect(shares[7]).toEqual([1, 0, 0, 0]);
  });

  it("leaves room for larger images when asked", () => {
    expect(layOut([image(2, 2)], config, 65).inputs.patches.shape[0]).toBe(96);
  });

  it("refuses an odd grid, and frames, for they need text timestamps", () => {
    expect(() => layOut([image(3, 4)], config, 0)).toThrow(ModelError);
    expect(() => layOut([image(3, 4)], config, 0)).toThrow("grid 3×4 is not a multiple of 2");
    expect(() => layOut([image(2, 2, 3)], config, 0)).toThrow(
      /unsupported video: 3 frames: .*text timestamp.*give images/,
    );
  });
});

describe("the tower", () => {
  it.each(["twoImages", "oneImage"] as const)(
    "reads off the rows of DeepStack that transformers does: %s",
    (name) => {
      const inputs = tensorInputs(hostInputs(expected, name, model));
      if (!inputs.image) throw new Error("no image");
      const { deep, index } = see(params, model, inputs.image);
      const wanted = pick(expected, `${name}.deep`);
      expect(deep).toHaveLength(2);
      const at = Array.from(inputs.image.isImage.dataSync()).flatMap((is, token) => (is ? [token] : []));
      const found = deep.map((rows) => tf.gather(rows, tf.gather(index, tf.tensor1d(at, "int32"))));
      expect(tf.stack(found).shape).toEqual(wanted.shape);
      expect(largestDifference(tf.stack(found).dataSync(), wanted.data)).toBeLessThan(1e-4);
    },
  );

  it("gives the same rows whatever room the bucket adds", () => {
    const [tight, loose] = [0, 120].map((least) =>
      tensorInputs(hostInputs(expected, "twoImages", model, least)),
    );
    const rows = [tight, loose].map((inputs) => inputs && imageRows(params, model, inputs).dataSync());
    expect([tight, loose].map((inputs) => inputs?.image?.vision.patches.shape[0])).toEqual([192, 256]);
    expect(largestDifference(rows[0] ?? [], rows[1] ?? [1])).toBeLessThan(1e-5);
  });
});
