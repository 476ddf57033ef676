/**
 * @module `sharegrpo inspect`: what a data set holds, what is wrong with it, what training on it will need, and one
 * question as the policy is asked it.
 */
import type { Command } from "commander";
import { resolveConfig, withOverride } from "../config/load.js";
import type { RunConfig } from "../config/schema.js";
import { DataError } from "../core/errors.js";
import { writeFileAtomic } from "../core/files/atomic.js";
import { zip } from "../core/zip.js";
import type { DatasetOptions } from "../data/dataset.js";
import { type DataReport, describeSurvey } from "../data/describe.js";
import { locateModel } from "../data/hubModel.js";
import { locateData } from "../data/locate.js";
import { imageTokens, withImageLimits } from "../data/pixels.js";
import { readQuestion } from "../data/question.js";
import type { RowFile } from "../data/rowFile.js";
import { openRows } from "../data/rows.js";
import { rowId, type Survey, survey } from "../data/survey.js";
import { graphUnits } from "../engine/local/graphUnits.js";
import { type MemoryPrediction, predictStepMemory } from "../engine/local/memory.js";
import { loadNetwork } from "../model/load.js";
import { IMAGE_TOKEN, loadProcessor, type Processor } from "../model/processor.js";
import { promptText } from "../model/prompt.js";
import { dataPage, type ShownQuestion } from "../report/dataPage.js";
import { formatTable } from "../report/table.js";
import { datasetOptions, hubOptions } from "../train/questionSource.js";
import { positiveInteger } from "./arguments.js";
import type { CommandContext } from "./context.js";
import { badRowLines, memoryTable, numbersTable, visible } from "./inspectTables.js";

interface InspectFlags {
  readonly model: string;
  readonly row: number;
  readonly json?: boolean;
  readonly html?: string;
}

/** What an inspection finds. */
interface Inspection {
  readonly report: DataReport;
  readonly memory: MemoryPrediction;
  readonly shown?: ShownQuestion;
}

/** `<|image_pad|>` once per image, with the number of tokens it stands for. */
function abbreviatedPrompt(processor: Processor, words: string, tokens: readonly number[]): string {
  let next = 0;
  const rendered = promptText(processor, words, "inspect");
  return rendered.replaceAll(IMAGE_TOKEN, () => `${IMAGE_TOKEN}×${tokens[next++] ?? "?"}`);
}

/** Question `row` (from 1) among the usable ones. */
async function showQuestion(
  { kept }: Survey,
  row: number,
  files: readonly RowFile[],
  { prompt, keys, imageDirOf, limits }: DatasetOptions,
): Promise<ShownQuestion | undefined> {
  const facts = kept[row - 1];
  const file = files[facts?.file ?? -1];
  if (!facts || !file || !prompt) {
    if (kept.length === 0) return undefined;
    throw new DataError(`--row ${row}: there are ${kept.length} usable questions`);
  }
  const place = { keys, imageDir: imageDirOf(file), fallbackId: rowId(facts.file, facts.row) };
  const read = readQuestion(await file.read(facts.row), place);
  if (!("question" in read))
    throw new DataError(`${file.path}: ${file.placeOf(facts.row)}: changed meanwhile`);
  const { question } = read;
  const tokens = facts.sizes.map((size) => imageTokens(size, prompt.processor.image, limits));
  return {
    question,
    prompt: abbreviatedPrompt(prompt.processor, `${question.text} ${prompt.formatPrompt}`, tokens),
    images: zip(facts.sizes, tokens).map(
      ([{ width, height }, count]) => `${width} × ${height} pixels, ${count} tokens`,
    ),
  };
}

async function predictMemory(config: RunConfig, report: DataReport): Promise<MemoryPrediction> {
  const { expand, rollout, update, data } = config;
  const isShared = update.algorithm === "share-grpo";
  const network = await loadNetwork(config.model);
  const finite = (value: number) => (Number.isFinite(value) ? value : 0);
  const sizes = {
    units: update.microBatchUnits,
    promptTokens: Math.min(data.maxPromptLength, finite(report.promptTokens.max)),
    responses: rollout.responses * (isShared ? expand.variants : 1),
    responseTokens: rollout.maxResponseLength,
    images: finite(report.imagesPerRow.max),
    patchesPerImage: finite(report.imageTokens.max) * network.config.vision.spatialMergeSize ** 2,
  };
  return predictStepMemory(network, { ...sizes, units: graphUnits(sizes, config.engine.device) });
}

