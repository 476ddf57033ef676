/**
 * @module One update of the bundled policy on drawn scenes, m = 2 and n = 6: every pair as a row of its own against the
 * prompt once with its responses behind it. Real prompts with images, real sampled responses.
 */
import { presetInput, resolveConfig } from "../../../src/config/load.js";
import { invariant } from "../../../src/core/errors.js";
import { Rng } from "../../../src/core/rng.js";
import { zip } from "../../../src/core/zip.js";
import { sceneQuestion } from "../../../src/data/scenes/draw.js";
import { sceneStream } from "../../../src/data/scenes/sets.js";
import { generate } from "../../../src/engine/local/generate.js";
import { createLearner } from "../../../src/engine/local/learner.js";
import { createLocalPolicy } from "../../../src/engine/local/localPolicy.js";
import { localSettings } from "../../../src/engine/local/settings.js";
import type { LocalLearner } from "../../../src/engine/local/statefulLearner.js";
import { expandQuestion } from "../../../src/expand/expand.js";
import type { Model } from "../../../src/model/load.js";
import { buildPrompt } from "../../../src/model/prompt.js";
import { type Lesson, naiveLessons } from "../../../src/policy/lessons.js";
import type { Prompt } from "../../../src/records.js";
import { lossSettings } from "../../../src/train/update.js";
import { interleave, type Repetitions, type Side, type Timing, timed } from "./interleave.js";

const QUESTIONS = 8;
const VARIANTS = 2;
const RESPONSES = 6;
/** Naive rows in one graph: as many as fill one that packs two units. */
const NAIVE_ROWS = 2 * VARIANTS * RESPONSES;

export interface PackedResult {
  readonly pairs: number;
  readonly timings: readonly Timing[];
  /** Difference of the losses over the mean size of their terms, which all but cancel; or of gradient norms over one. */
  readonly disagreement: number;
}

const settings = () => resolveConfig(presetInput("tiny"), "preset tiny");

/** Prompts of a drawn question's variants. */
export async function promptsOf(model: Model, index: number): Promise<Prompt[]> {
  const config = settings();
  const question = await sceneQuestion(sceneStream({ seed: 5, split: "train" }).at(index));
  const { variants } = await expandQuestion(
    question,
    { ...config.expand, variants: VARIANTS },
    Rng.fromSeed(5).split("speed"),
  );
  return Promise.all(variants.map((variant) => buildPrompt(model.processor, variant, question.id)));
}

/** Lessons of all questions: each variant's prompt with all responses of the question; every token weighs the same. */
async function lessonsOf(model: Model, learner: LocalLearner): Promise<Lesson[]> {
  const indices = Array.from({ length: QUESTIONS }, (_, at) => at);
  const prompts_Q_M = await Promise.all(indices.map((index) => promptsOf(model, index)));
  const prompts = prompts_Q_M.flat();
  const rng = Rng.fromSeed(6).split("speed");
  const { maxResponseLength: maxTokens } = settings().rollout;
  const rollouts = await generate(createLocalPolicy(model), {
    prompts,
    responses: RESPONSES,
    decoding: { temperature: 1, isGreedy: false, topP: 1, topK: 0, maxTokens },
    streams: prompts.map((_, prompt) =>
      Array.from({ length: RESPONSES }, (_unused, i) => rng.split(prompt, i).key),
    ),
  });
  const readings = prompts.map((prompt, at) => {
    const first = VARIANTS * Math.floor(at / VARIANTS);
    const responses_R = rollouts.slice(first, first + VARIANTS).flatMap((each) => each.map((r) => r.tokens));
    return { prompt, responses_R };
  });
  const tokens = readings
    .flatMap(({ responses_R }) => responses_R)
    .reduce((sum, { length }) => sum + length, 0);
  const old = await learner.logProbs({ readings, of: "policy", temperature: 1 });
  return zip(readings, old).map(([reading, oldLogProbs_R], at) => ({
    ...reading,
    oldLogProbs_R,
    advantages_R: reading.responses_R.map((_, r) => Math.sin(at + r)),
    weights_R: reading.responses_R.map(() => 1 / tokens),
  }));
}

/** Σ weight·|advantage| over all tokens: what the loss would be if no term cancelled another. */
function meanTerm(lessons: readonly Lesson[]): number {
  const terms = lessons.flatMap(({ responses_R, weights_R, advantages_R }) =>
    zip(zip(responses_R, weights_R), advantages_R).map(
      ([[{ length }, weight], advantage]) => length * weight * Math.abs(advantage),
    ),
  );
  return terms.reduce((sum, term) => sum + term, 0);
}

export interface PackedOptions {
  readonly model: Model;
  readonly repetitions: Repetitions;
  readonly onRound?: (done: number, total: number) => void;
}

export async function benchPacked({ model, repetitions, onRound }: PackedOptions): Promise<PackedResult> {
  const config = settings();
  const local = localSettings(config);
  const packed = createLearner(model, local);
  const naive = createLearner(model, { ...local, microBatch: NAIVE_ROWS });
  const lessons = await lessonsOf(model, packed);
  const rows = naiveLessons(lessons);
  const loss = lossSettings(config);
  const results: { readonly loss: number; readonly gradNorm: number }[] = [];
  // A learning rate of 0 leaves the weights, so that every repetition does the same work.
  const side = (name: string, learner: LocalLearner, work: readonly Lesson[]): Side => {
    let step = 0;
    return {
      name,
      run: () =>
        timed(async () => {
          const sums = await learner.accumulate(work, loss);
          const applied = await learner.apply({ ...config.update, learningRate: 0, step: ++step });
          results.push({ loss: sums.loss, gradNorm: applied.gradNorm });
        }),
    };
  };
  const sides = [side("packed", packed, lessons), side("naive pairs", naive, rows)];
  const timings = await interleave(sides, repetitions, onRound);
  const [first, second] = results;
  invariant(first && second, "benchPacked: two sides");
  const disagreement = Math.max(
    Math.abs(first.loss - second.loss) / meanTerm(lessons),
    Math.abs(first.gradNorm / second.gradNorm - 1),
  );
  return { pairs: rows.length, timings, disagreement };
}
