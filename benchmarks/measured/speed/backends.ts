/**
 * @module The bundled policy from one source on what TensorFlow.js can run it: log-probs of responses to drawn questions,
 * pictures included, and every parameter's gradient; compiled, and eagerly on each backend that this machine has.
 */
import { type EagerBackend, listBackends } from "../../../src/compile/backends.js";
import { eager } from "../../../src/compile/eager.js";
import { valueAndGrad } from "../../../src/compile/grad.js";
import { jit } from "../../../src/compile/jit.js";
import { type NdArray, scalar } from "../../../src/core/ndarray.js";
import { Rng } from "../../../src/core/rng.js";
import { type TensorParams, tf } from "../../../src/core/tf.js";
import { zip } from "../../../src/core/zip.js";
import { responseScores } from "../../../src/engine/local/forward.js";
import { createPromptReader } from "../../../src/engine/local/promptReader.js";
import type { Model } from "../../../src/model/load.js";
import type { Sampler } from "../../../src/model/transformer/decode.js";
import { type PackedUnits, packUnits, sizesOf, tokenBias } from "../../../src/model/transformer/pack.js";
import { pickLogProbs } from "../../../src/model/transformer/pick.js";
import { interleave, type Repetitions, type Side, type Timing, timed } from "./interleave.js";
import { promptsOf } from "./packed.js";

const SIZES = { responses: 6, length: 64 };

/** `(params, packed, sampler) → { loss, aux: { scores, logProbs }, grads }`; the loss is a mean over tokens, nats. */
export function policyGradients(model: Model) {
  return valueAndGrad((params: TensorParams, packed: PackedUnits, sampler: Sampler) => {
    const scores = responseScores(params, model, packed, sampler);
    const logProbs = pickLogProbs(scores, tf.reshape(packed.responseTokens, [-1]));
    return { loss: tf.neg(tf.mean(logProbs)), aux: { scores, logProbs } };
  });
}

/** A drawn question's variants with responses of drawn tokens: what `policyGradients` takes beside parameters. */
export async function drawnBatch(model: Model, { responses, length }: typeof SIZES = SIZES) {
  const { processor, config } = model;
  const draws = Rng.fromSeed(6).split("backends");
  const response = () => Array.from({ length }, () => draws.integer(0, 256));
  const units = (await createPromptReader(processor)(await promptsOf(model, 0))).map((prompt) => ({
    prompt,
    responses: Array.from({ length: responses }, response),
  }));
  const packed = packUnits(units, model);
  const sampler = { temperature: scalar(1), tokenBias: tokenBias(config, processor.size) };
  return { packed, sampler };
}

export interface BackendsResult {
  readonly responses: number;
  readonly length: number;
  /** The compiled one first. */
  readonly timings: readonly Timing[];
  /** Largest difference of a log-prob or gradient from the compiled ones. */
  readonly disagreement: number;
}

/** Backends worth timing: plain JavaScript is hundreds of times slower. */
function eagerBackends(): EagerBackend[] {
  const names = ["tensorflow", "wasm"] as const;
  const here = listBackends().filter(({ isAvailable }) => isAvailable);
  return names.filter((name) => here.some((backend) => backend.name === name));
}

export interface BackendsOptions {
  readonly model: Model;
  readonly threads: number;
  readonly repetitions: Repetitions;
  readonly onRound?: (done: number, total: number) => void;
}

type Ran = {
  readonly aux: { readonly logProbs: NdArray };
  readonly grads: Readonly<Record<string, NdArray>>;
};

function largestDifference(a: Ran, b: Ran): number {
  const arrays = ({ aux, grads }: Ran) => [aux.logProbs, ...Object.values(grads)];
  const gaps = zip(arrays(a), arrays(b)).flatMap(([left, right]) =>
    Array.from(left.data, (value, at) => Math.abs(value - (right.data[at] ?? Number.NaN))),
  );
  return gaps.reduce((most, gap) => Math.max(most, gap), 0);
}

export async function benchBackends(options: BackendsOptions): Promise<BackendsResult> {
  const { model, threads, repetitions, onRound } = options;
  const { packed, sampler } = await drawnBatch(model);
  const gradients = policyGradients(model);
  const runtime = { threads, keepsMemory: true, plansMemory: true };
  const compiled = jit(gradients, { name: "policy gradients", runtime });
  const runs = [
    { name: "sharegrpo, compiled", run: compiled },
    ...eagerBackends().map((backend) => ({
      name: `TensorFlow.js, ${backend}`,
      run: eager(gradients, { backend }),
    })),
  ];
  const results: Ran[] = [];
  const sides = runs.map(({ name, run }, at): Side => {
    const once = async () => {
      results[at] = await run(model.params, packed, sampler);
    };
    return { name, run: () => timed(once) };
  });
  const timings = await interleave(sides, repetitions, onRound);
  await compiled.dispose();
  const [ours, ...others] = results;
  const disagreement = Math.max(0, ...others.map((other) => (ours ? largestDifference(other, ours) : 0)));
  const { U, R, T } = sizesOf(packed);
  return { responses: U * R, length: T, timings, disagreement };
}
