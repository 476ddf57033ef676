/**
 * @module A run folder as a line of a list: who, what, how far, how good.
 */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../core/errors.js";
import { folderHolder } from "../core/files/folderLock.js";
import type { EvaluationRecord, StepRecord } from "../core/files/runRecords.js";
import { wilson } from "../core/stats.js";
import { readScores } from "../report/benchmarkScores.js";
import { flatten, readRunHead } from "../report/run.js";
import { type FoundRun, findRuns } from "./findRuns.js";
import type { RunState, RunSummary, Score } from "./records.js";

const SPARKS = 40;
/** Steps that the time left is reckoned from. */
const RECENT_STEPS = 10;

/** Files whose change is a run's. */
const WATCHED = ["config.yaml", "metrics.jsonl", "rollouts.jsonl", "evaluations.jsonl", "evaluation.json"];
const FILES = [...WATCHED, "result.json", "predictions", "running.json"];

/** When a run's files changed last, and a word that changes with them and with the life of its process. */
export async function runVersion(
  dir: string,
): Promise<{ readonly changedMs: number; readonly version: string }> {
  const stats = await Promise.all(FILES.map((name) => stat(join(dir, name)).catch(() => undefined)));
  const shown = stats.slice(0, -1); // running.json is renewed every few seconds
  const holder = await folderHolder(dir);
  const changedMs = Math.max(0, ...shown.map((each) => each?.mtimeMs ?? 0));
  const sizes = shown.map((each) => `${each?.size ?? 0}.${each?.mtimeMs ?? 0}`).join("-");
  return { changedMs, version: `${sizes}-${holder ? String(holder.isAlive) : "none"}` };
}

async function stateOf(dir: string, isFinished: boolean): Promise<RunState> {
  const holder = await folderHolder(dir);
  if (holder) return holder.isAlive ? "running" : "died";
  return isFinished ? "finished" : "stopped";
}

/** At most `limit` values, evenly over the list, the first and the last among them. */
function sparse(values: readonly number[], limit: number): number[] {
  if (values.length <= limit) return [...values];
  return Array.from(
    { length: limit },
    (_, at) => values[Math.round((at * (values.length - 1)) / (limit - 1))] ?? 0,
  );
}

function numbersOf(steps: readonly StepRecord[], metric: string): number[] {
  return steps.map((step) => step[metric]).filter((value) => typeof value === "number");
}

function secondsLeft(steps: readonly StepRecord[], asked: number): number | undefined {
  const last = steps.at(-1)?.step ?? 0;
  const recent = numbersOf(steps.slice(-RECENT_STEPS), "timing_s/step");
  if (recent.length === 0 || last >= asked) return undefined;
  return ((asked - last) * recent.reduce((sum, each) => sum + each, 0)) / recent.length;
}

function heldOut(evaluation: EvaluationRecord | undefined): Score[] {
  if (!evaluation) return [];
  const { total, correct } = evaluation;
  return [{ name: "held-out", total, accuracy: wilson(correct, total) }];
}

async function training(dir: string): Promise<RunSummary> {
  const { settings, steps, before, after } = await readRunHead(dir);
  const asked = Number(settings["train.steps"] ?? 0);
  const last = steps.at(-1);
  const wantsAfter = settings["train.evaluateQuestions"] !== "0";
  const isFinished = after !== undefined || (!wantsAfter && (last?.step ?? 0) >= asked);
  const state = await stateOf(dir, isFinished);
  const rewards = numbersOf(steps, "reward/overall");
  const left = state === "running" ? secondsLeft(steps, asked) : undefined;
  const valid = last?.["advantage/valid_share_pooled"];
  return {
    id: dir,
    name: dir,
    kind: "training",
    state,
    model: settings["model"] ?? "",
    algorithm: settings["update.algorithm"] ?? "",
    step: last?.step ?? 0,
    steps: asked,
    ...(left === undefined ? {} : { secondsLeft: left }),
    ...(rewards.length === 0 ? {} : { reward: rewards.at(-1) ?? 0, rewards: sparse(rewards, SPARKS) }),
    ...(typeof valid === "number" ? { validShare: valid } : {}),
    scores: heldOut(after ?? before),
    settings,
    differing: {},
    changedMs: (await runVersion(dir)).changedMs,
  };
}

async function evaluation(dir: string): Promise<RunSummary> {
  const {
    digest: _,
    datasets: __,
    ...file
  } = JSON.parse(await readFile(join(dir, "evaluation.json"), "utf8"));
  const settings = Object.fromEntries(flatten(file));
  const scores = await readScores(join(dir, "result.json"));
  return {
    id: dir,
    name: dir,
    kind: "evaluation",
    state: await stateOf(dir, scores !== undefined),
    model: settings["model.name"] ?? "",
    scores: (scores ?? []).map(({ dataset, total, accuracy }) => ({ name: dataset, total, accuracy })),
    settings,
    differing: {},
    changedMs: (await runVersion(dir)).changedMs,
  };
}

/** What cannot be read is in the list all the same, with the reason. */
export async function summarise({ dir, kind }: FoundRun): Promise<RunSummary> {
  try {
    return await (kind === "training" ? training(dir) : evaluation(dir));
  } catch (error) {
    const problem = messageOf(error);
    const rest = { model: "", scores: [], settings: {}, differing: {}, changedMs: 0 };
    return { id: dir, name: dir, kind, state: await stateOf(dir, false), ...rest, problem };
  }
}

/** The settings that have more than one value among these runs; one that a run lacks is its `–`. */
export function differingSettings(runs: readonly Pick<RunSummary, "settings">[]): string[] {
  const names = new Set(runs.flatMap(({ settings }) => Object.keys(settings)));
  return [...names].filter((name) => new Set(runs.map(({ settings }) => settings[name])).size > 1);
}

/** The folder that all of these are below, with a slash behind it; "" where there is none. */
function commonFolder(ids: readonly string[]): string {
  const [first = "", ...others] = ids.map((id) => id.replace(/[\\/]+$/, ""));
  let { length } = first;
  for (const id of others) while (!id.startsWith(first.slice(0, length))) length--;
  const folder = first.slice(0, length).replace(/[^\\/]*$/, "");
  return folder === "/" ? "" : folder;
}

/** Each run with what tells it from the others: its name below their folder, and the settings, of its kind. */
export function withDifferences(runs: readonly RunSummary[]): RunSummary[] {
  const folder = commonFolder(runs.map(({ id }) => id));
  return runs.map((run) => {
    const names = differingSettings(runs.filter(({ kind, problem }) => kind === run.kind && !problem));
    const differing = Object.fromEntries(names.map((name) => [name, run.settings[name] ?? "–"]));
    return { ...run, name: run.id.slice(folder.length), differing: run.problem ? {} : differing };
  });
}

export interface RunLister {
  /** All runs below the folders. A run whose files did not change is not read again. */
  list(): Promise<RunSummary[]>;
}

/** Lists runs again and again, cheaply. */
export function createRunLister(folders: readonly string[]): RunLister {
  const known = new Map<string, { readonly version: string; readonly summary: RunSummary }>();
  const one = async (found: FoundRun): Promise<RunSummary> => {
    const { version } = await runVersion(found.dir);
    const kept = known.get(found.dir);
    if (kept?.version === version) return kept.summary;
    const summary = await summarise(found);
    known.set(found.dir, { version, summary });
    return summary;
  };
  return {
    list: async () => withDifferences(await Promise.all((await findRuns(folders)).map(one))),
  };
}
