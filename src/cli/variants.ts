/**
 * @module `sharegrpo variants`: how far variants of a question differ in difficulty for a policy, and so whether
 * sharing responses between them will buy anything on these data, before anything is trained.
 */
import type { Command } from "commander";
import { resolveConfig, withOverride } from "../config/load.js";
import type { RunConfig } from "../config/schema.js";
import { ConfigError } from "../core/errors.js";
import { given } from "../core/given.js";
import { Rng } from "../core/rng.js";
import type { Interval } from "../core/stats.js";
import { locateModel } from "../data/hubModel.js";
import { withImageLimits } from "../data/pixels.js";
import type { QuestionSource } from "../data/source.js";
import { openEngine, withDevice } from "../engine/open.js";
import { loadProcessor } from "../model/processor.js";
import type { Question } from "../records.js";
import { formatInterval, formatPoints, formatShare, formatTable, type Table } from "../report/table.js";
import { loadRewarder } from "../reward/loadRewarder.js";
import { questionSource } from "../train/questionSource.js";
import { stopwatch } from "../train/stopwatch.js";
import { type AskedVariants, askAllVariants } from "../train/variants.js";
import { type VariantsReport, variantsReport } from "../train/variantsReport.js";
import { pathName, positiveInteger, wholeNumber } from "./arguments.js";
import type { CommandContext } from "./context.js";

interface VariantsFlags {
  readonly model: string;
  readonly questions: number;
  readonly samples: number;
  readonly views: number;
  readonly heldout?: boolean;
  readonly greedy?: boolean;
  readonly json?: boolean;
}

/** Drawn scenes instead of files. */
const SCENES = "scenes";

function configOf(data: string, overrides: readonly string[], flags: VariantsFlags): RunConfig {
  const files = { kind: "files", path: data };
  const settings = { model: flags.model, ...(data === SCENES ? {} : { data: files }) };
  const config = resolveConfig(overrides.reduce(withOverride, settings), "variants");
  const { variants, responses: n } = { ...config.expand, ...config.rollout };
  if (flags.greedy !== true && flags.samples < variants * n)
    throw new ConfigError(
      `variants: --samples ${flags.samples}: a group of expand.variants × rollout.responses = ${variants * n} is forecast from as many samples at least`,
    );
  if (flags.greedy !== true && config.expand.transformProbability > 0 && flags.views < variants)
    throw new ConfigError(
      `variants: --views ${flags.views}: with expand.variants=${variants}, as many views are needed, or expand.transformProbability=0`,
    );
  return config;
}

/** Up to `count` different questions in the source's order. */
async function firstQuestions(
  source: QuestionSource,
  { questions: count, heldout = false }: VariantsFlags,
): Promise<Question[]> {
  const { heldoutCount = heldout ? Number.POSITIVE_INFINITY : 0 } = source;
  const wanted = heldout ? Math.min(count, heldoutCount) : count;
  const found = new Map<string, Question>();
  for (let index = 0; index < wanted; index++) {
    const question = await (heldout ? source.heldout(index) : source.train(index));
    if (found.has(question.id)) break;
    found.set(question.id, question);
  }
  return [...found.values()];
}

async function ask(
  asked: RunConfig,
  flags: VariantsFlags,
  { terminal, signal }: CommandContext,
): Promise<AskedVariants[]> {
  const config = await withDevice(asked);
  const watch = { onProgress: terminal.onProgress, onNote: terminal.line, signal: signal("stopping") };
  const { folder } = await locateModel(config.model, watch);
  const processor = withImageLimits(await loadProcessor(folder), config.data);
  // Questions are read one by one: a set smaller than a training step will do.
  const single = {
    train: { ...config.train, questionsPerStep: 1 },
    update: { ...config.update, optimizerStepsPerRollout: 1 },
  };
  const source = await questionSource({ ...config, ...single }, { processor, ...watch });
  const questions = await firstQuestions(source, flags);
  const decoding = flags.greedy
    ? { responses: 1, topK: 1, temperature: 1, topP: 1 }
    : { responses: flags.samples };
  const rewarder = await loadRewarder(config.reward);
  const engine = await openEngine(config, folder, watch.onNote);
  try {
    return await askAllVariants(
      questions,
      { views: flags.views },
      {
        config: { ...config, rollout: { ...config.rollout, ...decoding } },
        ...{ engine, processor, stopwatch: stopwatch(() => 0) },
        rng: Rng.fromSeed(config.seed).split("variants"),
        ...given({ rewarder, onProgress: terminal.onProgress, signal: watch.signal }),
      },
    );
  } finally {
    await engine.close();
  }
}