async function inspect(
  data: string,
  given: RunConfig,
  { row }: InspectFlags,
  { terminal, signal }: CommandContext,
): Promise<Inspection> {
  const watch = { onProgress: terminal.onProgress, onNote: terminal.line };
  const config = { ...given, model: (await locateModel(given.model, watch)).folder };
  const processor = withImageLimits(await loadProcessor(config.model), config.data);
  const context = {
    processor,
    ...watch,
    signal: signal(),
  };
  const paths = await locateData(data, "train", hubOptions(context));
  const files = await Promise.all(paths.map(openRows));
  const options = datasetOptions(config, context, { measuresAll: true });
  const found = await survey(files, options);
  terminal.finish();
  const { maxPromptLength } = config.data;
  const { variants } = config.expand;
  const report = describeSurvey(found, {
    image: processor.image,
    limits: options.limits,
    maxPromptLength,
    variants,
  });
  const shown = await showQuestion(found, row, files, options);
  return { report, memory: await predictMemory(config, report), ...(shown ? { shown } : {}) };
}

function printText({ report, memory, shown }: Inspection, { print }: CommandContext): void {
  print(
    `${report.files.length} files, ${report.rows} rows, ${report.usable} usable, ${report.bad.count} bad\n`,
  );
  for (const line of badRowLines(report)) print(line);
  print(formatTable(numbersTable(report)));
  print(`\nPredicted peak memory of a training step:\n\n${formatTable(memoryTable(memory))}`);
  for (const line of report.suggestions) print(`\n→ ${line}`);
  if (!shown) return;
  print(`\nQuestion ${visible(shown.question.id)}, answer ${visible(shown.question.gold)}`);
  for (const size of shown.images) print(`image: ${size}`);
  print(`\n${visible(shown.prompt)}`);
}

async function writePage(path: string, title: string, { report, memory, shown }: Inspection): Promise<void> {
  const page = await dataPage({
    title,
    tables: [numbersTable(report), memoryTable(memory)],
    suggestions: [...badRowLines(report), ...report.suggestions],
    ...(shown ? { shown } : {}),
  });
  await writeFileAtomic(path, page);
}

function printJson({ report, memory, shown }: Inspection, { print }: CommandContext): void {
  const question = shown && {
    id: shown.question.id,
    answer: shown.question.gold,
    prompt: shown.prompt,
    images: shown.images,
    rewrites: shown.question.rewrites,
  };
  print(JSON.stringify({ ...report, memory, question }, undefined, 2));
}

export function addInspect(program: Command, context: CommandContext): void {
  program
    .command("inspect")
    .description(
      "look at a data set: bad rows, sizes, memory a step will need, and one question as it is asked",
    )
    .argument("<data>", "Parquet or JSONL file, folder, or owner/name on a hub; …@split")
    .argument(
      "[settings...]",
      "key=value as in train, for example data.promptKey=question rollout.responses=6",
    )
    .option("--model <dir>", "model folder whose tokenizer and image sizes count", "tiny")
    .option("--row <n>", "which usable question to show, from 1", positiveInteger, 1)
    .option("--json", "one JSON document")
    .option("--html <file>", "write a page with the question's images")
    .action(async (data: string, overrides: string[], flags: InspectFlags) => {
      const settings = { model: flags.model, data: { kind: "files", path: data } };
      const config = resolveConfig(overrides.reduce(withOverride, settings), "inspect");
      const inspection = await inspect(data, config, flags, context);
      if (flags.html !== undefined) await writePage(flags.html, data, inspection);
      if (flags.json) printJson(inspection, context);
      else printText(inspection, context);
      if (flags.html !== undefined) context.terminal.line(`page  ${flags.html}`);
      if (inspection.report.bad.count > 0) context.exitWith(1);
    });
}
