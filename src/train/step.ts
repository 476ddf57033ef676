/**
 * @module One step of Share-GRPO: the whole algorithm on one screen.
 *
 * question → m variants → n responses each → rewards → global and local advantages → m·m·n pairs → clipped update.
 * Plain GRPO is the same step with one variant per question.
 *
 * Source: the paper's §3, Eqs. 3–8. What each mode does differently stands in advantage/shareGrpo.ts and policy/loss.ts.
 */
import { ADVANTAGE_MODES, type HierarchicalOptions, hierarchicalAdvantages } from "../advantage/shareGrpo.js";
import type { RunConfig } from "../config/schema.js";
import type { OnProgress } from "../core/progress.js";
import type { Rng } from "../core/rng.js";
import { zip } from "../core/zip.js";
import { expandQuestion } from "../expand/expand.js";
import type { Processor } from "../model/processor.js";
import { buildPrompt, type Prompt } from "../model/prompt.js";
import type { UpdateStats } from "../policy/learner.js";
import { sharePairs } from "../policy/share.js";
import { type UpdateUnit, unitsOf } from "../policy/units.js";
import type { Question, QuestionGroup, Response, Rollout, Variant } from "../records.js";
import { mathReward } from "../reward/reward.js";
import type { Engine } from "./engine.js";
import type { Stopwatch } from "./stopwatch.js";

export interface StepContext {
  readonly config: RunConfig;
  readonly engine: Engine;
  readonly processor: Processor;
  /** Learning rate of this rollout step. */
  readonly learningRate: number;
  /** Optimizer steps finished before this rollout step. */
  readonly optimizerSteps: number;
  /** Streams of this rollout step; a question's draws are keyed by its id. */
  readonly rng: Rng;
  readonly stopwatch: Stopwatch;
  readonly onProgress?: OnProgress;
}

export interface StepResult {
  readonly groups: readonly QuestionGroup[];
  /** One per optimizer step. */
  readonly updates: readonly UpdateStats[];
  /** Largest |log π_sampled − log π_old| over the tokens of own-variant pairs: sampler against learner, nats. */
  readonly logProbGap: number;
  readonly promptTokens: number;
}

/** Trains on the questions of one rollout step. */
export async function trainStep(questions_Q: readonly Question[], context: StepContext): Promise<StepResult> {
  const { config, engine, stopwatch } = context;
  const variants_Q_M = await stopwatch.time("expand", () => expandAll(questions_Q, context));
  const prompts_Q_M = await stopwatch.time("expand", () => promptsOf(variants_Q_M, context));
  const rollouts_Q_M_N = await stopwatch.time("rollout", () => sampleAll(variants_Q_M, prompts_Q_M, context));

  const groups_Q = await stopwatch.time("reward", async () =>
    zip(questions_Q, zip(variants_Q_M, rollouts_Q_M_N)).map(
      ([question, [variants, rollouts_M_N]]): QuestionGroup => {
        const responses = rollouts_M_N.map((rollouts_N, j) =>
          rollouts_N.map((rollout, i) => grade(question, { j, i, rollout }, context)),
        );
        const rewards_M_N = responses.map((responses_N) =>
          responses_N.map((response) => response.reward.overall),
        );
        const advantages = hierarchicalAdvantages(rewards_M_N, advantageOptions(config));
        const pairs = sharePairs(responses, advantages, { share: config.update.algorithm === "share-grpo" });
        return { question, variants, responses, pairs };
      },
    ),
  );

  const units_Q_K = zip(groups_Q, prompts_Q_M).map(([group, prompts_M]) => unitsOf(group, prompts_M));
  const old = await stopwatch.time("old_log_probs", () => engine.logProbs(units_Q_K.flat()));
  const withOld = zip(units_Q_K.flat(), old).map(
    ([unit, oldLogProbs]): UpdateUnit => ({ ...unit, oldLogProbs }),
  );
  const updates = await stopwatch.time("update", () => updateAll(withOld, context));
  const promptTokens = prompts_Q_M.flat().reduce((sum, prompt) => sum + prompt.tokens.length, 0);
  return { groups: groups_Q, updates, logProbGap: largestGap(groups_Q, units_Q_K, withOld), promptTokens };
}

