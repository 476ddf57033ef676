/**
 * @module `sharegrpo score`: scores predictions from anywhere by VLMEvalKit's rules, without a model.
 */
import { type Command, Option } from "commander";
import { readDataset } from "../../benchmarks/data/dataset.js";
import { originOf } from "../../benchmarks/data/origin.js";
import { SCORE_MODES, type ScoreMode } from "../../benchmarks/records.js";
import { readPredictionFile } from "../../benchmarks/scoring/predictionFile.js";
import { inOrder, scoreJson, scoreText } from "../../benchmarks/scoring/present.js";
import { scoreBoth } from "../../benchmarks/scoring/score.js";
import { submissionOf } from "../../benchmarks/scoring/submission.js";
import { benchmarkNamed, requiredColumns } from "../../benchmarks/suites/registry.js";
import type { CommandContext } from "./context.js";
import { judgeFrom } from "./judge.js";
import { addScoreFlags, type ScoreFlags, scoreSettings } from "./scoreFlags.js";

interface FileFlags extends ScoreFlags {
  readonly benchmark: string;
  readonly data: string;
  readonly predictions: string;
  readonly mode: ScoreMode;
  readonly json?: boolean;
}

async function score(flags: FileFlags, { terminal, print, signal }: CommandContext): Promise<void> {
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
  const judging = await judgeFrom(flags, { signal: signal(), terminal });
  try {
    const scores = await scoreBoth(
      answered,
      scoreSettings(flags, judging),
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
      new Option("--mode <mode>", "with VLMEvalKit's quirks, or with them mended")
        .choices(SCORE_MODES)
        .default("compatible" satisfies ScoreMode),
    );
  addScoreFlags(command)
    .option("--json", "one JSON document on standard output")
    .action((flags: FileFlags) => score(flags, context));
}
