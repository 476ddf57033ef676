/**
 * @module A training step of the 6 M-parameter decoder, 16 × 256 text tokens: forward, backward, AdamW; compiled
 * against PyTorch. Both sides start from one weights file and must agree on the loss and on every gradient's norm.
 */

import { z } from "zod";
import { jit } from "../../../src/compile/jit.js";
import { given } from "../../../src/core/given.js";
import { copyOf, zerosLike } from "../../../src/core/ndarray.js";
import { type Tensor, type TensorParams, tf } from "../../../src/core/tf.js";
import type { Model } from "../../../src/model/load.js";
import { adamwHostStep } from "../../../src/optim/adamw.js";
import { interleave, type Repetitions, type Side, type Timing, timed } from "./interleave.js";
import { decoderSize, VOCABULARY } from "./model.js";
import { matrixPeak, stepOperations } from "./peak.js";
import type { Peer } from "./peer.js";
import { nextTokenLoss, type TextBatch, textBatch, textParams, textRows, textStep } from "./textLoss.js";

const SIZES = { rows: 16, length: 256 } as const;
const LEARNING_RATE = 1e-4;

function compiledSide(model: Model, threads: number): Side {
  const { config } = model;
  const run = textStep(config, SIZES, { threads, keepsMemory: true, plansMemory: true });
  const params = copyOf(textParams(model));
  const moments = { first: zerosLike(params), second: zerosLike(params) };
  const batch = textBatch(config, SIZES, VOCABULARY);
  let steps = 0;
  return {
    name: "sharegrpo, compiled",
    run: () => {
      const step = adamwHostStep(++steps, LEARNING_RATE);
      return timed(() => run(params, moments, batch, step));
    },
  };
}

/** Loss and norm of every gradient at the initial weights. */
async function losses(model: Model): Promise<{ loss: number; gradNorms: Record<string, number> }> {
  const loss = nextTokenLoss(model.config, SIZES);
  const run = jit(
    (params: TensorParams, batch: TextBatch) => {
      const { loss: value, grads } = loss(params, batch);
      const norms = Object.entries(grads).map(([name, grad]) => [name, tf.norm(grad)] as const);
      return { loss: value, norms: Object.fromEntries(norms) as Record<string, Tensor> };
    },
    { name: "loss" },
  );
  const { loss: value, norms } = await run(textParams(model), textBatch(model.config, SIZES, VOCABULARY));
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
    const request = {
      ...textRows(textBatch(model.config, SIZES, VOCABULARY), SIZES),
      learningRate: LEARNING_RATE,
    };
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
  const operations = stepOperations({ ...SIZES, layers, hidden, parameters: decoderSize(model.params) });
  return { ...SIZES, timings, operations, peak, ...given({ disagreement }) };
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
