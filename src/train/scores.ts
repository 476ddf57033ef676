/**
 * @module What a response is compared by: its reward, less the penalty for length, less that for leaving the reference
 * policy. Without penalties a score is the overall reward.
 */
import type { RunConfig } from "../config/schema.js";
import { invariant } from "../core/errors.js";
import { given } from "../core/given.js";
import { regroup } from "../core/regroup.js";
import { mean } from "../core/stats.js";
import { zip } from "../core/zip.js";
import type { Learner } from "../engine/engine.js";
import { klOfResponse, rewardWithKl } from "../policy/kl.js";
import type { Response } from "../records.js";
import { overlongPenalty } from "../reward/overlong.js";
import type { SampledGroup, StepContext } from "./stepContext.js";

/** What scoring needs of a step. */
export type ScoreContext = Pick<StepContext, "config" | "stopwatch" | "klCoefficient" | "signal"> & {
  readonly engine: { readonly learner: Pick<Learner, "logProbs"> };
};

export interface Scores {
  /** `scores_Q_M_N[q][j][i]` */
  readonly scores_Q_M_N: readonly (readonly (readonly number[])[])[];
  /** Mean over responses of the token mean of the KL estimate, nats; where KL is taken off the reward. */
  readonly rewardKl?: number;
}

/** Reward plus over-long penalty (0 or less). */
export function scoreOf(
  { reward, rollout }: Response,
  config: Pick<RunConfig, "reward" | "rollout">,
): number {
  const { overlongBuffer: buffer, overlongFactor: factor } = config.reward;
  if (buffer === 0) return reward.overall;
  const { maxResponseLength: maxLength } = config.rollout;
  return reward.overall + overlongPenalty(rollout.tokens.length, { maxLength, buffer, factor });
}

/** Scores of a step's responses. */
export async function scoresOf(sampled_Q: readonly SampledGroup[], context: ScoreContext): Promise<Scores> {
  const { config } = context;
  const plain = sampled_Q.map(({ responses }) =>
    responses.map((responses_N) => responses_N.map((response) => scoreOf(response, config))),
  );
  return config.kl.use === "reward" ? lessKl(plain, sampled_Q, context) : { scores_Q_M_N: plain };
}

/** Takes β · Σ_t kl_t off each score, under the prompt that the response was sampled from. */
async function lessKl(
  plain_Q_M_N: Scores["scores_Q_M_N"],
  sampled_Q: readonly SampledGroup[],
  { config, engine, stopwatch, klCoefficient = 0, signal }: ScoreContext,
): Promise<Scores> {
  const { estimator } = config.kl;
  invariant(estimator !== "full", "kl.estimator full is refused for kl.use reward");
  const readings = sampled_Q.flatMap(({ prompts_M, responses }) =>
    zip(prompts_M, responses).map(([prompt, responses_N]) => ({
      prompt,
      responses_R: responses_N.map(({ rollout }) => rollout.tokens),
    })),
  );
  const { temperature } = config.rollout;
  const request = { readings, of: "reference", temperature } as const;
  const flat = await stopwatch.time("reference", () => engine.learner.logProbs(request, given({ signal })));
  const reference_Q_M_N = regroup(
    flat,
    sampled_Q.map(({ prompts_M }) => prompts_M),
  );
  const kl: number[] = [];
  const scores_Q_M_N = zip(zip(plain_Q_M_N, sampled_Q), reference_Q_M_N).map(
    ([[plain_M_N, { responses }], reference_M_N]) =>
      zip(zip(plain_M_N, responses), reference_M_N).map(([[plain_N, responses_N], reference_N]) =>
        zip(zip(plain_N, responses_N), reference_N).map(([[score, { rollout }], reference]) => {
          const logProbs = { old: rollout.logProbs, reference };
          kl.push(klOfResponse(logProbs, estimator) / reference.length);
          return rewardWithKl(score, logProbs, { coefficient: klCoefficient, estimator });
        }),
      ),
  );
  return { scores_Q_M_N, rewardKl: mean(kl) };
}
