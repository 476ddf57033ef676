/**
 * @module Every setting of a training run: default, meaning, unit and source. Misspelt keys are refused by name.
 *
 * Sources: Eq./Table = the paper; `code` = the released implementation (config.py, core_algos.py).
 */
import { z } from "zod";
import { TRANSFORMS } from "../records.js";
import { dataSchema } from "./data.js";
import { engineSchema, loraSchema } from "./engine.js";
import { rolloutSchema } from "./rollout.js";

/** How a response's reward becomes its advantage. */
export const ALGORITHMS = ["share-grpo", "grpo", "dr-grpo", "rloo", "reinforce++", "grpo-passk"] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** Estimates of KL(π ‖ π_ref) from sampled tokens. */
export const KL_ESTIMATORS = ["kl", "abs", "mse", "low_var_kl"] as const;
export type KlEstimator = (typeof KL_ESTIMATORS)[number];

/** What a KL term can be: an estimate, or the divergence itself, over the whole vocabulary. */
export const KL_TERMS = [...KL_ESTIMATORS, "full"] as const;
export type KlTerm = (typeof KL_TERMS)[number];

/** The printed equations, the released arithmetic, and the released arithmetic mended. */
export const MODES = ["default", "paper", "code"] as const;
export type Mode = (typeof MODES)[number];

const positiveInt = z.int().positive();
const share = z.number().min(0).max(1);
/** Of a running mean: at 1 it would never move, and AdamW would divide by 1 − 1. */
const decay = z.number().min(0).lt(1);

export const expandSchema = z.strictObject({
  variants: positiveInt.default(2).describe("m, variants per question; Table 4"),
  transformProbability: share
    .default(0.3)
    .describe("p, probability that a variant's images are transformed; code: 0.3"),
  isOriginalFirst: z
    .boolean()
    .default(true)
    .describe("variant 0 keeps the original words; the code draws it like any rewrite"),
  includesOriginal: z
    .boolean()
    .default(true)
    .describe(
      "the original words are among the variants; paper: m generated ones, code: drawn with the rewrites",
    ),
  whenShort: z
    .enum(["repeat", "refuse"])
    .default("repeat")
    .describe(
      "fewer wordings than variants: repeat them with other views and say so, or stop as the code does",
    ),
  transforms: z
    .array(z.enum(TRANSFORMS))
    .default([...TRANSFORMS])
    .describe(
      "image transforms drawn from, all equally likely; code: nine, with a half turn twice and noise thrice",
    ),
  noiseRounding: z
    .enum(["nearest", "down"])
    .default("nearest")
    .describe("how noisy pixels become whole; the code truncates, which darkens by half a grey level"),
  guidanceStyle: z
    .enum(["truthful", "released"])
    .default("truthful")
    .describe("direction that the guidance for quarter turns names; the code swaps the two"),
  guidancePlacement: z
    .enum(["before", "every-segment", "after"])
    .default("before")
    .describe(
      "where guidance stands: before the first words, before all text segments (code), after the words (paper)",
    ),
  formatPrompt: z
    .string()
    .default("Think in <think> </think>, then answer in \\boxed{}.")
    .describe("sentence appended to every variant, after one space"),
});

export const rewardSchema = z.strictObject({
  kind: z
    .enum(["math", "r1v", "custom"])
    .default("math")
    .describe("math: last box after a think block; r1v: answer tags; custom: your function; code: math"),
  grader: z
    .enum(["mathruler", "math"])
    .default("mathruler")
    .describe(
      "compares answers: mathruler as the code does; math reads both first (recommended for new data)",
    ),
  formatWeight: share
    .default(0.1)
    .describe("weight of the format reward; accuracy has the rest; code 0.1, its r1v 0.5"),
  joinTags: z
    .boolean()
    .default(true)
    .describe("white space around <, > and / is removed before a math reward; code true"),
  unboxed: z
    .enum(["wrong", "read"])
    .default("wrong")
    .describe("a response without a box, for kind math: wrong as in the code, or read out of its words"),
  custom: z
    .string()
    .default("")
    .describe("path/to/file.js#name of a reward function; `reward` without a name; for kind custom"),
  preflight: z
    .enum(["refuse", "warn", "off"])
    .default("refuse")
    .describe("gold answers that their own reward does not accept: refuse to train, warn, or do not look"),
  overlongBuffer: z
    .int()
    .nonnegative()
    .default(0)
    .describe("tokens before maxResponseLength over which a penalty grows; 0: none; DAPO Eq. 13"),
  overlongFactor: z.number().nonnegative().default(1).describe("size of the full over-long penalty; DAPO 1"),
});

