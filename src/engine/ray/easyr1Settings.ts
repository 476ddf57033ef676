/**
 * @module A run's settings in EasyR1's words, for Share-GRPO as the Python package beside this file computes it; what
 * EasyR1 cannot is refused by name.
 *
 * Source: EasyR1 b44b311 (verl 0.3.3.dev0): `verl/trainer/config.py` and the `config.py` of each worker.
 */
import type { RunConfig } from "../../config/schema.js";
import {
  type ClusterSettings,
  commonRules,
  microBatchRules,
  type Rule,
  refuse,
  sharedSettings,
  stepsOf,
  type Tree,
  withOverrides,
} from "./stackSettings.js";

function rulesOf(config: RunConfig): Rule[] {
  const { advantage, expand, rollout, train, update } = config;
  const steps = stepsOf(config);
  return [
    ...commonRules(config, "EasyR1"),
    [
      update.aggregation === "global-token",
      `update.aggregation=${update.aggregation}: EasyR1 has global-token`,
    ],
    [update.ratio === "token", `update.ratio=${update.ratio}: EasyR1 has one ratio per token`],
    [update.maxLogRatio === 20, `update.maxLogRatio=${update.maxLogRatio}: EasyR1 has 20`],
    [!update.startsAtZero, "update.startsAtZero: EasyR1 does not start at rate 0"],
    [advantage.arithmetic === "float64", "advantage.arithmetic=float32: the job computes in float64"],
    [rollout.filter.kind === "off", `rollout.filter.kind=${rollout.filter.kind}: groups must stay whole`],
    [
      steps % expand.variants === 0,
      `update.optimizerStepsPerRollout=${update.optimizerStepsPerRollout}: EasyR1 needs a multiple of the ${expand.variants} variants (it splits prompts, and expands them later)`,
    ],
    [
      (train.questionsPerStep * expand.variants ** 2) % steps === 0,
      `train.questionsPerStep=${train.questionsPerStep}: does not split into ${steps} mini-batches`,
    ],
    ...microBatchRules(config, {
      prompts: train.questionsPerStep * expand.variants,
      rows: ((train.questionsPerStep * expand.variants ** 2) / steps) * rollout.responses,
    }),
  ];
}

/** @throws ConfigError naming every setting that EasyR1 cannot honour */
export function refuseForEasyR1(config: RunConfig): void {
  refuse(rulesOf(config));
}

/** `run.yaml`, as a tree. @throws ConfigError naming every setting that EasyR1 cannot honour */
export function easyR1Settings(config: RunConfig, cluster: ClusterSettings): Tree {
  refuseForEasyR1(config);
  const { expand, train, update } = config;
  const { data, algorithm, actor, model, optim, rollout, rewardArguments, trainer } = sharedSettings(
    config,
    cluster,
  );
  const isGspo = update.loss === "gspo" || update.loss === "gspo-token";
  const settings: Tree = {
    data: {
      ...data,
      // EasyR1 opens a validation file in any case; without one the job does not validate.
      val_files: cluster.validationFile ?? cluster.trainFile,
      rollout_batch_size: train.questionsPerStep * expand.variants,
      // A row dropped would break its group.
      filter_overlong_prompts: false,
    },
    algorithm,
    worker: {
      actor: {
        ...actor,
        // EasyR1 multiplies by the responses of a prompt; rows are expanded by the variants once more.
        global_batch_size: (train.questionsPerStep * expand.variants ** 2) / stepsOf(config),
        clip_ratio_low: isGspo ? update.gspoClipLow : update.clipLow,
        clip_ratio_high: isGspo ? update.gspoClipHigh : update.clipHigh,
        loss_type: update.loss === "clip" ? "default" : update.loss.replace("-", "_"),
        loss_avg_mode: "token",
        tau_positive: update.sapoTauPositive,
        tau_negative: update.sapoTauNegative,
        model,
        optim: {
          ...optim,
          lr_warmup_steps: update.warmupSteps,
          lr_scheduler_type: update.schedule,
          min_lr_ratio: update.minLearningRateRatio,
        },
      },
      rollout: { ...rollout, val_override_config: { temperature: 0, n: 1 } },
      reward: {
        reward_function: "./sharegrpo_easyr1/reward.py:compute_score",
        reward_function_kwargs: rewardArguments,
      },
    },
    trainer: {
      ...trainer,
      total_epochs: 1,
      logger: ["console", "file"],
      val_before_train: cluster.validationFile !== undefined,
      find_last_checkpoint: true,
    },
  };
  return withOverrides(settings, cluster.overrides);
}

/** `sharegrpo.json`: what the Python package reads beside EasyR1's own settings. */
export function pluginSettings({ advantage }: RunConfig, cluster: ClusterSettings) {
  return {
    validates: cluster.validationFile !== undefined,
    advantage: {
      std: advantage.std,
      epsilon: advantage.epsilon,
      terms: advantage.terms,
      double_when_single: advantage.doubleWhenSingle,
      cross_weight: advantage.crossWeight,
    },
  };
}
