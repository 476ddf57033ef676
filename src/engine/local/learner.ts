/**
 * @module The policy under training: compiled log-probs, gradients of micro-batches that add up, and AdamW, all on
 * parameters that change in place. Where KL is asked for, the initial weights are kept as the reference policy.
 */
import type { Arrays } from "../../compile/runtime/placed.js";
import type { HostOf } from "../../compile/tree.js";
import { invariant } from "../../core/errors.js";
import { memoized } from "../../core/memoized.js";
import { type NdArray, type Params, scalar, zerosLike } from "../../core/ndarray.js";
import { zip } from "../../core/zip.js";
import type { Model } from "../../model/load.js";
import type { Sampler } from "../../model/transformer/decode.js";
import { type PackedUnits, packUnits, sizesOf, tokenBias } from "../../model/transformer/pack.js";
import type { AdamWState } from "../../optim/adamw.js";
import type { Lesson, Reading } from "../../policy/lessons.js";
import { microBatches } from "../../policy/microBatches.js";
import type { Accumulated, LogProbRequest, LossSettings, Watch } from "../engine.js";
import { breathe } from "./breathe.js";
import { type GraphRows, graphRows } from "./graphUnits.js";
import { accumulateGraph, logProbsGraph } from "./learnerGraphs.js";
import { type LearnerArrays, learnerMemory } from "./learnerMemory.js";
import { lossBatch, placeRows } from "./lossBatch.js";
import { addSums, NO_SUMS } from "./lossSums.js";
import { createPromptReader, type PromptReader } from "./promptReader.js";
import { type Frozen, type LocalSettings, runtimeOf } from "./settings.js";
import { type LocalLearner, statefulLearner } from "./statefulLearner.js";
import type { KlForm } from "./tokenLoss.js";
import { readWeights, writeWeights } from "./weightFiles.js";

export interface LearnerParts {
  /** Default: one of its own. */
  readonly readPrompts?: PromptReader;
  /** AdamW's moments to continue from; default: zeros. */
  readonly moments?: AdamWState<NdArray>;
}

/**
 * Parameters that change, and those that do not. The merger, which speaks the decoder's language, belongs to the vision
 * tower, as in the published code.
 */
function splitOf(params: Params, frozen: Frozen | undefined) {
  const isFrozen = (name: string) =>
    frozen !== undefined && name.startsWith("visual.") === (frozen === "vision");
  const part = (wanted: boolean) =>
    Object.fromEntries(Object.entries(params).filter(([name]) => isFrozen(name) === wanted));
  return { trained: part(false), frozen: part(true) };
}

/** A model's graphs and what they read. */
interface Compiled {
  readonly settings: LocalSettings;
  readonly arrays: () => Promise<LearnerArrays>;
  readonly logProbs: ReturnType<typeof logProbsGraph>;
  readonly accumulate: (settings: GraphSettings) => ReturnType<typeof accumulateGraph>;
  readonly sampler: (temperature: number) => HostOf<Sampler>;
  readonly pack: (readings: readonly Reading[], rows: GraphRows) => Promise<PackedUnits<NdArray>>;
}

/** What is compiled into a loss; β enters as a number. */
type GraphSettings = Omit<LossSettings, "kl" | "temperature"> & { readonly kl: KlForm };

function compile(
  model: Model,
  settings: LocalSettings,
  { readPrompts, arrays }: Pick<Compiled, "arrays"> & { readonly readPrompts: PromptReader },
): Compiled {
  const bias = tokenBias(model.config, model.processor.size);
  const options = { runtime: runtimeOf(settings), heldScores: settings.heldScores };
  return {
    settings,
    arrays,
    logProbs: logProbsGraph(model, options),
    accumulate: memoized((loss: GraphSettings) => accumulateGraph(model, loss, options)),
    sampler: (temperature) => ({ temperature: scalar(temperature), tokenBias: bias }),
    async pack(readings, rows) {
      const prompts = await readPrompts(readings.map(({ prompt }) => prompt));
      const units = zip(prompts, readings).map(([prompt, { responses_R }]) => ({
        prompt,
        responses: responses_R,
      }));
      return packUnits(units, model, rows);
    },
  };
}