const pointsInterval = ({ value, low, high }: Interval): string =>
  `${formatPoints(value)} [${formatPoints(low)}, ${formatPoints(high)}]`;

function contrastTable({ contrasts }: VariantsReport): Table {
  return {
    head: ["asked otherwise", "questions", "points of right answers"],
    rows: contrasts.map(({ name, questions, difference }) => [
      name,
      String(questions),
      pointsInterval(difference),
    ]),
  };
}

function sharingTable({ group, predicted, observed }: NonNullable<VariantsReport["sharing"]>): Table {
  const { variants: m, responses: n } = group;
  return {
    head: ["valid groups", "predicted", "drawn, with format"],
    rows: [
      [`GRPO, N = ${m * n}`, formatInterval(predicted.grpo), formatInterval(observed.grpo)],
      [`GRPO on augmented data, N = ${m * n}`, formatInterval(predicted.augmented), "–"],
      [`Share-GRPO, ${m} × ${n}`, formatInterval(predicted.shared), formatInterval(observed.shared)],
    ],
  };
}

function printText(report: VariantsReport, { print }: CommandContext): void {
  const { success, questions, asked, samples, sharing } = report;
  print(`${questions} questions asked in ${asked} ways, ${samples} answers each`);
  print(
    `right: ${formatShare(success.original)} as they are, ${formatShare(success.variants)} over all variants; same answer to two variants: ${formatShare(report.consistency)}\n`,
  );
  print(formatTable(contrastTable(report)));
  if (!sharing) return;
  const { intraclass, variance } = sharing.spread;
  const icc = [intraclass.value, intraclass.low, intraclass.high].map((value) => value.toFixed(3));
  print(
    `\nintraclass correlation of answers within variants of a question: ${icc[0]} [${icc[1]}, ${icc[2]}] (standard deviation of success probabilities ${Math.sqrt(Math.max(0, variance.value)).toFixed(3)})\n`,
  );
  print(formatTable(sharingTable(sharing)));
  print(`\n${sharing.verdict}`);
}

export function addVariants(program: Command, context: CommandContext): void {
  program
    .command("variants")
    .description(
      "how far variants of a question differ in difficulty for a policy, and what sharing will buy",
    )
    .argument("<data>", `as in inspect, or \`${SCENES}\`: the drawn ones`)
    .argument("[settings...]", "key=value as in train, for example expand.variants=4 rollout.responses=3")
    .option("--model <dir>", "model folder, `tiny`, or owner/name on a hub", pathName, "tiny")
    .option("--questions <n>", "questions asked", positiveInteger, 64)
    .option("--samples <n>", "answers to each variant", positiveInteger, 16)
    .option("--views <n>", "views of each question with a transformed picture", wholeNumber, 4)
    .option("--heldout", "held-out questions instead of training ones")
    .option("--greedy", "one greedy answer to each variant: rates and consistency, no forecast")
    .option("--json", "one JSON document, with the counts of every variant")
    .action(async (data: string, overrides: string[], flags: VariantsFlags) => {
      const config = configOf(data, overrides, flags);
      const asked = await ask(config, flags, context);
      const report = variantsReport(
        asked,
        {
          variants: config.expand.variants,
          responses: config.rollout.responses,
          transformProbability: config.expand.transformProbability,
        },
        Rng.fromSeed(config.seed),
      );
      context.terminal.finish();
      if (flags.json) context.print(JSON.stringify({ ...report, asked_Q: asked }, undefined, 1));
      else printText(report, context);
    });
}
