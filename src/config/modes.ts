/**
 * @module Where the paper and its released code differ, or the code errs: one row per point, with the settings that
 * decide it and their value in each mode. `mode=paper|code|default` sets them; any other setting overrides them.
 *
 * `paper` is Eqs. 1–8 and §3–4 as printed, `code` what the released code computes, `default` the code mended.
 */
import { TRANSFORMS } from "../records.js";
import type { Mode } from "./schema.js";

/** A value that a setting can have. */
export type SettingValue = string | number | boolean | null | readonly string[];

/** `expand.variants` and its value in each mode. */
export interface Switch {
  readonly key: string;
  readonly values: Readonly<Record<Mode, SettingValue>>;
}

export interface Departure {
  /** What it is about. */
  readonly topic: string;
  readonly paper: string;
  readonly code: string;
  /** The settings that decide; empty where `note` says why there is nothing to choose. */
  readonly switches: readonly Switch[];
  readonly note?: string;
}

/** A setting and its values as [paper, code, default]. */
const setting = (
  key: string,
  [paper, code, byDefault]: readonly [SettingValue, SettingValue, SettingValue],
): Switch => ({ key, values: { paper, code, default: byDefault } });

const ONE_OF_EACH_KIND = [
  "rotate_90cw",
  "rotate_90ccw",
  "rotate_180cw",
  "gaussian_noise_mean0_std25",
  "vertically_flipped",
  "horizontally_flipped",
] as const;
/** Points on which the paper says one thing and the released code does another. */
const DIVERGENCES: readonly Departure[] = [
  {
    topic: "clip",
    paper: "symmetric ε, unnamed (Eq. 8)",
    code: "0.2 below, 0.3 above, dual clip 3.0",
    switches: [
      setting("update.clipLow", [0.2, 0.2, 0.2]),
      setting("update.clipHigh", [0.2, 0.3, 0.3]),
      setting("update.dualClip", [null, 3, 3]),
    ],
  },
  {
    topic: "ratio π/π_old",
    paper: "one per response (Eq. 8)",
    code: "one per token",
    switches: [setting("update.ratio", ["response", "token", "token"])],
  },
  {
    topic: "averaging",
    paper: "every response weighs 1/(n·m²) (Eq. 8)",
    code: "token mean of each micro-batch, then their mean: a token of a short micro-batch weighs more",
    switches: [setting("update.aggregation", ["sequence", "token", "global-token"])],
    note: "default: one token mean over the whole mini-batch, whatever the micro-batches",
  },
  {
    topic: "global standard deviation",
    paper: "over m·n rewards, divisor not stated (Eq. 5)",
    code: "sample divisor over m²·n rows that repeat each reward m times: smaller by √((m²n−m)/(m²n−1))",
    switches: [setting("advantage.std", ["population", "duplicated", "sample"])],
  },
  {
    topic: "ε beside the standard deviation",
    paper: "none (Eqs. 1, 5, 6)",
    code: "1e-6",
    switches: [setting("advantage.epsilon", [0, 1e-6, 1e-6])],
  },
  {
    topic: "sampling",
    paper: "temperature 0.7 (§4)",
    code: "temperature 1.0, top-p 0.99",
    switches: [setting("rollout.temperature", [0.7, 1, 1]), setting("rollout.topP", [1, 0.99, 1])],
    note: "default: no nucleus, so that the sampler's probabilities are the learner's",
  },
  {
    topic: "KL to the initial policy",
    paper: "in Eq. 2 (GRPO), not in Eq. 8",
    code: "off; low_var_kl with 0.01 in the loss where switched on",
    switches: [
      setting("kl.use", ["off", "off", "off"]),
      setting("kl.estimator", ["low_var_kl", "low_var_kl", "low_var_kl"]),
      setting("kl.coefficient", [0.01, 0.01, 0.01]),
    ],
  },
  {
    topic: "optimizer steps per rollout step",
    paper: "512 / 128 = 4 (§4)",
    code: "4·m: a mini-batch has m·n rows per question, a question m²·n",
    switches: [setting("update.scalesStepsByVariants", [false, true, false])],
    note: "compare with GRPO at equal steps: with this on, Share-GRPO takes m times as many",
  },
  {
    topic: "is the original question a variant?",
    paper: "the question space has m generated variants (Eq. 3)",
    code: "m drawn without replacement from the rewrites and the original",
    switches: [
      setting("expand.includesOriginal", [false, true, true]),
      setting("expand.isOriginalFirst", [false, false, true]),
    ],
  },
  {
    topic: "number of rewrites",
    paper: "m (§3.2); App. E's prompt asks for 4",
    code: "as many as the column holds",
    switches: [],
    note: "`sharegrpo expand` asks for as many as you say; 4 unless told otherwise",
  },
  {
    topic: "probability of an image transform",
    paper: "p, without a number",
    code: "0.3 per variant, the original's too",
    switches: [setting("expand.transformProbability", [0.3, 0.3, 0.3])],
  },
  {
    topic: "place of the guidance",
    paper: "appended (§3.2)",
    code: "in front of every text segment",
    switches: [setting("expand.guidancePlacement", ["after", "every-segment", "before"])],
  },
  {
    topic: "direction in the guidance of quarter turns",
    paper: "true in Fig. 1",
    code: "clockwise and counter-clockwise are swapped",
    switches: [setting("expand.guidanceStyle", ["truthful", "released", "truthful"])],
    note: "the wording is our own in all modes",
  },
  {
    topic: "image transforms",
    paper: "rotation, noise, flips",
    code: "nine, the half turn twice and noise at three strengths",
    switches: [setting("expand.transforms", [ONE_OF_EACH_KIND, TRANSFORMS, TRANSFORMS])],
  },
  {
    topic: "reward weights",
    paper: "accuracy and format, without weights",
    code: "0.9 and 0.1",
    switches: [setting("reward.formatWeight", [0.1, 0.1, 0.1])],
  },
  {
    topic: "length of training, checkpoints",
    paper: "best at step 100, up to 150; evaluated every 25",
    code: "150 epochs (about 15,150 steps); saved every 20, 5 kept",
    switches: [],
    note: "`train.*` of the presets paper-7b and reference-code",
  },
  {
    topic: "base model",
    paper: "Qwen2.5-VL-7B and 32B",
    code: "the script named 7b points to the 3B model",
    switches: [],
    note: "`model` of the presets paper-7b and reference-code",
  },
  {
    topic: "one variant (m = 1)",
    paper: "GRPO",
    code: "twice GRPO's advantage: the global and the local group coincide",
    switches: [setting("advantage.doubleWhenSingle", [false, true, false])],
  },
  {
    topic: "dynamic sampling",
    paper: "combined with Share-GRPO in Table 3",
    code: "not there",
    switches: [setting("rollout.filter.kind", ["off", "off", "off"])],
  },
  {
    topic: "GRPO baseline",
    paper: "Eq. 2",
    code: "overwritten by Share-GRPO; m = 1 is not GRPO (see above)",
    switches: [],
    note: "`update.algorithm=grpo expand.variants=1` in every mode",
  },
  {
    topic: "bound on the log-ratio",
    paper: "none",
    code: "none; EasyR1 clamps to ±20",
    switches: [setting("update.maxLogRatio", [null, null, 20])],
  },
];

