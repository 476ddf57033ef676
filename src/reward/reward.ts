/**
 * @module The rule-based rewards of Share-GRPO: overall = (1 − w)·accuracy + w·format, parts 0 or 1.
 *
 * The paper names the two parts without weights; the released code uses 0.9 and 0.1 (`math.py`), and 0.5 each for the
 * alternative with answer tags (`r1v.py`).
 */
import type { Extracted, Reward } from "../records.js";
import { extractBoxed } from "./boxed.js";
import { firstAnswerBlock, hasAnswerFormat, hasBoxedFormat, joinTags } from "./format.js";
import { GRADERS, type GraderName } from "./graders.js";
import { readResponse } from "./response/readResponse.js";

export interface RewardOptions {
  /** Weight of the format part; accuracy has the rest. */
  readonly formatWeight: number;
  /** Compares answers; the reference's by default. */
  readonly grader?: GraderName;
  /** Removes white space around `<`, `>` and `/` first, as the released `math.py` does for its 32B model; default true. */
  readonly joinTags?: boolean;
  /** `read`: where no box is, the answer is read out of the words (response/readResponse.ts); default `wrong`. */
  readonly unboxed?: "wrong" | "read";
}

/** As the released `math.py`. */
export const MATH_REWARD_DEFAULTS: RewardOptions = { formatWeight: 0.1 };
/** As the released `r1v.py`. */
export const R1V_REWARD_DEFAULTS: RewardOptions = { formatWeight: 0.5 };

function combine(extracted: Extracted, gold: string, hasFormat: boolean, options: RewardOptions): Reward {
  const verdict =
    extracted.kind === "answer"
      ? GRADERS[options.grader ?? "mathruler"](extracted.text, gold)
      : { correct: false, reason: extracted.reason };
  const accuracy = verdict.correct ? 1 : 0;
  const format = hasFormat ? 1 : 0;
  const overall = (1 - options.formatWeight) * accuracy + options.formatWeight * format;
  return { overall, accuracy, format, extracted, reason: verdict.reason };
}

/** Reward of a response whose answer stands in the last `\boxed{}`, or in its words where `unboxed` says so. */
export function mathReward(
  response: string,
  gold: string,
  options: RewardOptions = MATH_REWARD_DEFAULTS,
): Reward {
  const text = options.joinTags === false ? response : joinTags(response);
  const boxed = extractBoxed(text);
  const extracted = boxed.kind === "none" && options.unboxed === "read" ? readResponse(text) : boxed;
  return combine(extracted, gold, hasBoxedFormat(text), options);
}

/** Reward of a response whose answer stands in answer tags; without tags the whole response is graded. */
export function r1vReward(
  response: string,
  gold: string,
  options: RewardOptions = R1V_REWARD_DEFAULTS,
): Reward {
  const answer = (firstAnswerBlock(response) ?? response).trim();
  return combine({ kind: "answer", text: answer }, gold, hasAnswerFormat(response), options);
}
