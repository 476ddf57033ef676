/**
 * @module A training step of the 6 M-parameter decoder, 16 × 256 text tokens: forward, backward, AdamW; compiled
 * against PyTorch. Both sides start from one weights file and must agree on the loss and on every gradient's norm.
 */

import { z } from "zod";
import { valueAndGrad } from "../../../src/compile/grad.js";
import { jit } from "../../../src/compile/jit.js";
import { given } from "../../../src/core/given.js";
import { type NdArray, ndarray, type Params, scalar, zeros } from "../../../src/core/ndarray.js";
import { Rng } from "../../../src/core/rng.js";
import { type Tensor, type TensorParams, tf } from "../../../src/core/tf.js";
import type { Model } from "../../../src/model/load.js";
import type { DecoderSizes } from "../../../src/model/modelConfig.js";
import { decoder, embed, logits } from "../../../src/model/transformer/decoder.js";
import { decoderParams } from "../../../src/model/transformer/jointQkv.js";
import { pickLogProbs } from "../../../src/model/transformer/pick.js";
import { attendSharedPrefix } from "../../../src/model/transformer/prefix.js";
import { mropeTables } from "../../../src/model/transformer/rope.js";
import { type AdamWStep, adamwScalars, update } from "../../../src/optim/adamw.js";
import { interleave, type Repetitions, type Side, type Timing, timed } from "./interleave.js";
import { decoderSize, VOCABULARY } from "./model.js";
import { matrixPeak, stepOperations } from "./peak.js";
import type { Peer } from "./peer.js";

const ROWS = 16;
const LENGTH = 256;
const LEARNING_RATE = 1e-4;

interface TextBatch<Array = Tensor> {
  /** `[B·S]` i32 */
  readonly tokens: Array;
  /** `[B·S]` i32: the token after each */
  readonly labels: Array;
  readonly rope: { readonly cos: Array; readonly sin: Array };
}

function textBatch(config: DecoderSizes): TextBatch<NdArray> {
  const draws = Rng.fromSeed(2).split("speed", "tokens");
  const text = Array.from({ length: ROWS }, () =>
    Array.from({ length: LENGTH + 1 }, () => draws.integer(0, VOCABULARY)),
  );
  const part = (from: number) =>
    ndarray(
      text.flatMap((row) => row.slice(from, from + LENGTH)),
      [ROWS * LENGTH],
      "int32",
    );
  const positions = Int32Array.from({ length: 3 * ROWS * LENGTH }, (_, at) => at % LENGTH);
  return { tokens: part(0), labels: part(1), rope: mropeTables(positions, config) };
}

/** Mean cross-entropy of the next token over all rows, nats. */
function nextTokenLoss(config: DecoderSizes) {
  return valueAndGrad((params: TensorParams, { tokens, labels, rope }: TextBatch) => {
    const sizes = { U: ROWS, P: LENGTH, R: 0, T: 0 };
    const attend = attendSharedPrefix(config, sizes, tf.zeros([ROWS, LENGTH]));
    const hidden = decoder(decoderParams(params, config), config, embed(params, tokens), rope, attend);
    const picked = pickLogProbs(logits(params, config, hidden), labels);
    return { loss: tf.mul(tf.sum(picked), -1 / (ROWS * LENGTH)) };
  });
}

type Moments<Array = Tensor> = Readonly<Record<"first" | "second", Readonly<Record<string, Array>>>>;

function zerosLike(params: Params): Params {
  return Object.fromEntries(Object.entries(params).map(([name, { shape }]) => [name, zeros(shape)]));
}

/** The decoder's parameters, copied: training changes them in place. */
function textParams({ params }: Model): Params {
  const own = Object.entries(params).filter(([name]) => !name.startsWith("visual."));
  return Object.fromEntries(own.map(([name, { data, shape }]) => [name, ndarray(data, shape)]));
}

