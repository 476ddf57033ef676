/**
 * @module Before training, every gold answer is scored as if the policy had given it: a gold that its own reward
 * refuses can teach nothing but nonsense.
 */
import { DataError } from "../core/errors.js";
import type { OnProgress } from "../core/progress.js";
import { zip } from "../core/zip.js";
import type { Question } from "../records.js";
import type { Rewarder, RewardRow, RewardSettings } from "./rewarder.js";

/** A question whose own gold answer does not get accuracy 1. */
export interface PreflightProblem {
  readonly questionId: string;
  readonly gold: string;
  readonly accuracy: number;
  readonly reason: string;
}

export interface PreflightReport {
  readonly checked: number;
  /** How many gold answers fail. */
  readonly failed: number;
  /** The first of them. */
  readonly problems: readonly PreflightProblem[];
}

export interface PreflightOptions {
  /** The form in which the reward expects answers. */
  readonly kind: RewardSettings["kind"];
  readonly onProgress?: OnProgress;
  /** Questions, where known. */
  readonly total?: number;
}

const MOST_LISTED = 20;
const AT_ONCE = 256;

/** A response that says nothing but the gold answer, in the asked-for format. */
export function perfectResponse(gold: string, kind: RewardSettings["kind"]): string {
  return kind === "r1v" ? `<think></think><answer>${gold}</answer>` : `<think></think>\\boxed{${gold}}`;
}

function perfectRow(question: Question, kind: RewardSettings["kind"]): RewardRow {
  return { response: perfectResponse(question.gold, kind), question, tokens: 1, stopReason: "eos" };
}

/** Scores every gold answer. @throws ConfigError when a custom reward fails */
export async function preflight(
  questions: Iterable<Question> | AsyncIterable<Question>,
  rewarder: Rewarder,
  { kind, onProgress, total = 0 }: PreflightOptions,
): Promise<PreflightReport> {
  const problems: PreflightProblem[] = [];
  let [checked, failed] = [0, 0];
  let batch: Question[] = [];
  const score = async () => {
    const rewards = await rewarder(batch.map((question) => perfectRow(question, kind)));
    for (const [{ id, gold }, { accuracy, reason }] of zip(batch, rewards)) {
      if (accuracy >= 1) continue;
      failed++;
      if (problems.length < MOST_LISTED) problems.push({ questionId: id, gold, accuracy, reason });
    }
    checked += batch.length;
    batch = [];
    onProgress?.({ phase: "check golds", done: checked, total });
  };
  for await (const question of questions) {
    batch.push(question);
    if (batch.length === AT_ONCE) await score();
  }
  if (batch.length > 0) await score();
  return { checked, failed, problems };
}

/** The report for people, a line for each listed question. */
export function preflightLines({ checked, failed, problems }: PreflightReport): string[] {
  const shorten = (text: string) => (text.length > 80 ? `${text.slice(0, 80)}…` : text);
  const lines = problems.map(
    ({ questionId, gold, reason }) => `  question ${questionId}: ${JSON.stringify(shorten(gold))}: ${reason}`,
  );
  const more = failed > problems.length ? [`  … and ${failed - problems.length} more`] : [];
  return [`${failed} of ${checked} gold answers do not grade as correct:`, ...lines, ...more];
}

/** @throws DataError listing the gold answers that fail */
export function refuseBadGolds(report: PreflightReport): void {
  if (report.failed === 0) return;
  const advice = "repair them, choose another reward.grader, or go on with reward.preflight=warn";
  throw new DataError(`preflight: ${preflightLines(report).join("\n")}\n${advice}`);
}
