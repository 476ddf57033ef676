import { beforeAll, describe, expect, it } from "vitest";
import { drawBlock, modelOf, planModel, textSizes } from "../../benchmarks/measured/gpu/model.js";
import { type TextBatch, textBatch, textParams, textStep } from "../../benchmarks/measured/speed/textLoss.js";
import { jit } from "../../src/compile/jit.js";
import { ONNX_TYPE_CODE, type OnnxNode } from "../../src/compile/onnxWriter.js";
import { inPrecision, type LowerOptions } from "../../src/compile/precision.js";
import type { Precision } from "../../src/compile/runtime/session.js";
import { toBfloat } from "../../src/core/halves.js";
import { copyOf, type NdArray, ndarray, type Params, zerosLike } from "../../src/core/ndarray.js";
import { Rng } from "../../src/core/rng.js";
import { tf } from "../../src/core/tf.js";
import type { Model } from "../../src/model/load.js";
import { adamwHostStep } from "../../src/optim/adamw.js";
import { lossSettings } from "../../src/train/update.js";
import { fakeModel, fakePrompt } from "../support/fakeModel.js";
import { PROBE, testLearner } from "../support/testLearner.js";

/** `"y = Add(x, x)"`; casts as `Bfloat` and `Float`. */
const CASTS = { Bfloat: "bfloat16", Float: "float32" } as const;

function parse(line: string): OnnxNode {
  const [, output = "", op = "", inputs = ""] = /^(\w+) = (\w+)\((.*)\)$/.exec(line) ?? [];
  const node = { inputs: inputs.split(", "), outputs: [output] };
  const type = op in CASTS ? CASTS[op as keyof typeof CASTS] : undefined;
  return type ? { ...node, op: "Cast", attributes: { to: ONNX_TYPE_CODE[type] } } : { ...node, op };
}

function say({ op, inputs, outputs, attributes }: OnnxNode): string {
  const cast = attributes?.["to"] === ONNX_TYPE_CODE.bfloat16 ? "Bfloat" : "Float";
  return `${outputs[0]} = ${op === "Cast" ? cast : op}(${inputs.join(", ")})`;
}

const CARD: LowerOptions = { precision: "bf16", isEmulated: false };

function lowered(lines: readonly string[], outputs: readonly string[], options = CARD): string[] {
  const value = (name: string) => ({ name, type: "float32" as const, shape: [2, 2] });
  const bits = { name: "bits", type: "bfloat16" as const, shape: [2, 2] };
  const inputs = [...["x", "w", "v"].map(value), bits];
  const graph = { name: "g", nodes: lines.map(parse), constants: [], inputs, outputs: outputs.map(value) };
  return inPrecision(graph, options).nodes.map(say);
}

describe("a graph in bfloat16", () => {
  it("reads rounded operands, each rounded once, and widens what others than products read", () => {
    expect(lowered(["y = MatMul(x, w)", "z = Gemm(x, v)", "out = Add(y, z)"], ["out"])).toEqual([
      "x_low = Bfloat(x)",
      "w_low = Bfloat(w)",
      "y_low = MatMul(x_low, w_low)",
      "y = Float(y_low)",
      "v_low = Bfloat(v)",
      "z_low = Gemm(x_low, v_low)",
      "z = Float(z_low)",
      "out = Add(y, z)",
    ]);
  });

  it("hands products on as they are, also where they are only moved in between", () => {
    const lines = ["y = MatMul(x, w)", "turned = Transpose(y)", "flat = Reshape(turned, v)"];
    expect(lowered([...lines, "out = FusedMatMul(flat, w)"], ["out"])).toEqual([
      "x_low = Bfloat(x)",
      "w_low = Bfloat(w)",
      "y_low = MatMul(x_low, w_low)",
      "turned_low = Transpose(y_low)",
      "flat_low = Reshape(turned_low, v)",
      "out_low = FusedMatMul(flat_low, w_low)",
      "out = Float(out_low)",
    ]);
  });

  it("reads bfloat16 weights as they are stored, and gathers rows of them before they are widened", () => {
    const lines = ["wide = Float(bits)", "rows = Gather(wide, x)", "y = MatMul(v, wide)"];
    expect(lowered([...lines, "out = Add(rows, y)"], ["out"])).toEqual([
      "rows_low = Gather(bits, x)",
      "rows = Float(rows_low)",
      "v_low = Bfloat(v)",
      "y_low = MatMul(v_low, bits)",
      "y = Float(y_low)",
      "out = Add(rows, y)",
    ]);
  });

  it("leaves a float32 value that a product has rounded to others as it is", () => {
    const lines = ["y = MatMul(x, w)", "turned = Transpose(x)", "out = Add(y, turned)"];
    expect(lowered(lines, ["out"])).toContain("turned = Transpose(x)");
  });

  it("leaves products of whole numbers alone", () => {
    const lines = ["y = MatMul(x, w)", "out = Add(y, y)"];
    expect(lowered(lines, ["out"], { ...CARD, isWhole: (name) => name === "x" })).toEqual(lines);
  });
});

