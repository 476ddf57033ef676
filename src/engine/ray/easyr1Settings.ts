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
  dualClipOf,
  microBatchRules,
  type Rule,
  refuse,
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

function workerSettings(config: RunConfig, { model }: ClusterSettings): Tree {
  const { update, rollout, expand, train } = config;
  const steps = stepsOf(config);
  const isGspo = update.loss === "gspo" || update.loss === "gspo-token";
  return {
    actor: {
      // EasyR1 multiplies by the responses of a prompt; rows are expanded by the variants once more.
      global_batch_size: (train.questionsPerStep * expand.variants ** 2) / steps,
      micro_batch_size_per_device_for_update: update.microBatchUnits,
      micro_batch_size_per_device_for_experience: 2 * update.microBatchUnits,
      max_grad_norm: update.maxGradNorm,
      clip_ratio_low: isGspo ? update.gspoClipLow : update.clipLow,
      clip_ratio_high: isGspo ? update.gspoClipHigh : update.clipHigh,
      clip_ratio_dual: dualClipOf(update),
      loss_type: update.loss === "clip" ? "default" : update.loss.replace("-", "_"),
      loss_avg_mode: "token",
      ppo_epochs: update.epochs,
      tau_positive: update.sapoTauPositive,
      tau_negative: update.sapoTauNegative,
      model: { model_path: model, freeze_vision_tower: false },
      optim: {
        lr: update.learningRate,
        betas: [update.beta1, update.beta2],
        weight_decay: update.weightDecay,
        lr_warmup_steps: update.warmupSteps,
        lr_scheduler_type: update.schedule,
        min_lr_ratio: update.minLearningRateRatio,
      },
    },
    rollout: {
      n: rollout.responses,
      temperature: rollout.temperature,
      top_p: rollout.topP,
      top_k: rollout.topK === 0 ? -1 : rollout.topK,
      seed: config.seed,
      val_override_config: { temperature: 0, n: 1 },
    },
    reward: {
      reward_function: "./sharegrpo_easyr1/reward.py:compute_score",
      reward_function_kwargs: {
        kind: config.reward.kind,
        format_weight: config.reward.formatWeight,
        join_tags: config.reward.joinTags,
      },
    },
  };
}

/** `run.yaml`, as a tree. @throws ConfigError naming every setting that EasyR1 cannot honour */
export function easyR1Settings(config: RunConfig, cluster: ClusterSettings): Tree {
  refuseForEasyR1(config);
  const { data, expand, kl, rollout, train } = config;
  const settings: Tree = {
    data: {
      train_files: cluster.trainFile,
      // EasyR1 opens a validation file in any case; without one the job does not validate.
      val_files: cluster.validationFile ?? cluster.trainFile,
      prompt_key: "problem",
      answer_key: "answer",
      image_key: "images",
      max_prompt_length: data.maxPromptLength,
      max_response_length: rollout.maxResponseLength,
      rollout_batch_size: train.questionsPerStep * expand.variants,
      // Words and pictures of every variant are in the file, in order; a row dropped or moved would break its group.
      shuffle: false,
      filter_overlong_prompts: false,
      min_pixels: data.minPixels,
      max_pixels: data.maxPixels,
      seed: config.seed,
    },
    algorithm: {
      adv_estimator: "grpo",
      disable_kl: kl.use === "off",
      use_kl_loss: kl.use === "loss",
      kl_penalty: kl.estimator,
      kl_coef: kl.coefficient,
    },
    worker: workerSettings(config, cluster),
    trainer: {
      total_epochs: 1,
      max_steps: train.steps,
      nnodes: cluster.nodes,
      n_gpus_per_node: cluster.gpusPerNode,
      logger: ["console", "file"],
      project_name: "sharegrpo",
      experiment_name: "run",
      val_before_train: cluster.validationFile !== undefined,
      val_freq: -1,
      save_freq: train.saveEvery,
      save_limit: train.keepCheckpoints,
      save_checkpoint_path: cluster.checkpoints,
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