async function logProbsOf(
  { arrays, settings, logProbs, sampler, pack }: Compiled,
  { readings, of, temperature }: LogProbRequest,
  { signal, onProgress }: Watch,
): Promise<Float32Array[][]> {
  const { all, reference } = await arrays();
  const weights = of === "policy" ? all : reference;
  invariant(weights, "logProbs: no reference policy is kept: set kl.use to loss or reward");
  const perReading: Float32Array[][] = readings.map(() => []);
  const sizes = graphRows(readings, settings);
  let done = 0;
  for (const batch of microBatches(readings, sizes.rows)) {
    const here = batch.map(({ reading }) => reading);
    const packed = await pack(here, sizes);
    const { data } = await logProbs(weights, packed, sampler(temperature));
    placeRows(perReading, batch, sizesOf(packed), data);
    done += batch.length;
    onProgress?.({ phase: "log-probs", done, total: readings.length });
    await breathe(signal);
  }
  return perReading;
}

/** Adds the gradients of lessons to the learner's, micro-batch by micro-batch. */
async function accumulateInto(
  compiled: Compiled,
  lessons: readonly Lesson[],
  { loss: { kl, temperature, ...loss }, signal, onProgress }: Watch & { readonly loss: LossSettings },
): Promise<Accumulated> {
  const { settings, accumulate, sampler, pack } = compiled;
  const { trained, frozen, reference, gradients } = await compiled.arrays();
  const run = accumulate({ ...loss, kl: kl?.term ?? "none" });
  const fixed = {
    sampler: sampler(temperature),
    ...(settings.frozen ? { frozen } : {}),
    ...(kl?.term === "full" && reference ? { reference } : {}),
  };
  const perLesson: Float32Array[][] = lessons.map(() => []);
  const sizes = graphRows(lessons, settings);
  let sums = NO_SUMS;
  let done = 0;
  for (const batch of microBatches(lessons, sizes.rows)) {
    const here = batch.map(({ reading }) => reading);
    const packed = await pack(here, sizes);
    const inputs = lossBatch(here, packed, kl?.coefficient);
    const [, found] = await run(trained, gradients, inputs, fixed);
    sums = addSums(sums, found.sums);
    placeRows(perLesson, batch, sizesOf(packed), found.logProbs.data);
    done += batch.length;
    onProgress?.({ phase: "gradients", done, total: lessons.length });
    await breathe(signal);
  }
  return { ...sums, logProbs: perLesson };
}

/** A learner of all weights. */
export interface WholeLearner extends LocalLearner {
  /** All parameters of now, where graphs read them; they change in place. */
  weights(): Promise<Arrays>;
  /** Frees what is on a device. Nothing can be learned or read afterwards. */
  close(): Promise<void>;
}

/** Compiles the learner for a model, whose parameters it changes in place. Graphs are made on first use. */
export function createLearner(
  model: Model,
  settings: LocalSettings,
  { readPrompts = createPromptReader(model.processor), moments }: LearnerParts = {},
): WholeLearner {
  const { trained, frozen } = splitOf(model.params, settings.frozen);
  const { first, second } = moments ?? { first: zerosLike(trained), second: zerosLike(trained) };
  const state = { params: trained, first, second };
  const { keepsReference } = settings;
  const start = { state, frozen, keepsReference, hasMoments: moments !== undefined };
  const open = learnerMemory(start, runtimeOf(settings));
  const compiled = compile(model, settings, { readPrompts, arrays: open });
  const learner = statefulLearner(state, open, {
    logProbs: (request, watch) => logProbsOf(compiled, request, watch),
    accumulate: (lessons, given) => accumulateInto(compiled, lessons, given),
    save: (folder, saved, parts) => writeWeights(folder, { ...saved, params: model.params }, model, parts),
    read: (folder) => readWeights(folder, model, Object.keys(trained)),
  });
  return {
    ...learner,
    weights: async () => (await open()).all,
    close: async () => (await open()).dispose(),
  };
}
