/**
 * @module Learns an adapter of a model whose weights stay in their files: log-probs, gradients and AdamW, layer by layer.
 * The reference policy is the same weights without the adapter.
 */
import { valueAndGrad } from "../../../compile/grad.js";
import { jit } from "../../../compile/jit.js";
import { invariant } from "../../../core/errors.js";
import { given } from "../../../core/given.js";
import { memoized } from "../../../core/memoized.js";
import { type NdArray, type Params, zerosLike } from "../../../core/ndarray.js";
import type { TensorParams } from "../../../core/tf.js";
import { zip } from "../../../core/zip.js";
import { type Adapter, adapterScales } from "../../../model/lora/adapter.js";
import { sizesOf } from "../../../model/transformer/pack.js";
import type { Lesson, Reading } from "../../../policy/lessons.js";
import { microBatches, type Placed } from "../../../policy/microBatches.js";
import type { Accumulated, LogProbRequest, LossSettings, Watch } from "../../engine.js";
import { hostMemory } from "../learnerMemory.js";
import { lossBatch, placeRows } from "../lossBatch.js";
import { addSums, NO_SUMS } from "../lossSums.js";
import type { PromptReader } from "../promptReader.js";
import { type LocalLearner, statefulLearner } from "../statefulLearner.js";
import { type KlForm, type LossForm, type TokenLossBatch, tokenLoss } from "../tokenLoss.js";
import { readAdapterState, writeAdapterState } from "./adapterFiles.js";
import type { HeadRequest, TokenDistributions } from "./head.js";
import { adapterByLayer, type LayerAdapter, type LayeredModel } from "./model.js";
import { backwardPass, forwardPass, KEPT_BYTES, type Passing, startPass } from "./passes.js";

export interface LayeredParts {
  readonly adapter: Adapter;
  readonly readPrompts: PromptReader;
  /** Readings in one graph. */
  readonly microBatch: number;
}

/** Micro-batches that go through the layers together: as many as their layer inputs have room. */
function passesOf<R extends Reading>(
  batches: readonly (readonly Placed<R>[])[],
  bytesOf: (batch: readonly Placed<R>[]) => number,
): (readonly Placed<R>[])[][] {
  const passes: (readonly Placed<R>[])[][] = [];
  let room = 0;
  for (const batch of batches) {
    const bytes = bytesOf(batch);
    if (passes.length === 0 || room < bytes) {
      passes.push([]);
      room = KEPT_BYTES;
    }
    passes.at(-1)?.push(batch);
    room -= bytes;
  }
  return passes;
}

/** Bytes of a batch's layer inputs. */
function inputBytes({ config }: LayeredModel, batch: readonly Placed<Reading>[]): number {
  const tokens = batch.reduce((sum, { reading }) => {
    const prompt = reading.prompt.pieces.reduce((length, piece) => {
      return length + (piece.kind === "tokens" ? piece.tokens.length : piece.tokens);
    }, 0);
    return sum + prompt + reading.responses_R.reduce((length, response) => length + response.length, 0);
  }, 0);
  return 4 * config.layers * config.hiddenSize * tokens;
}

function headRequest(passing: Passing, temperature: number): HeadRequest {
  const { predictor, responseTokens } = passing.packed;
  return { x: passing.x, at: predictor, tokens: responseTokens.data, temperature };
}

/** The loss by log π and entropy of every response token. */
function tokenSlopes(form: LossForm, klForm: KlForm) {
  const loss = tokenLoss(form, klForm);
  const slopes = valueAndGrad((found: TensorParams, batch: TokenLossBatch) =>
    loss(
      { logProbs: found["logProbs"] as NonNullable<(typeof found)[string]>, entropies: found["entropies"] },
      batch,
    ),
  );
  return jit(
    (found: TensorParams, batch: TokenLossBatch) => {
      const { aux, grads } = slopes(found, batch);
      return { aux, grads };
    },
    { name: "token loss" },
  );
}

/** What a layered learner computes with. */
interface Work {
  readonly model: LayeredModel;
  readonly parts: LayeredParts;
  readonly withAdapter: readonly LayerAdapter[];
  readonly slopesOf: (settings: { form: LossForm; kl: KlForm }) => ReturnType<typeof tokenSlopes>;
}

async function startGroup(
  { model, parts }: Work,
  group: readonly (readonly Placed<Reading>[])[],
): Promise<Passing[]> {
  const passing: Passing[] = [];
  for (const batch of group) {
    const readings = batch.map(({ reading }) => reading);
    passing.push(await startPass(model, parts.readPrompts, readings));
  }
  return passing;
}

