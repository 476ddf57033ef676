/**
 * @module `sharegrpo runs`: the list of runs that `view` shows, in the terminal.
 */
import type { Command } from "commander";
import { formatSeconds } from "../core/progress.js";
import { formatNumber, formatShare, formatTable, type Table } from "../report/table.js";
import { shortScore } from "../view/detail.js";
import type { RunSummary } from "../view/records.js";
import { createRunLister } from "../view/summary.js";
import type { CommandContext } from "./context.js";
import { DEFAULT_FOLDER, foldersOf } from "./view.js";

const MOST_SETTINGS = 4;
const LONGEST_VALUE = 20;

function stepText({ step, steps, secondsLeft }: RunSummary): string {
  if (step === undefined) return "–";
  return `${step}/${steps}${secondsLeft === undefined ? "" : `, ${formatSeconds(secondsLeft)} left`}`;
}

/** `seed=2 learningRate=0.001 and 3 more` */
function differingText({ differing, problem }: RunSummary): string {
  if (problem !== undefined) return problem;
  const settings = Object.entries(differing);
  const shown = settings.slice(0, MOST_SETTINGS).map(([name, value]) => {
    const text = value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE - 1)}…` : value;
    return `${name.split(".").at(-1)}=${text}`;
  });
  const rest = settings.length - shown.length;
  return [...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].join(" ");
}

function runsTable(runs: readonly RunSummary[]): Table {
  return {
    head: ["run", "state", "model", "algorithm", "step", "reward", "accuracy", "valid", "differs in"],
    rows: runs.map((run) => [
      run.id,
      run.state,
      run.model,
      run.kind === "training" ? (run.algorithm ?? "–") : "evaluation",
      stepText(run),
      formatNumber(run.reward),
      shortScore(run),
      formatShare(run.validShare),
      differingText(run),
    ]),
  };
}

export function addRuns(program: Command, { print }: CommandContext): void {
  program
    .command("runs")
    .description("list trainings and evaluations: state, step, reward, accuracy, what tells them apart")
    .argument("[folders...]", `runs, or folders with runs anywhere below (default: ${DEFAULT_FOLDER})`)
    .option("--json", "one JSON document")
    .action(async (folders: string[], { json }: { json?: boolean }) => {
      const runs = await createRunLister(foldersOf(folders)).list();
      if (json) return print(JSON.stringify(runs));
      print(runs.length === 0 ? `no runs in ${foldersOf(folders).join(", ")}` : formatTable(runsTable(runs)));
    });
}