export const advantageSchema = z.strictObject({
  terms: z
    .enum(["both", "global", "local"])
    .default("both")
    .describe("terms of Eq. 7 that share-grpo adds; one alone is the ablation of Table 2"),
  std: z
    .enum(["sample", "population", "duplicated"])
    .default("sample")
    .describe("divisor of the variance: N − 1, N, or N − 1 over every reward m times as in the code"),
  epsilon: z.number().nonnegative().default(1e-6).describe("added to each standard deviation; code 1e-6"),
  doubleWhenSingle: z
    .boolean()
    .default(false)
    .describe(
      "one variant: add the local term to the equal global one; the code gives twice GRPO's advantage",
    ),
  arithmetic: z
    .enum(["float64", "float32"])
    .default("float64")
    .describe("float32 gives groups of equal rewards a spurious advantage of up to 0.06, as the code does"),
  crossWeight: z
    .number()
    .nonnegative()
    .default(1)
    .describe("λ, weight of pairs under another variant's prompt; Eq. 8: 1; 0: no such pairs"),
  crossImportanceCap: z
    .number()
    .min(1)
    .nullable()
    .default(null)
    .describe(
      "cross pairs weighted by min(cap, π_old(token | own prompt → this prompt)); null: not, as Eq. 8",
    ),
});

export const klSchema = z.strictObject({
  use: z
    .enum(["off", "loss", "reward"])
    .default("off")
    .describe("KL to the initial policy: none (Eq. 8), added to the loss (Eq. 2), taken off the reward"),
  estimator: z
    .enum(KL_TERMS)
    .default("low_var_kl")
    .describe(
      "estimate from the sampled token, or full: over the vocabulary, in the loss only; code: low_var_kl in the loss",
    ),
  coefficient: z.number().nonnegative().default(0.01).describe("β of Eq. 2; code 0.01 where enabled"),
  controller: z
    .enum(["fixed", "adaptive"])
    .default("fixed")
    .describe("adaptive: β follows target (Ziegler et al., 2019)"),
  target: z.number().positive().default(0.1).describe("adaptive: KL aimed at, nats"),
  horizon: z.number().positive().default(10000).describe("adaptive: responses over which β follows"),
});

/** ε of a ratio of whole responses, which moves far less than a token's. */
const responseClip = z.number().gt(0).lt(1);