async function logProbsOf(
  work: Work,
  { readings, of, temperature }: LogProbRequest,
  { signal, onProgress }: Watch,
): Promise<Float32Array[][]> {
  const { model, withAdapter, parts } = work;
  const count = model.config.layers;
  const adapters = of === "policy" ? withAdapter : adapterByLayer(count, {}, {});
  const perReading: Float32Array[][] = readings.map(() => []);
  const batches = microBatches(readings, parts.microBatch);
  for (const group of passesOf(batches, (batch) => inputBytes(model, batch) / count)) {
    const passing = await startGroup(work, group);
    const onLayer = progress(onProgress, "log-probs", count);
    await forwardPass(model, passing, { adapters, signal, onLayer });
    for (const [batch, each] of zip(group, passing)) {
      const found = await model.head.distributions(headRequest(each, temperature));
      placeRows(perReading, batch, sizesOf(each.packed), found.logProbs);
    }
  }
  return perReading;
}

/** Loss of a micro-batch, its tokens' log-probs, and its gradient by what the last layer gives. */
async function topOf(
  { model, slopesOf }: Work,
  each: Passing,
  lessons: readonly Lesson[],
  { kl, temperature, ...form }: LossSettings,
) {
  const request = headRequest(each, temperature);
  const known = await model.head.distributions(request);
  const { packed, ...rest } = lossBatch(lessons, each.packed, kl?.coefficient);
  const { promptTokens, responseTokens, responseMask } = packed;
  const batch = { ...rest, packed: { promptTokens, responseTokens, responseMask } };
  const { aux, grads } = await slopesOf({ form, kl: kl?.term ?? "none" })(numbersOf(known, form), batch);
  const slopes = {
    logProbs: grads["logProbs"]?.data as Float32Array,
    ...given({ entropies: grads["entropies"]?.data as Float32Array | undefined }),
  };
  return { aux, logProbs: known.logProbs, dx: await model.head.gradient(request, known, slopes) };
}

async function accumulateInto(
  gradients: Params,
  work: Work,
  lessons: readonly Lesson[],
  { loss, signal, onProgress }: Watch & { readonly loss: LossSettings },
): Promise<Accumulated> {
  invariant(loss.kl?.term !== "full", "layered learner: KL over the whole vocabulary is not computed");
  const { model, parts, withAdapter: adapters } = work;
  const count = model.config.layers;
  const perLesson: Float32Array[][] = lessons.map(() => []);
  let sums = NO_SUMS;
  const batches = microBatches(lessons, parts.microBatch);
  for (const group of passesOf(batches, (batch) => inputBytes(model, batch))) {
    const passing = await startGroup(work, group);
    const onLayer = progress(onProgress, "gradients", 2 * count);
    await forwardPass(model, passing, { adapters, keepsInputs: true, signal, onLayer });
    const dx: NdArray[] = [];
    for (const [batch, each] of zip(group, passing)) {
      const here = batch.map(({ reading }) => reading);
      const top = await topOf(work, each, here, loss);
      sums = addSums(sums, top.aux);
      placeRows(perLesson, batch, sizesOf(each.packed), top.logProbs);
      dx.push(top.dx);
    }
    const onBackward = (done: number) => onLayer(count + done);
    await backwardPass(model, passing, dx, { adapters, sums: gradients, signal, onLayer: onBackward });
  }
  return { ...sums, logProbs: perLesson };
}

/** @returns a learner whose `params` are the adapter's; they change in place */
export function createLayeredLearner(model: LayeredModel, parts: LayeredParts): LocalLearner {
  const { adapter } = parts;
  const { params } = adapter;
  const work: Work = {
    model,
    parts,
    withAdapter: adapterByLayer(model.config.layers, params, adapterScales(adapter)),
    slopesOf: memoized(({ form, kl }: { form: LossForm; kl: KlForm }) => tokenSlopes(form, kl)),
  };
  const state = { params, first: zerosLike(params), second: zerosLike(params) };
  const memory = hostMemory({ state });
  return statefulLearner(state, async () => memory, {
    logProbs: (request, watch) => logProbsOf(work, request, watch),
    accumulate: (lessons, settings) => accumulateInto(memory.gradients, work, lessons, settings),
    save: (folder, { first, second }, parts) =>
      writeAdapterState(folder, { adapter, first, second }, model, parts),
    read: (folder) => readAdapterState(folder, model, adapter),
  });
}

function numbersOf(known: TokenDistributions, { entropyCoefficient }: LossForm): Params {
  const array = (data: Float32Array): NdArray => ({ dtype: "float32", shape: [data.length], data });
  const logProbs = array(known.logProbs);
  return entropyCoefficient > 0 ? { logProbs, entropies: array(known.entropies) } : { logProbs };
}

function progress(onProgress: Watch["onProgress"], phase: "log-probs" | "gradients", total: number) {
  return (done: number) => onProgress?.({ phase, done, total });
}
