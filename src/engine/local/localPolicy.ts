/**
 * @module A model folder as something that samples: compiled prefill and decode over parameters that training updates
 * in place.
 */
import { jit } from "../../compile/jit.js";
import { kernelQueue } from "../../compile/runtime/deviceKernel.js";
import { type Arrays, memoryFor } from "../../compile/runtime/placed.js";
import type { DeviceMemory, RuntimeOptions } from "../../compile/runtime/session.js";
import { given } from "../../core/given.js";
import { type TensorParams, tf } from "../../core/tf.js";
import type { Model } from "../../model/load.js";
import { decodeStep, type PrefillInputs, prefill, type Sampler } from "../../model/transformer/decode.js";
import { tokenBias } from "../../model/transformer/pack.js";
import { mropeTables } from "../../model/transformer/rope.js";
import { respondOnDevice, type StepInputs } from "./onDevice/respondOnDevice.js";
import type { LocalPolicy, ReadyPolicy } from "./policy.js";
import { createPromptReader, type PromptReader } from "./promptReader.js";
import { samplingWeights } from "./samplingWeights.js";

type DecodeInputs = Parameters<typeof decodeStep>[2];

/** What a policy compiles, on first use. */
function policyGraphs(model: Model, runtime: RuntimeOptions) {
  const { config } = model;
  return {
    prefill: jit(
      (weights: TensorParams, inputs: PrefillInputs, sampler: Sampler) =>
        prefill(weights, model, inputs, sampler),
      { name: "prefill", runtime },
    ),
    /** A step with keys and values on the host. */
    decode: jit(
      (weights: TensorParams, inputs: DecodeInputs, sampler: Sampler) =>
        decodeStep(weights, config, inputs, sampler),
      { name: "decode", runtime: { ...runtime, plansMemory: true } },
    ),
    /** A step where they are on the device. */
    step: jit(
      (weights: TensorParams, { tokens, positions, table, cache }: StepInputs, sampler: Sampler) => {
        const rope = { cos: tf.gather(table.cos, positions), sin: tf.gather(table.sin, positions) };
        return decodeStep(weights, config, { tokens, rope, cache }, sampler);
      },
      { name: "decode", runtime: { replays: true, ...runtime, plansMemory: true } },
    ),
  };
}

/**
 * Compiles prefill and decode for a model; graphs are made on first use.
 * @param parts `readPrompts`: default a reader of its own; `runtime`: where graphs run; `weights`: the parameters of now
 *   where they read them, which somebody else keeps there; default: the model's, placed each time
 */
export function createLocalPolicy(
  model: Model,
  parts: {
    readonly readPrompts?: PromptReader;
    readonly runtime?: RuntimeOptions;
    readonly weights?: () => Promise<Arrays>;
  } = {},
): LocalPolicy {
  const { config } = model;
  const { readPrompts = createPromptReader(model.processor), runtime = {} } = parts;
  const graphs = policyGraphs(model, runtime);
  const placeWeights = samplingWeights(model, runtime, parts.weights);
  const about = {
    model,
    readPrompts,
    eos: new Set(config.tokens.eos),
    tokenBias: tokenBias(config, model.processor.size),
  };
  const readyWith = (weights: Arrays, memory: DeviceMemory | undefined): ReadyPolicy => {
    const device = memory && { memory, kernels: kernelQueue(memory) };
    return {
      ...about,
      ...given({ respond: device && respondOnDevice({ ...about, ...graphs, weights, device }) }),
      prefill: (packed, sampler) => {
        const { tokens, last, image } = packed;
        const rope = mropeTables(packed.positions, config);
        return graphs.prefill(weights, { tokens, rope, last, ...given({ image }) }, sampler);
      },
      decodeStep: ({ tokens, rope, cache }, sampler) => {
        const { prompt, keys, values, mask } = cache;
        const held = { keys, values, mask, ...given({ prompt }) };
        return graphs.decode(weights, { tokens, rope, cache: held }, sampler);
      },
    };
  };
  return {
    model,
    notReplayed: graphs.step.notReplayed,
    ready: async () => {
      const { arrays, dispose } = await placeWeights();
      return { ...readyWith(arrays, await memoryFor(runtime)), dispose };
    },
  };
}