describe("a product of emulated precision", () => {
  const product = (precision: Precision) =>
    jit((a: tf.Tensor, b: tf.Tensor) => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D), {
      name: "product",
      runtime: { precision, threads: 1 },
    });
  const round = (value: number): number => {
    const bits = toBfloat(new Uint32Array(Float32Array.of(value).buffer));
    return new Float32Array(Uint32Array.from(bits, (half) => half << 16).buffer)[0] as number;
  };

  it("rounds operands and results to bfloat16", async () => {
    const draws = Rng.fromSeed(1).split("products");
    for (let at = 0; at < 50; at++) {
      const [x, y] = [draws.normal() * 10 ** draws.integer(-20, 10), draws.normal()];
      const { data } = await product("bf16")(ndarray([x], [1, 1]), ndarray([y], [1, 1]));
      expect(data[0]).toBe(round(Math.fround(round(x) * round(y))));
    }
  });

  it("keeps ten bits behind the leading one of operands in TF32, and all bits of results", async () => {
    const one = ndarray([1], [1, 1]);
    const of = async (value: number) => (await product("tf32")(ndarray([value], [1, 1]), one)).data[0];
    expect(await of(1 + 2 ** -10)).toBe(1 + 2 ** -10);
    expect(await of(1 + 2 ** -12)).toBe(1);
    expect(await of(1 + 2 ** -11 + 2 ** -13)).toBe(1 + 2 ** -10);
    expect(await of(-3e-30)).toBeCloseTo(-3e-30, 33);
    const third = 1 + 2 ** -10;
    const { data } = await product("tf32")(ndarray([third], [1, 1]), ndarray([third], [1, 1]));
    expect(data[0]).toBe(Math.fround(third * third));
  });
});

/** Gradients of two prompts with two responses each: with β1 = 0 they are the first moments after a step. */
async function gradients(precision: Precision): Promise<Params> {
  const model = await fakeModel();
  const { learner, first, config } = testLearner(model, {}, { precision });
  const texts = ["<think>red</think> \\boxed{3}", "four"].map((text) => model.processor.encode(text));
  const prompts = await Promise.all([
    fakePrompt(model, { words: "How many red circles?", grids: [[4, 6]] }),
    fakePrompt(model, { words: "blue squares" }),
  ]);
  const lessons = prompts.map((prompt) => ({
    ...{ prompt, responses_R: texts, advantages_R: [1.5, -0.7], weights_R: [0.1, 0.1] },
  }));
  await learner.accumulate(lessons, lossSettings(config));
  await learner.apply(PROBE);
  return first;
}

/** The largest ‖a − b‖ / ‖b‖ of a parameter. */
function worst(found: Params, expected: Params): number {
  const norm = (values: readonly number[]) =>
    Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  const errors = Object.entries(expected).map(([name, { data }]) => {
    const other = found[name]?.data ?? [];
    const apart = norm(Array.from(data, (value, at) => value - (other[at] as number)));
    return apart / Math.max(norm([...data]), Number.MIN_VALUE);
  });
  return Math.max(...errors);
}

describe("gradients", () => {
  let exact: Params;
  beforeAll(async () => {
    exact = await gradients("float32");
  });

  // As measured on a card, whose units round by themselves: 2.3e-3 and 1.9e-2 at 6 M parameters.
  it.each([
    ["tf32", 3e-3],
    ["bf16", 2e-2],
  ] as const)("in %s are within the budget of float32's", async (precision, budget) => {
    const error = worst(await gradients(precision), exact);
    expect(error).toBeGreaterThan(budget / 100); // something was rounded
    expect(error).toBeLessThan(budget);
  });
});

describe("learning in bfloat16", () => {
  const STEPS = 30;
  let model: Model;
  beforeAll(async () => {
    model = await modelOf(await planModel("xs"), drawBlock());
  });

  /** Rows that count upwards in steps of their own, from anywhere. */
  function counting(
    sizes: { readonly rows: number; readonly length: number },
    draws: Rng,
  ): TextBatch<NdArray> {
    const batch = textBatch(model.config, sizes, 1);
    for (let row = 0; row < sizes.rows; row++) {
      const [start, by] = [draws.integer(0, 32), draws.integer(1, 4)];
      for (let at = 0; at < sizes.length; at++) {
        batch.tokens.data[row * sizes.length + at] = (start + at * by) % 32;
        batch.labels.data[row * sizes.length + at] = (start + (at + 1) * by) % 32;
      }
    }
    return batch;
  }

  async function curve(precision: Precision, seed: number): Promise<number[]> {
    const sizes = { ...textSizes("xs"), length: 32 };
    const step = textStep(model.config, sizes, { precision, threads: 1 });
    const params = copyOf(textParams(model));
    const moments = { first: zerosLike(params), second: zerosLike(params) };
    const losses: number[] = [];
    for (let at = 1; at <= STEPS; at++) {
      const batch = counting(sizes, Rng.fromSeed(seed).split("batch", at));
      const [, , { loss }] = await step(params, moments, batch, adamwHostStep(at, 1e-2));
      losses.push(loss.data[0] as number);
    }
    await step.dispose();
    return losses;
  }

  const apart = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, value, at) => sum + Math.abs(value - (b[at] as number)), 0) / a.length;

  it("follows float32's curve more closely than another seed does, and gets as far", async () => {
    const [one, two, three] = [
      await curve("float32", 1),
      await curve("float32", 2),
      await curve("float32", 3),
    ];
    const low = await curve("bf16", 1);
    expect(one.at(-1)).toBeLessThan(0.5 * (one[0] as number));
    const band = Math.min(apart(one, two), apart(one, three), apart(two, three));
    expect(apart(low, one)).toBeLessThan(band);
    expect(apart(low, one)).toBeGreaterThan(0);
  });
});