function compiledSide(model: Model, threads: number): Side {
  const { config } = model;
  const loss = nextTokenLoss(config);
  const run = jit(
    (params: TensorParams, moments: Moments, batch: TextBatch, step: AdamWStep) => {
      const { loss: value, grads } = loss(params, batch);
      const next = update(params, grads, moments, step);
      return [next.params, next.state, { loss: value }] as const;
    },
    {
      name: "training step",
      donate: { 0: 0, 1: 1 },
      runtime: { threads, keepsMemory: true, plansMemory: true },
    },
  );
  const params = textParams(model);
  const moments = { first: zerosLike(params), second: zerosLike(params) };
  const batch = textBatch(config);
  let steps = 0;
  return {
    name: "sharegrpo, compiled",
    run: () => {
      const hyper = adamwScalars(++steps, LEARNING_RATE);
      const { learningRate, correction1, rootCorrection2 } = hyper;
      return timed(() =>
        run(params, moments, batch, {
          learningRate: scalar(learningRate),
          correction1: scalar(correction1),
          rootCorrection2: scalar(rootCorrection2),
        }),
      );
    },
  };
}

/** Loss and norm of every gradient at the initial weights. */
async function losses(model: Model): Promise<{ loss: number; gradNorms: Record<string, number> }> {
  const loss = nextTokenLoss(model.config);
  const run = jit(
    (params: TensorParams, batch: TextBatch) => {
      const { loss: value, grads } = loss(params, batch);
      const norms = Object.entries(grads).map(([name, grad]) => [name, tf.norm(grad)] as const);
      return { loss: value, norms: Object.fromEntries(norms) as Record<string, Tensor> };
    },
    { name: "loss" },
  );
  const { loss: value, norms } = await run(textParams(model), textBatch(model.config));
  await run.dispose();
  const gradNorms = Object.entries(norms).map(([name, norm]) => [name, norm.data[0] as number]);
  return { loss: value.data[0] as number, gradNorms: Object.fromEntries(gradNorms) };
}

const checkSchema = z.object({ loss: z.number(), gradNorms: z.record(z.string(), z.number()) });

export interface TrainingStepResult {
  readonly rows: number;
  readonly length: number;
  readonly timings: readonly Timing[];
  /** Floating-point operations of one step. */
  readonly operations: number;
  /** What matrix products of the same library reach here, operations a second; measured before the steps. */
  readonly peak: number;
  /** Largest relative difference of loss and gradient norms between the sides; undefined without a peer. */
  readonly disagreement?: number;
}

export interface TrainingStepOptions {
  readonly model: Model;
  readonly peer?: Peer;
  readonly threads: number;
  /** PyTorch sides besides `sdpa` and `eager`. */
  readonly isTorchCompiled: boolean;
  readonly repetitions: Repetitions;
  readonly onRound?: (done: number, total: number) => void;
}

export async function benchTrainingStep(options: TrainingStepOptions): Promise<TrainingStepResult> {
  const { model, peer, threads, repetitions, onRound } = options;
  const peak = await matrixPeak(threads);
  const sides = [compiledSide(model, threads)];
  if (peer) {
    const { tokens, labels } = textBatch(model.config);
    const rows = ({ data }: NdArray) =>
      Array.from({ length: ROWS }, (_, row) => [...data.subarray(row * LENGTH, (row + 1) * LENGTH)]);
    const request = { tokens: rows(tokens), labels: rows(labels), learningRate: LEARNING_RATE };
    await peer.call({ op: "train.setup", model: model.dir, ...request }, z.unknown());
    const step = (name: string, side: string): Side => ({
      name,
      run: () => peer.time({ op: "train.step", side }),
    });
    sides.push(step("PyTorch, SDPA", "sdpa"), step("PyTorch, written-out attention", "eager"));
    if (options.isTorchCompiled) sides.push(step("PyTorch, torch.compile", "compiled"));
  }
  const disagreement = peer && (await largestDisagreement(model, peer));
  const timings = await interleave(sides, repetitions, onRound);
  const { layers, hiddenSize: hidden } = model.config;
  const sizes = { rows: ROWS, length: LENGTH };
  const operations = stepOperations({ ...sizes, layers, hidden, parameters: decoderSize(model.params) });
  return { ...sizes, timings, operations, peak, ...given({ disagreement }) };
}

async function largestDisagreement(model: Model, peer: Peer): Promise<number> {
  const theirs = await peer.call({ op: "train.check", attention: "sdpa" }, checkSchema);
  const ours = await losses(model);
  const relative = (a: number, b: number) => Math.abs(a - b) / Math.max(Math.abs(b), 1e-6);
  const norms = Object.entries(theirs.gradNorms).map(([name, norm]) =>
    relative(ours.gradNorms[name] ?? Number.POSITIVE_INFINITY, norm),
  );
  return Math.max(relative(ours.loss, theirs.loss), ...norms);
}
