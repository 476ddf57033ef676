/**
 * @module A run's settings in the words of the released R1-ShareVL code, which draws variants and shares rewards itself.
 * What it has no setting for must be as it computes it: `mode=code`.
 *
 * Source: R1-ShareVL da7388e (verl 0.2.0.dev): `verl/trainer/config.py`, the `config.py` of each worker, and
 * `examples/config.yaml`.
 */
import { settingValue } from "../../config/describe.js";
import { DEPARTURES } from "../../config/modes.js";
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

/** Points on which paper and code differ that the code has a setting for. */
const SETTABLE: ReadonlySet<string> = new Set([
  "update.clipLow",
  "update.clipHigh",
  "update.dualClip",
  "update.scalesStepsByVariants",
  "rollout.temperature",
  "rollout.topP",
  "kl.use",
  "kl.estimator",
  "kl.coefficient",
  "reward.formatWeight",
  // Asked for by name, so that nobody takes the code's rounding for this project's.
  "advantage.arithmetic",
]);

/** Settings that must be as the code has them. */
function fixedRules(config: RunConfig): Rule[] {
  return DEPARTURES.flatMap(({ switches }) => switches).flatMap(({ key, values: { code } }): Rule[] => {
    if (SETTABLE.has(key)) return [];
    const value = settingValue(config, key);
    const shown = (each: unknown) => (Array.isArray(each) ? each.join(",") : String(each));
    return [
      [
        shown(value) === shown(code),
        `${key}=${shown(value)}: the released code has ${shown(code)} (mode=code)`,
      ],
    ];
  });
}

/** Prompts of a mini-batch; the code multiplies by responses and variants: a step has Q·m·m·n rows. */
const miniBatchOf = (config: RunConfig): number =>
  (config.train.questionsPerStep * config.expand.variants) / stepsOf(config);

function rulesOf(config: RunConfig): Rule[] {
  const { advantage, data, expand, rollout, train, update } = config;
  const batch = miniBatchOf(config);
  return [
    ...commonRules(config, "the released code"),
    ...fixedRules(config),
    [update.loss === "clip", `update.loss=${update.loss}: the released code has clip`],
    [update.schedule === "constant", `update.schedule=${update.schedule}: the released code has constant`],
    [advantage.terms === "both", `advantage.terms=${advantage.terms}: the released code has both`],
    [advantage.crossWeight === 1, `advantage.crossWeight=${advantage.crossWeight}: the released code has 1`],
    [
      advantage.arithmetic === "float32",
      "advantage.arithmetic=float64: the released code computes groups in float32, where equal rewards do not give 0; say so with advantage.arithmetic=float32, or use engine.stack=easyr1",
    ],
    [rollout.responses > 1, "rollout.responses=1: the released code's local term is NaN"],
    [expand.formatPrompt !== "", "expand.formatPrompt: the released code stops without one"],
    [
      train.evaluateQuestions === 0,
      `train.evaluateQuestions=${train.evaluateQuestions}: the released code's validation does not work; evaluate checkpoints (\`sharegrpo fetch\`, \`sharegrpo evaluate\`)`,
    ],
    [
      Number.isInteger(batch) && train.questionsPerStep % batch === 0,
      `train.questionsPerStep=${train.questionsPerStep}: ${batch} prompts a mini-batch do not divide it (update.optimizerStepsPerRollout)`,
    ],
    [
      data.minPixels !== null && data.maxPixels !== null,
      "data.minPixels, data.maxPixels: the released code needs both; its own are 262144 and 1048576",
    ],
    ...microBatchRules(config, {
      prompts: train.questionsPerStep,
      rows: batch * rollout.responses * expand.variants,
    }),
  ];
}

/** @throws ConfigError naming every setting that the released code cannot honour */
export function refuseForReleased(config: RunConfig): void {
  refuse(rulesOf(config));
}

function workerSettings(config: RunConfig, { model }: ClusterSettings): Tree {
  const { update, rollout, expand, reward, train } = config;
  return {
    actor: {
      global_batch_size: miniBatchOf(config),
      micro_batch_size_per_device_for_update: update.microBatchUnits,
      micro_batch_size_per_device_for_experience: 2 * update.microBatchUnits,
      max_grad_norm: update.maxGradNorm,
      clip_ratio_low: update.clipLow,
      clip_ratio_high: update.clipHigh,
      clip_ratio_dual: dualClipOf(update),
      ppo_epochs: update.epochs,
      padding_free: true,
      model: { model_path: model, trust_remote_code: false, freeze_vision_tower: false },
      optim: {
        lr: update.learningRate,
        betas: [update.beta1, update.beta2],
        weight_decay: update.weightDecay,
        // The code cuts the product with the steps down to a whole number.
        lr_warmup_ratio: update.warmupSteps === 0 ? 0 : (update.warmupSteps + 0.5) / train.steps,
      },
    },
    rollout: {
      n: rollout.responses,
      question_num: expand.variants,
      temperature: rollout.temperature,
      top_p: rollout.topP,
      top_k: rollout.topK === 0 ? -1 : rollout.topK,
      seed: config.seed,
    },
    reward: {
      reward_type: "function",
      score_function: "./sharegrpo_easyr1/reward.py:score_one",
      score_function_kwargs: {
        kind: reward.kind,
        format_weight: reward.formatWeight,
        join_tags: reward.joinTags,
      },
    },
  };
}

/** `run.yaml`, as a tree. @throws ConfigError naming every setting that the released code cannot honour */
export function releasedSettings(config: RunConfig, cluster: ClusterSettings): Tree {
  refuseForReleased(config);
  const { data, expand, kl, rollout, train } = config;
  const settings: Tree = {
    data: {
      train_files: cluster.trainFile,
      // Opened in any case, and never asked.
      val_files: cluster.trainFile,
      prompt_key: "problem",
      answer_key: "answer",
      image_key: "images",
      max_prompt_length: data.maxPromptLength,
      max_response_length: rollout.maxResponseLength,
      rollout_batch_size: train.questionsPerStep,
      val_batch_size: 1,
      // The text itself, and not a file.
      format_prompt: expand.formatPrompt,
      // The file has the questions of all steps in the order that a run here asks them.
      shuffle: false,
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
      total_episodes: 1,
      max_steps: train.steps,
      nnodes: cluster.nodes,
      n_gpus_per_node: cluster.gpusPerNode,
      logger: ["console"],
      project_name: "sharegrpo",
      experiment_name: "run",
      val_before_train: false,
      val_freq: -1,
      save_freq: train.saveEvery,
      save_limit: train.keepCheckpoints,
      save_checkpoint_path: cluster.checkpoints,
    },
  };
  return withOverrides(settings, cluster.overrides);
}
