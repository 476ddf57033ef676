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

export const dualClipOf = ({ loss, dualClip }: RunConfig["update"]): number =>
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
