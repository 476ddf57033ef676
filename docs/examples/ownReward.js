/**
 * A reward of your own: right answers, and the shorter the better.
 *
 *   npx sharegrpo train --preset tiny --out runs/brief reward.kind=custom reward.custom=docs/examples/ownReward.js#brief
 *
 * What stands in `parts` is logged and drawn as `reward/<name>`. Plain JavaScript, since the trainer loads the file as it
 * is; the comment gives it types.
 */
import { GRADERS } from "sharegrpo";

const LONGEST = 96;

/** @type {import("sharegrpo").RewardFunction} */
export function brief({ response, question, tokens, stopReason }) {
  const answer = /\\boxed\{([^{}]*)\}/.exec(response)?.[1];
  if (answer === undefined) return { overall: 0, reason: "no \\boxed{}" };
  const { correct, reason } = GRADERS.math(answer, question.gold);
  const brevity = stopReason === "length" ? 0 : 1 - tokens / LONGEST;
  return {
    overall: correct ? 0.8 + 0.2 * Math.max(0, brevity) : 0,
    accuracy: correct ? 1 : 0,
    parts: { brevity },
    extracted: answer,
    reason,
  };
}
