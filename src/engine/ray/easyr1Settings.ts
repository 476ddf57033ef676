/**
 * @module A run's settings in EasyR1's words, for Share-GRPO as the Python package beside this file computes it; what
 * EasyR1 cannot is refused by name.
 *
 * Source: EasyR1 b44b311 (verl 0.3.3.dev0): `verl/trainer/config.py` and the `config.py` of each worker.
 */
import type { RunConfig } from "../../config/schema.js";
import { ConfigError } from "../../core/errors.js";

/** What the cluster has, and where it finds things. */
export interface ClusterSettings {
  /** The model's path or hub name as the cluster's nodes know it. */
  readonly model: string;
  readonly nodes: number;
  readonly gpusPerNode: number;
  /** Where the nodes see the data: relative to the job's folder, or a shared path. */
  readonly trainFile: string;
  readonly validationFile?: string;
  /** Where they write checkpoints; kept between jobs, so that a later one can go on. */
  readonly checkpoints: string;
  /** EasyR1's own settings by dotted name, laid over everything else. */
  readonly overrides: Readonly<Record<string, string | number | boolean>>;
}

type Tree = { [key: string]: Tree | string | number | boolean | null | readonly (string | number)[] };

/** Cap of the dual clip that caps nothing. */
const NO_CAP = 1e6;

/** A condition with what is wrong where it does not hold. */
type Rule = readonly [holds: boolean, problem: string];

function rulesOf({ advantage, expand, kl, reward, rollout, train, update }: RunConfig): Rule[] {
  const steps = update.optimizerStepsPerRollout * (update.scalesStepsByVariants ? expand.variants : 1);
  return [
    [
      update.algorithm === "share-grpo",
      `update.algorithm=${update.algorithm}: only share-grpo is in the job`,
    ],
    [
      update.aggregation === "global-token",
      `update.aggregation=${update.aggregation}: EasyR1 has global-token`,
    ],
    [update.ratio === "token", `update.ratio=${update.ratio}: EasyR1 has one ratio per token`],
    [update.maxLogRatio === 20, `update.maxLogRatio=${update.maxLogRatio}: EasyR1 has 20`],
    [update.entropyCoefficient === 0, "update.entropyCoefficient: EasyR1 has no entropy term"],
    [!update.masksTruncated, "update.masksTruncated: EasyR1 trains on responses that were cut off"],
    [update.epsilon === 1e-8, `update.epsilon=${update.epsilon}: EasyR1 has 1e-8`],
    [!update.startsAtZero, "update.startsAtZero: EasyR1 does not start at rate 0"],
    [advantage.arithmetic === "float64", "advantage.arithmetic=float32: the job computes in float64"],
    [advantage.crossImportanceCap === null, "advantage.crossImportanceCap: EasyR1 has no importance weights"],
    [advantage.crossWeight > 0, "advantage.crossWeight=0: EasyR1 would compute cross pairs for nothing"],
    [kl.use !== "reward", "kl.use=reward: a response's reward would depend on the prompt it is read under"],
    [kl.estimator !== "full", "kl.estimator=full: EasyR1 has none"],
    [
      kl.use === "off" || kl.controller === "fixed",
      "kl.controller=adaptive: EasyR1 adapts KL in the reward only",
    ],
    [reward.kind !== "custom", "reward.kind=custom: a function of yours cannot run on the cluster"],
    [reward.grader === "mathruler", `reward.grader=${reward.grader}: the cluster has mathruler`],
    [reward.unboxed === "wrong", `reward.unboxed=${reward.unboxed}: the cluster reads boxes only`],
    [reward.overlongBuffer === 0, "reward.overlongBuffer: the job has no over-long penalty"],
    [rollout.filter.kind === "off", `rollout.filter.kind=${rollout.filter.kind}: groups must stay whole`],
    [
      steps % expand.variants === 0,
      `update.optimizerStepsPerRollout=${update.optimizerStepsPerRollout}: EasyR1 needs a multiple of the ${expand.variants} variants (it splits prompts, and expands them later)`,
    ],
    [
      (train.questionsPerStep * expand.variants ** 2) % steps === 0,
      `train.questionsPerStep=${train.questionsPerStep}: does not split into ${steps} mini-batches`,
    ],
  ];
}

/** @throws ConfigError naming every setting that EasyR1 cannot honour */
export function refuseForEasyR1(config: RunConfig): void {
  const problems = rulesOf(config).flatMap(([holds, problem]) => (holds ? [] : [problem]));
  if (problems.length > 0) throw new ConfigError(`engine.kind=ray: ${problems.join("; ")}`);
}

function workerSettings(config: RunConfig, { model }: ClusterSettings): Tree {
  const { update, rollout, expand, train } = config;
  const steps = update.optimizerStepsPerRollout * (update.scalesStepsByVariants ? expand.variants : 1);
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
      clip_ratio_dual: update.loss === "clip" && update.dualClip !== null ? update.dualClip : NO_CAP,
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

/** Sets `a.b.c` of a copy. */
function withSetting(tree: Tree, [key, ...rest]: readonly string[], value: Tree[string]): Tree {
  if (key === undefined) return tree;
  const inner = tree[key];
  const isTree = typeof inner === "object" && inner !== null && !Array.isArray(inner);
  return {
    ...tree,
    [key]: rest.length === 0 ? value : withSetting(isTree ? (inner as Tree) : {}, rest, value),
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
  return Object.entries(cluster.overrides).reduce<Tree>(
    (tree, [name, value]) => withSetting(tree, name.split("."), value),
    settings,
  );
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
