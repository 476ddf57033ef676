/**
 * @module Text decoders of four sizes with random weights. A weight is a stretch of one block of draws, repeated and
 * scaled, so that hundreds of millions are there in a second and both sides can make the same ones.
 */

import { memoized } from "../../../src/core/memoized.js";
import { type Params, sizeOf, zeros } from "../../../src/core/ndarray.js";
import { Rng } from "../../../src/core/rng.js";
import { parseNetwork } from "../../../src/model/families.js";
import { type Model, modelFolder } from "../../../src/model/load.js";
import { initStd, paramShapes } from "../../../src/model/params.js";
import { loadProcessor } from "../../../src/model/processor.js";
import { tinyModelConfig } from "../../../src/tiny/config.js";
import { DRAWS, drawPool } from "../large/randomModel.js";
import type { TextSizes } from "../speed/textLoss.js";

interface Shape extends TextSizes {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly intermediate: number;
  readonly vocabulary: number;
  readonly sections: readonly number[];
  readonly theta: number;
}

/** `l` has the widths and the vocabulary of Qwen2.5-VL-3B, and 4 of its 36 layers; `xs` is for trying the benchmark. */
const SHAPES = {
  xs: {
    ...{ hidden: 64, layers: 2, heads: 4, keyValueHeads: 2, intermediate: 128, vocabulary: 1024 },
    ...{ sections: [2, 3, 3], theta: 20, rows: 4, length: 64 },
  },
  s: {
    ...{ hidden: 256, layers: 6, heads: 8, keyValueHeads: 2, intermediate: 1024, vocabulary: 1024 },
    ...{ sections: [4, 6, 6], theta: 20, rows: 16, length: 256 },
  },
  m: {
    ...{ hidden: 1024, layers: 12, heads: 16, keyValueHeads: 4, intermediate: 4096, vocabulary: 16_384 },
    ...{ sections: [8, 12, 12], theta: 1e6, rows: 8, length: 512 },
  },
  l: {
    ...{ hidden: 2048, layers: 4, heads: 16, keyValueHeads: 2, intermediate: 11_008, vocabulary: 151_936 },
    ...{ sections: [16, 24, 24], theta: 1e6, rows: 4, length: 512 },
  },
} as const satisfies Readonly<Record<string, Shape>>;

export type GpuSize = keyof typeof SHAPES;
/** Smallest first. */
export const GPU_SIZES = Object.keys(SHAPES) as readonly GpuSize[];

/** Rows and tokens of a training step. */
export const textSizes = (size: GpuSize): TextSizes => SHAPES[size];

/** A weight that both sides make alike: one number throughout, or draws from `begin` on, times `std`. */
type WeightRule =
  | { readonly shape: readonly number[]; readonly fill: number }
  | { readonly shape: readonly number[]; readonly std: number; readonly begin: number };

/** A model before its weights are made. */
export interface Plan {
  /** A `config.json`. */
  readonly json: Readonly<Record<string, unknown>>;
  readonly rules: Readonly<Record<string, WeightRule>>;
}

/** The draws that weights repeat. */
export const drawBlock = (): Float32Array => drawPool(Rng.fromSeed(1).split("gpu"));

/** The published architecture; the vision tower is there for the layout and stays idle. */
function configOf(size: GpuSize, tokens: Readonly<Record<string, number>>) {
  const shape = SHAPES[size];
  const tiny = tinyModelConfig(shape.vocabulary, tokens);
  const vision = { depth: 1, hidden_size: 24, intermediate_size: 32, num_heads: 2 };
  return {
    ...tiny,
    hidden_size: shape.hidden,
    intermediate_size: shape.intermediate,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.keyValueHeads,
    rope_theta: shape.theta,
    rope_scaling: { type: "mrope", mrope_section: [...shape.sections] },
    vision_config: {
      ...{ ...tiny.vision_config, ...vision },
      ...{ fullatt_block_indexes: [0], out_hidden_size: shape.hidden },
    },
  };
}

/** Config and weights' rules of a size. Standard deviations are float32 numbers: others would round differently here and there. */
export async function planModel(size: GpuSize): Promise<Plan> {
  const { specialTokens } = await loadProcessor(modelFolder("tiny"));
  const json = configOf(size, Object.fromEntries(specialTokens));
  const network = parseNetwork(json, `size ${size}`);
  const rules = Object.entries(paramShapes(network)).map(([name, shape], at): [string, WeightRule] => {
    if (shape.length === 1) return [name, { shape, fill: name.endsWith(".weight") ? 1 : 0 }];
    return [name, { shape, std: Math.fround(initStd(network, name, shape)), begin: (7919 * at) % DRAWS }];
  });
  return { json, rules: Object.fromEntries(rules) };
}

/** Makes the weights. */
export function weightsOf({ rules }: Plan, block: Float32Array): Params {
  const scaledBy = memoized(({ std }: { readonly std: number }) => block.map((draw) => std * draw));
  return Object.fromEntries(
    Object.entries(rules).map(([name, rule]) => {
      const array = zeros(rule.shape);
      const { data } = array;
      if ("fill" in rule) data.fill(rule.fill);
      else {
        const scaled = scaledBy({ std: rule.std });
        for (let at = 0, from = rule.begin; at < data.length; from = 0) {
          const some = scaled.subarray(from, Math.min(scaled.length, from + data.length - at));
          data.set(some, at);
          at += some.length;
        }
      }
      return [name, array];
    }),
  );
}

/** The model of a plan; no token ends its responses. */
export async function modelOf(plan: Plan, block: Float32Array): Promise<Model> {
  const processor = await loadProcessor(modelFolder("tiny"));
  const { family, config } = parseNetwork(plan.json, "gpu benchmark");
  const endless = { ...config, tokens: { ...config.tokens, eos: [] } };
  return { family, config: endless, params: weightsOf(plan, block), dir: "", processor };
}

/** Parameters of the decoder, embedding included. */
export function planSize({ rules }: Plan): number {
  const own = Object.entries(rules).filter(([name]) => !name.startsWith("visual."));
  return own.reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0);
}
