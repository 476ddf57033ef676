/**
 * @module What all local learners do alike, whatever they train: gradients that add up, AdamW in place, going back, and
 * state in a folder.
 */
import { invariant } from "../../core/errors.js";
import { copyInto, copyOf, type Params, zerosLike } from "../../core/ndarray.js";
import { ADAMW_DEFAULTS, adamwScalars } from "../../optim/adamw.js";
import { updateInPlace } from "../../optim/adamwInPlace.js";
import type { Lesson } from "../../policy/lessons.js";
import type { Accumulated, Learner, LogProbRequest, LossSettings, Watch } from "../engine.js";
import type { LearnerState } from "./optimizerFile.js";

/** A learner whose state is at hand. */
export interface LocalLearner extends Learner, LearnerState {
  /** Optimizer steps that the weights have seen. */
  policyStep(): number;
}

/** What learners differ in. */
export interface LearnerWork {
  logProbs(request: LogProbRequest, watch: Watch): Promise<Float32Array[][]>;
  /** Adds the gradients of lessons to `gradients`. */
  accumulate(
    gradients: Params,
    lessons: readonly Lesson[],
    settings: Watch & { readonly loss: LossSettings },
  ): Promise<Accumulated>;
  save(folder: string, state: LearnerState): Promise<void>;
  /** @throws CheckpointError or ModelError when the folder's state is none of this learner's */
  read(folder: string): Promise<LearnerState>;
}

const PARTS = ["params", "first", "second"] as const;

/** @param state changes in place */
export function statefulLearner(state: LearnerState, work: LearnerWork): LocalLearner {
  const { params, first, second } = state;
  const parts = { params, first, second };
  const gradients = zerosLike(params);
  let isFresh = true;
  let policyStep = 0;
  let kept: { readonly policyStep: number; readonly parts: LearnerState } | undefined;

  const forget = () => {
    for (const { data } of Object.values(gradients)) data.fill(0);
    isFresh = true;
  };
  const goTo = (saved: LearnerState, step: number) => {
    for (const part of PARTS) copyInto(parts[part], saved[part]);
    policyStep = step;
    forget();
  };
  return {
    ...parts,
    policyStep: () => policyStep,
    logProbs: (request, watch = {}) => work.logProbs(request, watch),
    async accumulate(lessons, loss, watch = {}) {
      if (isFresh) forget();
      isFresh = false;
      try {
        return await work.accumulate(gradients, lessons, { ...watch, loss });
      } catch (error) {
        forget();
        throw error;
      }
    },
    async apply({ step, learningRate, maxGradNorm, ...settings }) {
      const scalars = adamwScalars(step, learningRate, settings);
      const options = { ...ADAMW_DEFAULTS, ...settings };
      const at = { ...scalars, maxGradNorm, options };
      const { norm, isApplied } = updateInPlace(params, gradients, { first, second }, at);
      isFresh = true;
      if (isApplied) policyStep = step;
      return { gradNorm: norm, isApplied };
    },
    async keep() {
      kept = {
        policyStep,
        parts: { params: copyOf(params), first: copyOf(first), second: copyOf(second) },
      };
    },
    async rollback() {
      invariant(kept, "rollback: nothing was kept");
      goTo(kept.parts, kept.policyStep);
    },
    save: (folder) => work.save(folder, parts),
    restore: async (folder, step) => goTo(await work.read(folder), step),
  };
}