export const updateSchema = z.strictObject({
  algorithm: z
    .enum(ALGORITHMS)
    .default("share-grpo")
    .describe(
      "advantage: share-grpo (m·m·n pairs, Eqs. 5–8), or a baseline with each response under its own prompt",
    ),
  loss: z
    .enum(["clip", "gspo", "gspo-token", "cispo", "sapo"])
    .default("clip")
    .describe("surrogate: clipped ratio (Eq. 8), or that of GSPO, GSPO-token, CISPO, SAPO"),
  ratio: z
    .enum(["token", "response"])
    .default("token")
    .describe("loss clip: one ratio π/π_old per token (code) or per response (Eq. 8)"),
  aggregation: z
    .enum(["global-token", "token", "sequence", "constant"])
    .default("global-token")
    .describe(
      "mean over the mini-batch's tokens; mean of micro-batch token means (code); mean over responses (Eq. 8); sum / maxResponseLength (Dr. GRPO)",
    ),
  optimizerStepsPerRollout: positiveInt
    .default(2)
    .describe("mini-batches a rollout step is split into; paper 512/128 = 4"),
  scalesStepsByVariants: z
    .boolean()
    .default(false)
    .describe(
      "m times as many mini-batches: the code sizes them by m·n rows of m·m·n (4m steps instead of 4)",
    ),
  epochs: positiveInt.default(1).describe("passes over the rollouts of a step; code 1"),
  microBatchUnits: positiveInt
    .default(4)
    .describe(
      "prompts in one gradient graph, at most; memory, not results, unless aggregation is token; code: 8 rows",
    ),
  clipLow: z.number().gt(0).lt(1).default(0.2).describe("ratio is clipped below at 1 − clipLow; code 0.2"),
  clipHigh: z.number().gt(0).default(0.3).describe("ratio is clipped above at 1 + clipHigh; code 0.3"),
  dualClip: z
    .number()
    .gt(1)
    .nullable()
    .default(3)
    .describe("bound on the loss of negative advantages, times |A|; null: none; code 3.0"),
  maxLogRatio: z
    .number()
    .positive()
    .nullable()
    .default(20)
    .describe("bound on |log π − log π_old|, nats; null: none as in the code; EasyR1 20"),
  gspoClipLow: responseClip.default(3e-4).describe("losses gspo and gspo-token: lower clip; GSPO §5.1"),
  gspoClipHigh: responseClip.default(4e-4).describe("losses gspo and gspo-token: upper clip; GSPO §5.1"),
  sapoTauPositive: z.number().positive().default(1).describe("loss sapo: temperature for A > 0"),
  sapoTauNegative: z.number().positive().default(1.05).describe("loss sapo: temperature for A ≤ 0"),
  masksTruncated: z
    .boolean()
    .default(false)
    .describe("responses cut off at maxResponseLength teach nothing; the code trains on them like others"),
  entropyCoefficient: z
    .number()
    .nonnegative()
    .default(0)
    .describe("weight of the policy's entropy, subtracted from the loss; code 0"),
  frozen: z
    .enum(["none", "vision", "language"])
    .default("none")
    .describe(
      "kinds process, local: part of the weights that is not trained: vision tower or language model; code: none",
    ),
  learningRate: z.number().positive().default(1e-6).describe("AdamW; paper 1e-6"),
  warmupSteps: z.int().nonnegative().default(0).describe("rollout steps of linear warm-up; code 0"),
  startsAtZero: z
    .boolean()
    .default(false)
    .describe("learning rate 0 in the first rollout step also without warm-up, as in the code"),
  schedule: z.enum(["constant", "cosine"]).default("constant").describe("learning rate after warm-up"),
  minLearningRateRatio: share.default(0).describe("schedule cosine: lowest share of learningRate"),
  weightDecay: z.number().nonnegative().default(0.01).describe("AdamW, on all parameters; code 0.01"),
  beta1: decay.default(0.9).describe("AdamW; code 0.9"),
  beta2: decay.default(0.999).describe("AdamW; code 0.999"),
  epsilon: z.number().positive().default(1e-8).describe("AdamW; code 1e-8"),
  maxGradNorm: z.number().positive().default(1).describe("clip by global norm; code 1.0"),
});

export const trainSchema = z.strictObject({
  steps: positiveInt.default(100).describe("rollout steps; paper: best at 100"),
  questionsPerStep: positiveInt.default(16).describe("B, questions per rollout step; paper 512"),
  saveEvery: positiveInt.default(10).describe("steps between checkpoints; the last step is always saved"),
  keepCheckpoints: positiveInt.default(2).describe("newest checkpoints kept; code 5"),
  evaluateQuestions: z
    .int()
    .nonnegative()
    .default(400)
    .describe("held-out questions before and after, greedy"),
  loggedQuestions: z.int().nonnegative().default(2).describe("questions per step written to rollouts.jsonl"),
});

