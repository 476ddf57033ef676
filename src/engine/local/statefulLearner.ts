/**
 * @module What all local learners do alike, whatever they train: gradients that add up, AdamW in place, going back, and
 * state in a folder.
 */
import { invariant } from "../../core/errors.js";
import { ADAMW_DEFAULTS, adamwScalars } from "../../optim/adamw.js";
import type { Lesson } from "../../policy/lessons.js";
import type { Accumulated, Learner, LogProbRequest, LossSettings, SavedParts, Watch } from "../engine.js";
import type { LearnerMemory } from "./learnerMemory.js";
import type { LearnerState } from "./optimizerFile.js";

/** A learner whose state is at hand: host arrays, of now where it learns in them, else of the last call of `state`. */
export interface LocalLearner extends Learner, LearnerState {
  /** Optimizer steps that the weights have seen. */
  policyStep(): number;
  /** The state of now, in the learner's host arrays. */
  state(): Promise<LearnerState>;
}

/** What learners differ in. */
export interface LearnerWork {
  logProbs(request: LogProbRequest, watch: Watch): Promise<Float32Array[][]>;
  /** Adds the gradients of lessons to those in the learner's memory. */
  accumulate(
    lessons: readonly Lesson[],
    settings: Watch & { readonly loss: LossSettings },
  ): Promise<Accumulated>;
  save(folder: string, state: LearnerState, parts: SavedParts): Promise<void>;
  /** @throws CheckpointError or ModelError when the folder's state is none of this learner's */
  read(folder: string): Promise<LearnerState>;
}

/**
 * @param state host arrays, which change
 * @param open where the learner's numbers are
 */
export function statefulLearner(
  state: LearnerState,
  open: () => Promise<LearnerMemory>,
  work: LearnerWork,
): LocalLearner {
  let isFresh = true;
  let policyStep = 0;
  let keptStep: number | undefined;

  const forget = (memory: LearnerMemory) => {
    memory.forget();
    isFresh = true;
  };
  return {
    ...state,
    policyStep: () => policyStep,
    state: async () => (await open()).state(),
    logProbs: (request, watch = {}) => work.logProbs(request, watch),
    async accumulate(lessons, loss, watch = {}) {
      const memory = await open();
      if (isFresh) forget(memory);
      isFresh = false;
      try {
        return await work.accumulate(lessons, { ...watch, loss });
      } catch (error) {
        forget(memory);
        throw error;
      }
    },
    async apply({ step, learningRate, maxGradNorm, ...settings }) {
      const scalars = adamwScalars(step, learningRate, settings);
      const options = { ...ADAMW_DEFAULTS, ...settings };
      const memory = await open();
      const { norm, isApplied } = memory.step({ ...scalars, maxGradNorm, options });
      isFresh = true;
      if (isApplied) policyStep = step;
      return { gradNorm: norm, isApplied };
    },
    async keep() {
      (await open()).keep();
      keptStep = policyStep;
    },
    async rollback() {
      invariant(keptStep !== undefined, "rollback: nothing was kept");
      const memory = await open();
      memory.rollback();
      policyStep = keptStep;
      forget(memory);
    },
    save: async (folder, parts = "all") => work.save(folder, (await open()).state(), parts),
    async restore(folder, step) {
      const [memory, saved] = [await open(), await work.read(folder)];
      memory.load(saved);
      policyStep = step;
      forget(memory);
    },
  };
}
