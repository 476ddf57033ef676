/**
 * @module What a policy samples with, made of its parameters where they are: queries, keys and values in one matrix each
 * layer; and where products are of bfloat16, every matrix of a product stored so, because rounding them in each step
 * takes longer than the step.
 */
import { jit } from "../../compile/jit.js";
import { type Arrays, isKept, type Placed, placeParams } from "../../compile/runtime/placed.js";
import { type GraphArray, isDeviceArray, type RuntimeOptions } from "../../compile/runtime/session.js";
import type { TensorParams } from "../../core/tf.js";
import type { Model } from "../../model/load.js";
import { TIED_HEAD } from "../../model/transformer/decoder.js";
import { decoderParams, jointQkv, withJointQkv } from "../../model/transformer/jointQkv.js";

const TABLE = "model.embed_tokens.weight";
/** Looked up in, and so read as they are. */
const TABLES: readonly string[] = [TABLE, "visual.pos_embed.weight"];

/** All that products read; the table twice where the head shares it. */
function productWeights(weights: TensorParams, { config }: Model): TensorParams {
  const { [TABLE]: table, ...rest } = decoderParams(weights, config);
  const entries = Object.entries(rest).filter(([name]) => !TABLES.includes(name));
  return {
    ...Object.fromEntries(entries),
    ...(config.tieWordEmbeddings && table ? { [TIED_HEAD]: table } : {}),
  };
}

/**
 * @param shared the parameters of now where graphs read them, which somebody else keeps there; default: the model's, which
 *   are placed each time
 * @returns makes the weights; they are freed by the caller
 */
export function samplingWeights(
  model: Model,
  runtime: RuntimeOptions,
  shared?: () => Promise<Arrays>,
): () => Promise<Placed> {
  const { config, params } = model;
  const isNarrow = runtime.precision === "bf16" && isKept(runtime);
  const make = jit(
    (weights: TensorParams) => (isNarrow ? productWeights(weights, model) : jointQkv(weights, config)),
    { name: "sampling weights", keeps: isNarrow ? "bfloat16" : true, runtime },
  );
  return async () => {
    const given = await shared?.();
    const placed = given ? undefined : await placeParams(params, runtime);
    try {
      const weights = given ?? placed?.arrays ?? {};
      const made: Record<string, GraphArray> = await make(weights);
      return {
        arrays: withJointQkv<GraphArray>(weights, made, config),
        dispose() {
          placed?.dispose();
          for (const array of Object.values(made)) if (isDeviceArray(array)) array.dispose();
        },
      };
    } catch (error) {
      placed?.dispose();
      throw error;
    }
  };
}