/** Defects and hazards of the released code. */
const DEFECTS: readonly Departure[] = [
  {
    topic: "float32 mean of equal rewards",
    paper: "advantage 0",
    code: "up to ±0.056 where all rewards are 0.9: a spurious gradient",
    switches: [setting("advantage.arithmetic", ["float64", "float64", "float64"])],
    note: "`float32` brings it back; even `code` has it off, since its size depends on build and summation order",
  },
  {
    topic: "one response per variant (n = 1)",
    paper: "–",
    code: "the local term is NaN",
    switches: [],
    note: "refused, unless `advantage.terms=global` leaves the local term out",
  },
  {
    topic: "learning rate of the first rollout step",
    paper: "constant",
    code: "0: the multiplier is t / max(1, warm-up)",
    switches: [setting("update.startsAtZero", [false, true, false])],
  },
  {
    topic: "rewrites given as text",
    paper: "–",
    code: "evaluated: a data set can run code",
    switches: [],
    note: "parsed, never evaluated, in every mode",
  },
  {
    topic: "fewer wordings than variants",
    paper: "–",
    code: "stops with an error",
    switches: [setting("expand.whenShort", ["repeat", "refuse", "repeat"])],
  },
  {
    topic: "rounding of noisy pixels",
    paper: "–",
    code: "truncated: half a grey level darker",
    switches: [setting("expand.noiseRounding", ["nearest", "down", "nearest"])],
  },
  {
    topic: "validation, text-only questions, no format prompt",
    paper: "–",
    code: "crash, or (validation) never run",
    switches: [],
    note: "work in every mode; held-out questions are asked as they stand, never transformed",
  },
  {
    topic: "random numbers of variants and transforms",
    paper: "–",
    code: "global generators, not restored on resume",
    switches: [],
    note: "keyed by seed, step, question and variant in every mode",
  },
  {
    topic: "over-long prompts",
    paper: "–",
    code: "cut on the right, so that image tokens and images may disagree",
    switches: [],
    note: "never cut, in every mode",
  },
  {
    topic: "grading once per row, image tensors per row, solver without a time limit, ReMax on shared rows",
    paper: "–",
    code: "waste, or a crash; no effect on results",
    switches: [],
    note: "graded once per response, images kept once per variant; ReMax is not offered",
  },
  {
    topic: "format prompt",
    paper: "–",
    code: "training and evaluation differ by a line break",
    switches: [],
    note: "`expand.formatPrompt` serves both; the wording is our own",
  },
];