export const runSchema = z
  .strictObject({
    mode: z
      .enum(MODES)
      .default("default")
      .describe("where paper and code differ: as printed, as released, or released and mended; see modes.ts"),
    seed: z.int().nonnegative().default(1).describe("all randomness follows from it"),
    model: z
      .string()
      .default("tiny")
      .describe("model folder, `tiny` for the bundled policy, or owner/name[@revision] on a hub"),
    data: dataSchema.prefault({}),
    expand: expandSchema.prefault({}),
    rollout: rolloutSchema.prefault({}),
    reward: rewardSchema.prefault({}),
    advantage: advantageSchema.prefault({}),
    kl: klSchema.prefault({}),
    update: updateSchema.prefault({}),
    train: trainSchema.prefault({}),
    engine: engineSchema.prefault({}),
    lora: loraSchema.prefault({}),
  })
  .refine(({ engine, lora }) => lora.rank === 0 || engine.kind === "process" || engine.kind === "local", {
    message: "adapters are trained by the kinds process and local; a Tinker server has engine.rank",
    path: ["lora", "rank"],
  })
  .refine(({ rollout, lora }) => rollout.server === "" || (lora.rank > 0 && rollout.adapters !== ""), {
    message: "a server samples with an adapter: lora.rank above 0, and rollout.adapters, a folder it sees",
    path: ["rollout", "server"],
  })
  .refine(
    ({ rollout: { server, importanceCap, temperature, topP, topK } }) =>
      server === "" || importanceCap === null || (temperature === 1 && topP === 1 && topK === 0),
    {
      message:
        "a server's log-probs are the policy's at temperature 1, topP 1 and topK 0 only: or importanceCap=null",
      path: ["rollout", "importanceCap"],
    },
  )
  .refine(({ rollout, lora }) => rollout.weights === "exact" || lora.rank > 0, {
    message:
      "int8 samples from models whose weights stay in their files: lora.rank above 0, with engine.kind process or local",
    path: ["rollout", "weights"],
  })
  .refine(
    ({ engine, update }) => update.frozen === "none" || engine.kind === "process" || engine.kind === "local",
    {
      message: "parts are frozen by the kinds process and local",
      path: ["update", "frozen"],
    },
  )
  .refine(({ lora, update }) => update.frozen === "none" || lora.rank === 0, {
    message: "with an adapter all weights are frozen; lora.targets says what has one",
    path: ["update", "frozen"],
  })
  .refine((run) => run.expand.variants * run.rollout.responses >= 2, {
    message: "responses are compared with each other: variants × responses must be at least 2",
    path: ["rollout", "responses"],
  })
  .refine((run) => !comparesWithinVariant(run) || run.rollout.responses >= 2, {
    message:
      "responses of one variant are compared with each other: responses must be at least 2 (or advantage.terms global)",
    path: ["rollout", "responses"],
  })
  .refine(({ engine: { device, precision } }) => precision === "float32" || /cuda|auto/.test(device), {
    message: "only a card has products in tf32 and bf16: set engine.device to cuda or auto",
    path: ["engine", "precision"],
  })
  .refine(({ engine }) => engine.url !== "" || (engine.kind !== "tinker" && engine.kind !== "ray"), {
    message: "the server's address is missing: engine.url=http://host:port",
    path: ["engine", "url"],
  })
  .refine(({ engine }) => engine.kind !== "ray" || (engine.baseModel !== "" && engine.checkpoints !== ""), {
    message: "a job needs engine.baseModel and engine.checkpoints as the cluster's machines see them",
    path: ["engine", "kind"],
  })
  .refine((run) => run.train.questionsPerStep % run.update.optimizerStepsPerRollout === 0, {
    message: "questions are split evenly: questionsPerStep must be a multiple of optimizerStepsPerRollout",
    path: ["update", "optimizerStepsPerRollout"],
  })
  .refine((run) => run.update.loss === "clip" || run.update.ratio === "token", {
    message: "the ratio of whole responses belongs to loss clip; loss gspo has its own",
    path: ["update", "ratio"],
  })
  .refine((run) => run.kl.estimator !== "full" || run.kl.use !== "reward", {
    message: "full is summed over the vocabulary inside the loss: kl.use must be loss",
    path: ["kl", "estimator"],
  })
  .refine((run) => (run.reward.kind === "custom") === (run.reward.custom !== ""), {
    message: "reward.kind custom and reward.custom path/to/file.js#name go together",
    path: ["reward", "custom"],
  })
  .refine((run) => run.reward.overlongBuffer <= run.rollout.maxResponseLength, {
    message: "the over-long penalty grows within the limit: overlongBuffer must be at most maxResponseLength",
    path: ["reward", "overlongBuffer"],
  })
  .refine((run) => run.rollout.filter.low < run.rollout.filter.high, {
    message: "low must be below high",
    path: ["rollout", "filter", "low"],
  });

/** REINFORCE++ compares with the whole batch, the global term with the question's other variants. */
function comparesWithinVariant(run: {
  readonly update: { readonly algorithm: Algorithm };
  readonly advantage: { readonly terms: string };
}): boolean {
  const { algorithm } = run.update;
  return algorithm === "share-grpo" ? run.advantage.terms !== "global" : algorithm !== "reinforce++";
}

/** The settings of a run, resolved: every key has its value. */
export type RunConfig = z.output<typeof runSchema>;
/** Settings as a person gives them: what is left out is filled in by mode and defaults. */
export type RunConfigInput = z.input<typeof runSchema>;
