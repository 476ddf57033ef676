/**
 * @module `sharegrpo score`: scores predictions from anywhere by VLMEvalKit's rules, without a model.
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import { readDataset } from "../../benchmarks/data/dataset.js";
import { originOf } from "../../benchmarks/data/origin.js";
import {
  NEWEST_RULES,
  RULE_SETS,
  type RuleSet,
  SCORE_MODES,
  type ScoreMode,
} from "../../benchmarks/records.js";
import { benchmarkNamed, requiredColumns } from "../../benchmarks/registry.js";
import { readPredictionFile } from "../../benchmarks/scoring/predictionFile.js";
import { inOrder, scoreJson, scoreText } from "../../benchmarks/scoring/present.js";
import { RESPONSE_PARTS, type ResponsePart, scoreBoth } from "../../benchmarks/scoring/score.js";
import { submissionOf } from "../../benchmarks/scoring/submission.js";
import type { CommandContext } from "./context.js";
import { addJudgeOptions, type JudgeFlags, judgeFrom } from "./judge.js";

interface ScoreFlags extends JudgeFlags {
  readonly benchmark: string;
  readonly data: string;
  readonly predictions: string;
  readonly rules: RuleSet;
  readonly mode: ScoreMode;
  readonly part: ResponsePart;
  readonly guess?: number;
  readonly json?: boolean;
}

function seed(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0)
    throw new InvalidArgumentError("expected a whole number from 0.");
  return value;
}

async function score(flags: ScoreFlags, { terminal, print, signal }: CommandContext): Promise<void> {
  const named = benchmarkNamed(flags.benchmark);
  const { benchmark, dataset } = named;
  const [file, { predictions, notes }] = await Promise.all([
    readDataset(flags.data, { columns: requiredColumns(named), images: "skip" }),
    readPredictionFile(flags.predictions, dataset.name),
  ]);
  const answered = { benchmark, dataset, rows: file.rows, predictions };
  if (dataset.hidesAnswers) {
    for (const note of [`${dataset.name}: answers are not published; this is for its server`, ...notes])
      terminal.line(note);
    return print(JSON.stringify(submissionOf(answered, flags), null, 2));
  }
  const judging = await judgeFrom(flags, signal());
  try {
    const scores = await scoreBoth(
      answered,
      {
        rules: flags.rules,
        part: flags.part,
        ...(judging ? { judge: judging.judge } : {}),
        ...(flags.guess === undefined ? {} : { guessSeed: flags.guess }),
      },
      judging ? terminal.onProgress : undefined,
    );
    const [asked, other] = inOrder(scores, flags.mode);
    const allNotes = judging ? [...notes, judging.note] : notes;
    terminal.finish();
    print(
      flags.json === true
        ? JSON.stringify(
            scoreJson(asked, other, { md5: file.md5, origin: originOf(dataset, file) }, allNotes),
          )
        : scoreText(asked, other, allNotes),
    );
  } finally {
    await judging?.judge.close();
  }
}

export function addScore(program: Command, context: CommandContext): void {
  const command = program
    .command("score")
    .description("score predictions of one benchmark; no model needed")
    .requiredOption(
      "--benchmark <name>",
      "MathVista, MMStar, MMMU, MathVerse, MathVision, AI2D, or a dataset",
    )
    .requiredOption("--data <file>", "the dataset's TSV file")
    .requiredOption("--predictions <file>", "index and prediction: .jsonl, .json, .tsv or VLMEvalKit's .xlsx")
    .addOption(
      new Option("--rules <version>", "VLMEvalKit's rules of that time")
        .choices(RULE_SETS)
        .default(NEWEST_RULES),
    )
    .addOption(
      new Option("--mode <mode>", "with VLMEvalKit's quirks, or with them mended")
        .choices(SCORE_MODES)
        .default("compatible" satisfies ScoreMode),
    )
    .addOption(
      new Option("--part <part>", "what compatible scoring reads of a response")
        .choices(RESPONSE_PARTS)
        .default("whole" satisfies ResponsePart),
    );
  addJudgeOptions(command)
    .option("--guess <seed>", "guess an option where none can be read, as VLMEvalKit does, but seeded", seed)
    .option("--json", "one JSON document on standard output")
    .action((flags: ScoreFlags) => score(flags, context));
}