/** All points, in the order of the page. */
export const DEPARTURES: readonly Departure[] = [...DIVERGENCES, ...DEFECTS];

type Settings = { [key: string]: Settings | SettingValue };

function assign(settings: Settings, keys: readonly string[], value: SettingValue): Settings {
  const [key = "", ...rest] = keys;
  if (rest.length === 0) return { ...settings, [key]: value };
  const inner = settings[key];
  const fields = typeof inner === "object" && inner !== null && !Array.isArray(inner) ? inner : {};
  return { ...settings, [key]: assign(fields as Settings, rest, value) };
}

/** What a mode sets, as nested settings. */
export function modeSettings(mode: Mode): Settings {
  return DEPARTURES.flatMap(({ switches }) => switches).reduce<Settings>(
    (settings, { key, values }) => assign(settings, key.split("."), values[mode]),
    {},
  );
}

const cell = (text: string): string => text.replaceAll("|", "\\|");

function shown(value: SettingValue): string {
  if (Array.isArray(value))
    return value.length === TRANSFORMS.length ? "all nine" : `${value.length} of nine`;
  return value === null ? "none" : String(value);
}

function rowOf({ topic, paper, code, switches, note }: Departure): string {
  const values = switches.map(
    ({ key, values }) =>
      `\`${key}\`: ${shown(values.paper)} / ${shown(values.code)} / ${shown(values.default)}`,
  );
  const decision = [...values, ...(note ? [note] : [])].join("; ");
  return `| ${[topic, paper, code, decision].map(cell).join(" | ")} |`;
}

/** The page "Departures": both tables, in Markdown. */
export function departuresMarkdown(): string {
  const head = (first: string) => [
    `| ${first} | paper | released code | settings: paper / code / default |`,
    "|---|---|---|---|",
  ];
  return [
    ...head("where they differ"),
    ...DIVERGENCES.map(rowOf),
    "",
    ...head("what the code gets wrong"),
    ...DEFECTS.map(rowOf),
    "",
  ].join("\n");
}