/** Share-GRPO adds both terms of Eq. 7; GRPO compares a response with those of its own prompt only (Eq. 1). */
function advantageOptions({ update }: RunConfig): HierarchicalOptions {
  const isShared = update.algorithm === "share-grpo";
  return { ...ADVANTAGE_MODES.default, terms: isShared ? "both" : "local" };
}

async function expandAll(questions: readonly Question[], { config, rng }: StepContext): Promise<Variant[][]> {
  const expanded = await Promise.all(
    questions.map((question) => expandQuestion(question, config.expand, rng)),
  );
  return expanded.map(({ variants }) => [...variants]);
}

function promptsOf(variants_Q_M: readonly Variant[][], { processor }: StepContext): Promise<Prompt[][]> {
  const one = (variant: Variant) =>
    buildPrompt(processor, variant, `question ${variant.questionId}, variant ${variant.index}`);
  return Promise.all(variants_Q_M.map((variants) => Promise.all(variants.map(one))));
}

async function sampleAll(
  variants_Q_M: readonly Variant[][],
  prompts_Q_M: readonly Prompt[][],
  { config, engine, rng, onProgress }: StepContext,
): Promise<Rollout[][][]> {
  const { responses, temperature, topP, topK, maxResponseLength, maxRows } = config.rollout;
  const streamsOf = ({ questionId, index }: Variant) =>
    Array.from({ length: responses }, (_, i) => rng.split("rollout", questionId, index, i).key);
  const rollouts = await engine.generate(
    {
      prompts: prompts_Q_M.flat(),
      responses,
      maxRows,
      sampling: { temperature, topP, topK, isGreedy: false, maxTokens: maxResponseLength },
      streams: variants_Q_M.flat().map(streamsOf),
    },
    onProgress,
  );
  const left = [...rollouts];
  return variants_Q_M.map((variants_M) => left.splice(0, variants_M.length));
}

function grade(
  question: Question,
  { j, i, rollout }: { readonly j: number; readonly i: number; readonly rollout: Rollout },
  { config, processor }: StepContext,
): Response {
  const text = processor.decode(rollout.tokens, { skipSpecial: true });
  return {
    questionId: question.id,
    j,
    i,
    text,
    rollout,
    reward: mathReward(text, question.gold, config.reward),
  };
}

/** Mini-batches of whole questions, in order; each is one optimizer step. */
async function updateAll(units: readonly UpdateUnit[], context: StepContext): Promise<UpdateStats[]> {
  const { config, engine, onProgress } = context;
  const { optimizerStepsPerRollout, epochs } = config.update;
  const size = Math.ceil(units.length / optimizerStepsPerRollout);
  const updates: UpdateStats[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let first = 0; first < units.length; first += size) {
      const step = context.optimizerSteps + updates.length + 1;
      updates.push(
        await engine.update(units.slice(first, first + size), { learningRate: context.learningRate, step }),
      );
      onProgress?.({ phase: "update", done: updates.length, total: optimizerStepsPerRollout * epochs });
    }
  }
  return updates;
}

/** The sampler and the learner must agree on own-variant pairs; cross pairs have no sampled counterpart. */
function largestGap(
  groups: readonly QuestionGroup[],
  units_Q_K: readonly { readonly length: number }[],
  units: readonly UpdateUnit[],
): number {
  let largest = 0;
  let first = 0;
  for (const [group, units_K] of zip(groups, units_Q_K)) {
    for (let k = 0; k < units_K.length; k++) {
      const own = group.pairs.filter((pair) => pair.k === k);
      own.forEach((pair, r) => {
        if (pair.j !== k) return;
        const sampled = group.responses[pair.j]?.[pair.i]?.rollout.logProbs ?? [];
        const old = units[first + k]?.oldLogProbs[r] ?? [];
        sampled.forEach((logProb, t) => {
          largest = Math.max(largest, Math.abs(logProb - (old[t] as number)));
        });
      });
    }
    first += units_K.length;
  }
  return largest;
}
