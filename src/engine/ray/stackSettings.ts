/**
 * @module What the stacks of a cluster have in common: EasyR1 with this project's package, and the released R1-ShareVL
 * code, which began as EasyR1.
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
  /** The stack's own settings by dotted name, laid over everything else. */
  readonly overrides: Readonly<Record<string, string | number | boolean>>;
}

export type Tree = { [key: string]: Tree | string | number | boolean | null | readonly (string | number)[] };

/** Cap of the dual clip that caps nothing. */
const NO_CAP = 1e6;

const dualClipOf = ({ loss, dualClip }: RunConfig["update"]): number =>
  loss === "clip" && dualClip !== null ? dualClip : NO_CAP;

/** Optimizer steps of a rollout step. */
export const stepsOf = ({ update, expand }: RunConfig): number =>
  update.optimizerStepsPerRollout * (update.scalesStepsByVariants ? expand.variants : 1);

/** A condition with what is wrong where it does not hold. */
export type Rule = readonly [holds: boolean, problem: string];

/** What neither can. @param who for messages */
export function commonRules({ advantage, kl, reward, update }: RunConfig, who: string): Rule[] {
  return [
    [
      update.algorithm === "share-grpo",
      `update.algorithm=${update.algorithm}: only share-grpo is in the job`,
    ],
    [update.entropyCoefficient === 0, `update.entropyCoefficient: ${who} has no entropy term`],
    [!update.masksTruncated, `update.masksTruncated: ${who} trains on responses that were cut off`],
    [update.epsilon === 1e-8, `update.epsilon=${update.epsilon}: ${who} has 1e-8`],
    [advantage.crossImportanceCap === null, `advantage.crossImportanceCap: ${who} has no importance weights`],
    [advantage.crossWeight > 0, `advantage.crossWeight=0: ${who} would compute cross pairs for nothing`],
    [kl.use !== "reward", "kl.use=reward: a response's reward would depend on the prompt it is read under"],
    [kl.estimator !== "full", `kl.estimator=full: ${who} has none`],
    [
      kl.use === "off" || kl.controller === "fixed",
      `kl.controller=adaptive: ${who} adapts KL in the reward only`,
    ],
    [reward.kind !== "custom", "reward.kind=custom: a function of yours cannot run on the cluster"],
    [reward.grader === "mathruler", `reward.grader=${reward.grader}: the cluster has mathruler`],
    [reward.unboxed === "wrong", `reward.unboxed=${reward.unboxed}: the cluster reads boxes only`],
    [reward.overlongBuffer === 0, "reward.overlongBuffer: the job has no over-long penalty"],
  ];
}

/** Numbers that a stack divides by one another, after it has multiplied them by responses. */
interface Batches {
  /** Prompts of a rollout step. */
  readonly prompts: number;
  /** Rows of a mini-batch, on all devices together. */
  readonly rows: number;
}

/**
 * Both stacks end a job whose micro-batches do not come out even, once the cluster has been taken. A person's own numbers
 * (engine.overrides) are theirs.
 */
export function microBatchRules({ engine, rollout, update }: RunConfig, { prompts, rows }: Batches): Rule[] {
  if (engine.overrides.some((assignment) => assignment.includes("micro_batch_size"))) return [];
  const devices = engine.nodes * engine.gpusPerNode;
  const { microBatchUnits } = update;
  const responses = prompts * rollout.responses;
  return [
    [
      responses % (2 * microBatchUnits) === 0,
      `update.microBatchUnits=${microBatchUnits}: twice that does not divide the ${responses} responses of a step`,
    ],
    [
      rows % (devices * microBatchUnits) === 0,
      `update.microBatchUnits=${microBatchUnits}: ${rows} rows of a mini-batch do not come out even on ${devices} GPUs`,
    ],
  ];
}

/** @throws ConfigError naming everything that does not hold */
export function refuse(rules: readonly Rule[]): void {
  const problems = rules.flatMap(([holds, problem]) => (holds ? [] : [problem]));
  if (problems.length > 0) throw new ConfigError(`engine.kind=ray: ${problems.join("; ")}`);
}

function actorSettings({ update }: RunConfig, { model }: ClusterSettings) {
  return {
    actor: {
      micro_batch_size_per_device_for_update: update.microBatchUnits,
      micro_batch_size_per_device_for_experience: 2 * update.microBatchUnits,
      max_grad_norm: update.maxGradNorm,
      clip_ratio_dual: dualClipOf(update),
      ppo_epochs: update.epochs,
    },
    model: { model_path: model, freeze_vision_tower: false },
    optim: {
      lr: update.learningRate,
      betas: [update.beta1, update.beta2],
      weight_decay: update.weightDecay,
    },
  };
}

/** What both stacks have a setting for, under the same name; each lays its own beside. */
export function sharedSettings(config: RunConfig, cluster: ClusterSettings) {
  const { data, kl, reward, rollout, train } = config;
  return {
    data: {
      train_files: cluster.trainFile,
      prompt_key: "problem",
      answer_key: "answer",
      image_key: "images",
      max_prompt_length: data.maxPromptLength,
      max_response_length: rollout.maxResponseLength,
      // The file has the questions of all steps in the order that a run here asks them, each variant in its place.
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
    ...actorSettings(config, cluster),
    rollout: {
      n: rollout.responses,
      temperature: rollout.temperature,
      top_p: rollout.topP,
      top_k: rollout.topK === 0 ? -1 : rollout.topK,
      seed: config.seed,
    },
    /** What the package's reward functions are given. */
    rewardArguments: {
      kind: reward.kind,
      format_weight: reward.formatWeight,
      join_tags: reward.joinTags,
    },
    trainer: {
      max_steps: train.steps,
      nnodes: cluster.nodes,
      n_gpus_per_node: cluster.gpusPerNode,
      project_name: "sharegrpo",
      experiment_name: "run",
      val_freq: -1,
      save_freq: train.saveEvery,
      save_limit: train.keepCheckpoints,
      save_checkpoint_path: cluster.checkpoints,
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

/** Settings with a person's own laid over them, by dotted name. */
export function withOverrides(settings: Tree, overrides: ClusterSettings["overrides"]): Tree {
  return Object.entries(overrides).reduce<Tree>(
    (tree, [name, value]) => withSetting(tree, name.split("."), value),
    settings,
  );
}
