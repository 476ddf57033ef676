/**
 * @module Runs a training from the command line: engine in a process of its own, progress, table, report.
 */
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { RunConfig } from "../config/schema.js";
import { ConfigError } from "../core/errors.js";
import { readJsonl } from "../core/files/jsonl.js";
import type { EvaluationRecord } from "../core/files/runRecords.js";
import { formatSeconds, observe, type Pace, remainingSeconds } from "../core/progress.js";
import { writeReport } from "../report/html.js";
import { writeModelCard } from "../report/modelCard.js";
import { evaluationTable, formatTable } from "../report/table.js";
import type { TrainOutcome } from "../train/loop.js";
import { listCheckpoints } from "../train/run/checkpoint.js";
import type { StepMetrics } from "../train/run/metrics.js";
import { RunFolder } from "../train/run/runFolder.js";
import { trainInFolder } from "../train/trainInFolder.js";
import type { OpenView } from "../view/server.js";
import type { CommandContext } from "./context.js";
import { DEFAULT_FOLDER, openBrowser, openView } from "./view.js";

/** One line a step. */
function stepLine(step: number, steps: number, metrics: StepMetrics): string {
  const share = (name: "reward/accuracy" | "reward/format") => `${(100 * metrics[name]).toFixed(0)} %`;
  const valid = `${metrics["advantage/valid_share_pooled"].toFixed(2)} pooled, ${metrics["advantage/valid_share_local"].toFixed(2)} local`;
  // A cluster does not tell everything.
  const isKnown = (part: string) => !part.includes("NaN");
  return [
    `step ${String(step).padStart(String(steps).length)}/${steps}`,
    `reward ${metrics["reward/overall"].toFixed(3)} (accuracy ${share("reward/accuracy")}, format ${share("reward/format")})`,
    `valid groups ${valid}`,
    `${metrics["timing_s/step"].toFixed(1)} s`,
  ]
    .filter(isKnown)
    .join(" · ");
}

/** Says after each step but the first how long the others will take. */
function createStepClock(steps: number): (step: number) => string {
  let pace: Pace | undefined;
  return (step) => {
    const now = performance.now();
    pace = observe(pace, { phase: "train", done: step, total: steps }, now);
    const left = step < steps ? remainingSeconds(pace, now) : undefined;
    return left === undefined ? "" : ` · ${formatSeconds(left)} left`;
  };
}

export interface TrainingRequest {
  readonly config: RunConfig;
  readonly out: string;
  readonly isResume: boolean;
  /** Opens the viewer's page in the browser; its address is printed in any case. */
  readonly isViewed?: boolean;
}

async function newestCheckpoint(out: string): Promise<string | undefined> {
  return (await listCheckpoints(join(out, "checkpoints"))).at(-1);
}

/** Trains beside the page that shows it; where that fails on the way, says from where it can go on. */
async function trainWithLines(request: TrainingRequest, context: CommandContext): Promise<TrainOutcome> {
  const { config, out } = request;
  const { terminal, signal } = context;
  let hasStepped = false;
  let view: OpenView | undefined;
  const timeLeft = createStepClock(config.train.steps);
  try {
    return await trainInFolder({
      ...request,
      onProgress: terminal.onProgress,
      onNote: (note) => terminal.line(note),
      async onBegin() {
        view = await openView(viewedFolders(out));
        terminal.line(`view    ${view.url}`);
        if (request.isViewed) openBrowser(view.url);
      },
      onCheckpoint: (folder, step) => writeModelCard(out, step, folder),
      onStep: (step, metrics) => {
        hasStepped = true;
        terminal.line(`${stepLine(step, config.train.steps, metrics)}${timeLeft(step)}`);
      },
      signal: signal(),
    });
  } catch (error) {
    const last = hasStepped ? await newestCheckpoint(out) : undefined;
    if (last !== undefined) terminal.line(`${last} is kept: --resume continues from there`);
    throw error;
  } finally {
    await view?.close();
    terminal.finish();
  }
}

/** The settings that the run in a folder was begun with. @throws ConfigError when there is none */
export function resumedSettings(
  out: string,
  problem = "nothing to resume: no run was begun there: start it without --resume",
): string {
  const path = RunFolder.settingsOf(out);
  if (existsSync(path)) return path;
  throw new ConfigError(`${out}: ${problem}`);
}

/** The runs beside this one where they are kept together; this one alone anywhere else. */
function viewedFolders(out: string): string[] {
  const parent = dirname(out);
  return [basename(parent) === DEFAULT_FOLDER ? parent : out];
}

/**
 * Trains, prints the table before/after, writes the report.
 * @throws SharegrpoError kinds for settings, models and files that cannot be used
 */
export async function runTraining(request: TrainingRequest, context: CommandContext): Promise<TrainOutcome> {
  const { terminal } = context;
  const started = performance.now();
  const outcome = await trainWithLines(request, context);
  await printOutcome(outcome, request, context);
  terminal.line(`took ${formatSeconds((performance.now() - started) / 1000)}`);
  return outcome;
}

async function printOutcome(
  outcome: TrainOutcome,
  { config, out }: TrainingRequest,
  { terminal, print, exitWith }: CommandContext,
): Promise<void> {
  const newest = await newestCheckpoint(out);
  if (newest !== undefined) await writeModelCard(out, outcome.step, newest);
  if (!outcome.isFinished) {
    await writeReport(out);
    terminal.line(`stopped after step ${outcome.step} of ${config.train.steps}; continue with --resume`);
    exitWith(130);
    return;
  }
  const path = join(out, "evaluations.jsonl");
  const { records } = existsSync(path) ? await readJsonl(path) : { records: [] };
  const evaluations = records as EvaluationRecord[];
  const of = (label: string) => evaluations.findLast((record) => record.label === label);
  const [before, after] = [of("before"), of("after")];
  if (before && after) {
    print(`Greedy accuracy on ${after.total} held-out questions, with 95 % intervals:\n`);
    print(formatTable(evaluationTable(before, after)));
  }
  // Last, so that a disk too full for it does not cost the table.
  const report = await writeReport(out);
  print(
    `\nreport  ${report}\nmodel   ${newest ?? config.model}\nview    sharegrpo view ${viewedFolders(out).join(" ")}`,
  );
}
