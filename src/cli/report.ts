/**
 * @module `sharegrpo report`: makes the report of a training run anew, or puts scores beside the paper's.
 */
import { type Command, Option } from "commander";
import { SCORE_MODES, type ScoreMode } from "../../benchmarks/records.js";
import { DEFAULT_REFERENCE, paperRow } from "../../benchmarks/tables/comparison.js";
import {
  type ComparisonOptions,
  comparisonHtml,
  comparisonJson,
  comparisonMarkdown,
} from "../../benchmarks/tables/comparisonReport.js";
import { holdsScores, type OwnRun, readOwnRun } from "../../benchmarks/tables/ownScores.js";
import { MAIN_TABLE } from "../../benchmarks/tables/paper.js";
import { ConfigError } from "../core/errors.js";
import { writeFileAtomic } from "../core/files/atomic.js";
import { given } from "../core/given.js";
import { writeReport } from "../report/html.js";
import { pathName } from "./arguments.js";
import { compareTrainings } from "./compareTrainings.js";
import type { CommandContext } from "./context.js";

const FORMATS = ["markdown", "html", "json"] as const;
type Format = (typeof FORMATS)[number];

interface ReportFlags {
  readonly format?: Format;
  readonly against: string;
  readonly mode: ScoreMode;
  readonly out?: string;
}

const RENDER: Readonly<Record<Format, (runs: readonly OwnRun[], options: ComparisonOptions) => string>> = {
  markdown: comparisonMarkdown,
  html: comparisonHtml,
  json: (runs, options) => JSON.stringify(comparisonJson(runs, options)),
};

function referenceRow(model: string) {
  const row = paperRow(model);
  if (row) return row;
  const known = MAIN_TABLE.map((each) => each.model).join(", ");
  throw new ConfigError(`--against: unknown model: ${model}: the paper's table has ${known}`);
}

async function compare(paths: readonly string[], flags: ReportFlags): Promise<string> {
  const options = { reference: referenceRow(flags.against), mode: flags.mode };
  const runs = await Promise.all(paths.map(readOwnRun));
  return RENDER[flags.format ?? "markdown"](runs, options);
}

async function report(
  paths: readonly string[],
  flags: ReportFlags,
  { print }: CommandContext,
): Promise<void> {
  const [only] = paths;
  const training = paths.filter((path) => !holdsScores(path));
  if (training.length === 1 && only !== undefined && paths.length === 1 && flags.format === undefined) {
    print(await writeReport(only, given({ out: flags.out })));
    return;
  }
  if (training.length > 0 && training.length < paths.length) {
    const advice = "trainings are compared with trainings, scores with scores";
    throw new ConfigError(`report: no scores: ${training.join(", ")}: ${advice}`);
  }
  const text =
    training.length > 0
      ? await compareTrainings(training, flags.format ?? "markdown")
      : await compare(paths, flags);
  if (flags.out === undefined) print(text);
  else {
    await writeFileAtomic(flags.out, `${text}\n`);
    print(flags.out);
  }
}

export function addReport(program: Command, context: CommandContext): void {
  program
    .command("report")
    .description(
      "write report.html of a training, compare trainings, or put scores beside the paper's and each other",
    )
    .argument(
      "<runs...>",
      "a training's folder, or several; or folders of evaluate and files of score --json",
    )
    .addOption(new Option("--format <format>", "of the comparison (default: markdown)").choices(FORMATS))
    .option("--against <model>", "row of the paper's table that differences are taken to", DEFAULT_REFERENCE)
    .addOption(
      new Option("--mode <mode>", "scoring shown in the main table")
        .choices(SCORE_MODES)
        .default("compatible" satisfies ScoreMode),
    )
    .option(
      "--out <file>",
      "written or replaced (default: report.html in the folder of one training; standard output for a comparison)",
      pathName,
    )
    .action((paths: string[], flags: ReportFlags) => report(paths, flags, context));
}
