/**
 * A custom reward: a number close to the gold answer earns part of the reward.
 *
 *   sharegrpo train --preset tiny reward.kind=custom reward.custom=data/samples/nearMiss.js#nearMiss
 *
 * The function is called once for every response; it may be async. `question` has the gold answer and, for data files,
 * all columns of the row in `question.columns`.
 */

/** @type {import("sharegrpo").RewardFunction} */
export function nearMiss({ response, question }) {
  const boxes = [...response.matchAll(/\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}/g)];
  const answer = boxes.at(-1)?.[1]?.trim();
  if (answer === undefined) return { overall: 0, reason: "no \\boxed{" };
  if (answer === question.gold) return { overall: 1, extracted: answer, reason: "the gold answer" };
  const distance = Math.abs(Number(answer) - Number(question.gold));
  const closeness = Number.isFinite(distance) ? 1 / (1 + distance) : 0;
  return {
    overall: 0.5 * closeness,
    accuracy: 0,
    parts: { closeness },
    extracted: answer,
    reason: `${distance} away`,
  };
}
