/**
 * @module From settings to a function that rewards responses: one of the two built-in rewards, or the user's own.
 */
import pLimit from "p-limit";
import { ConfigError, messageOf } from "../core/errors.js";
import type { Question, Reward, StopReason } from "../records.js";
import type { GraderName } from "./graders.js";
import { mathReward, r1vReward } from "./reward.js";

/** One response, as a reward function sees it. */
export interface RewardRow {
  /** The response's text, special tokens left out. */
  readonly response: string;
  /** With its gold answer, and all columns of the data set's row in `question.columns`. */
  readonly question: Question;
  /** Response tokens. */
  readonly tokens: number;
  readonly stopReason: StopReason;
}

/** What a custom reward function finds. All numbers must be finite. */
export interface RewardScore {
  /** What the policy is trained on. */
  readonly overall: number;
  /** Logged, and what held-out accuracy counts; default: `overall`. */
  readonly accuracy?: number;
  /** Logged; default 0. */
  readonly format?: number;
  /** Anything else worth logging, by name: `reward/<name>` of `metrics.jsonl` is its mean. */
  readonly parts?: Readonly<Record<string, number>>;
  /** In a few words. */
  readonly reason?: string;
  /** The answer that was read out of the response. */
  readonly extracted?: string;
}

/** A custom reward: one response in, its reward out; a bare number is `overall`. May wait, for a judge model say. */
export type RewardFunction = (row: RewardRow) => RewardScore | number | Promise<RewardScore | number>;

/** Rewards of responses, in their order. */
export type Rewarder = (rows: readonly RewardRow[]) => Promise<Reward[]>;

/** `reward.*` of the run's settings, as far as rewards need them. */
export interface RewardSettings {
  readonly kind: "math" | "r1v" | "custom";
  readonly grader: GraderName;
  readonly formatWeight: number;
  readonly joinTags: boolean;
  readonly unboxed: "wrong" | "read";
  /** `path/to/file.js#name`; empty unless `kind` is `custom`. */
  readonly custom: string;
}

/** Parts would be logged under the names of these metrics of every reward. */
export const TAKEN_PARTS: readonly string[] = ["overall", "accuracy", "format", "max", "min", "std"];

/** Custom rewards that are computed at the same time. */
const AT_ONCE = 16;

/** The built-in rewards. @throws ConfigError for `custom`, which `loadRewarder` loads */
export function builtInRewarder(settings: RewardSettings): Rewarder {
  const { kind } = settings;
  if (kind === "custom") {
    throw new ConfigError("reward.kind: custom: load the function with loadRewarder and pass the result on");
  }
  const rewardOf = kind === "math" ? mathReward : r1vReward;
  return async (rows) => rows.map(({ response, question }) => rewardOf(response, question.gold, settings));
}

/** How an error names a response. */
function rowName({ question, response }: RewardRow): string {
  const start = response.slice(0, 60).replace(/\s+/g, " ");
  return `question ${question.id}, response ${JSON.stringify(start)}${response.length > 60 ? "…" : ""}`;
}

/** @throws ConfigError naming the row and the value that is no number */
function rewardOf(result: unknown, row: RewardRow, name: string): Reward {
  const score = (typeof result === "number" ? { overall: result } : (result ?? {})) as Partial<RewardScore>;
  const { overall, accuracy = overall, format = 0, parts, reason = name, extracted } = score;
  for (const [part, value] of Object.entries({ overall, accuracy, format, ...parts })) {
    if (typeof value === "number" && Number.isFinite(value)) continue;
    const advice = "return a finite number or { overall, accuracy?, format?, parts?, reason? }";
    throw new ConfigError(`${name}: invalid ${part}: ${String(value)} for ${rowName(row)}; ${advice}`);
  }
  const taken = Object.keys(parts ?? {}).filter((part) => TAKEN_PARTS.includes(part));
  if (taken.length > 0) {
    throw new ConfigError(
      `${name}: invalid parts: ${taken.join(", ")}: these names are taken: choose others`,
    );
  }
  return {
    overall: overall as number,
    accuracy: accuracy as number,
    format,
    extracted:
      extracted === undefined
        ? { kind: "none", reason: "the reward names no answer" }
        : { kind: "answer", text: String(extracted) },
    reason: String(reason),
    ...(parts ? { parts } : {}),
  };
}

/**
 * A rewarder of one's own function; rows are rewarded at the same time, results come in order.
 * @param name how errors call the function
 */
export function customRewarder(reward: RewardFunction, name: string): Rewarder {
  return async (rows) => {
    const limit = pLimit(AT_ONCE);
    const one = async (row: RewardRow) => {
      let result: unknown;
      try {
        result = await reward(row);
      } catch (error) {
        throw new ConfigError(`${name}: failed on ${rowName(row)}: ${messageOf(error)}`, { cause: error });
      }
      return rewardOf(result, row, name);
    };
    return Promise.all(rows.map((row) => limit(one, row)));
  };
}
