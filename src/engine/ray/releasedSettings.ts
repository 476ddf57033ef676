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
  microBatchRules,
  type Rule,
  refuse,
  sharedSettings,
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

/** `run.yaml`, as a tree. @throws ConfigError naming every setting that the released code cannot honour */
export function releasedSettings(config: RunConfig, cluster: ClusterSettings): Tree {
  refuseForReleased(config);
  const { expand, train, update } = config;
  const { data, algorithm, actor, model, optim, rollout, rewardArguments, trainer } = sharedSettings(
    config,
    cluster,
  );
  const settings: Tree = {
    data: {
      ...data,
      // Opened in any case, and never asked.
      val_files: cluster.trainFile,
      rollout_batch_size: train.questionsPerStep,
      val_batch_size: 1,
      // The text itself, and not a file.
      format_prompt: expand.formatPrompt,
    },
    algorithm,
    worker: {
      actor: {
        ...actor,
        global_batch_size: miniBatchOf(config),
        clip_ratio_low: update.clipLow,
        clip_ratio_high: update.clipHigh,
        padding_free: true,
        model: { ...model, trust_remote_code: false },
        optim: {
          ...optim,
          // The code cuts the product with the steps down to a whole number.
          lr_warmup_ratio: update.warmupSteps === 0 ? 0 : (update.warmupSteps + 0.5) / train.steps,
        },
      },
      rollout: { ...rollout, question_num: expand.variants },
      reward: {
        reward_type: "function",
        score_function: "./sharegrpo_easyr1/reward.py:score_one",
        score_function_kwargs: rewardArguments,
      },
    },
    trainer: {
      ...trainer,
      total_episodes: 1,
      logger: ["console"],
      val_before_train: false,
    },
  };
  return withOverrides(settings, cluster.overrides);
}
