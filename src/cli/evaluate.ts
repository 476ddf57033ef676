/**
 * @module `sharegrpo evaluate`: asks a model the rows of benchmarks, keeps every answer, scores them.
 */
import { join } from "node:path";
import type { Command } from "commander";
import { imageFolder } from "../../benchmarks/data/dataset.js";
import { fetchDataset, fileIn } from "../../benchmarks/data/locate.js";
import { type PlannedDataset, planDataset, planLine } from "../../benchmarks/run/plan.js";
import { type EvaluationOutcome, firstPrompts, runEvaluation, scorerBy } from "../../benchmarks/run/run.js";
import { type AnswerSettings, isEvaluationBegunIn } from "../../benchmarks/run/settings.js";
import { submissionPath } from "../../benchmarks/run/submission.js";
import { scoreText } from "../../benchmarks/scoring/present.js";
import { benchmarkNamed, type NamedBenchmark, REGISTERED } from "../../benchmarks/suites/registry.js";
import { ConfigError } from "../core/errors.js";
import { writeFileAtomic } from "../core/files/atomic.js";
import { given } from "../core/given.js";
import { formatTable } from "../report/table.js";
import type { CommandContext } from "./context.js";
import {
  addEvaluateFlags,
  dataPlaceOf,
  decodingOf,
  type EvaluateFlags,
  pixelsOf,
  promptStyleOf,
} from "./evaluateFlags.js";
import { type OpenEngine, openModel } from "./evaluateModel.js";
import { scoreTable } from "./evaluateTable.js";
import { judgeFrom } from "./judge.js";
import { scoreSettings } from "./scoreFlags.js";

/** Datasets in the order they were named, each once. @throws ConfigError for an unknown name */
function namedBenchmarks({ benchmarks }: EvaluateFlags): NamedBenchmark[] {
  const names = benchmarks.includes("all") ? REGISTERED.map(({ name }) => name) : benchmarks;
  const found = names.map((name) => benchmarkNamed(name));
  return found.filter(({ dataset }, at) => found.findIndex((each) => each.dataset === dataset) === at);
}

/** Finds and reads every dataset before anything is asked, and says what was found. */
async function planAll(
  named: readonly NamedBenchmark[],
  flags: EvaluateFlags,
  { terminal }: CommandContext,
  { signal, isShown = false }: { readonly signal: AbortSignal; readonly isShown?: boolean },
): Promise<PlannedDataset[]> {
  const place = dataPlaceOf(flags);
  const plans: PlannedDataset[] = [];
  for (const { benchmark, dataset } of named) {
    const path =
      place.kind === "folder"
        ? fileIn(place.folder, dataset)
        : await fetchDataset(place.folder, dataset, {
            onProgress: terminal.onProgress,
            onNote: terminal.line,
            signal,
          });
    const kept = place.kind === "root" ? imageFolder(place.folder, dataset.name) : undefined;
    const images = kept ?? (flags.out === undefined ? undefined : join(flags.out, "images"));
    const plan = await planDataset(benchmark, dataset, path, {
      root: place.folder,
      isShown,
      onProgress: terminal.onProgress,
      signal,
      ...given({ imageFolder: images, limit: flags.limit }),
    });
    terminal.line(planLine(plan));
    plans.push(plan);
  }
  return plans;
}

function answerSettings(flags: EvaluateFlags, { identity }: OpenEngine): AnswerSettings {
  return {
    model: identity,
    prompt: promptStyleOf(flags),
    decoding: decodingOf(flags),
    pixels: pixelsOf(flags),
  };
}

/** The summary, and where the tables of each benchmark are. */
async function present(
  { result, path, datasets }: EvaluationOutcome,
  { out, notes }: { readonly out: string; readonly notes: readonly string[] },
  { print }: CommandContext,
): Promise<void> {
  const texts = datasets.flatMap(({ scores: [fixed, compatible] }) =>
    fixed && compatible ? [scoreText(fixed, compatible, notes)] : [],
  );
  const tables = join(out, "scores.txt");
  await writeFileAtomic(tables, `${texts.join("\n\n")}\n`);
  print(formatTable(scoreTable(result)));
  print(`\nrules ${result.rules}, judge ${result.judge ?? "none"}\ntables  ${tables}\nresult  ${path}`);
  for (const { plan } of datasets.filter((each) => each.plan.dataset.hidesAnswers))
    print(`for ${plan.benchmark.name}'s server  ${submissionPath(out, plan.dataset.name)}`);
  const failed = datasets.flatMap(({ predictions }) =>
    predictions.filter(({ status }) => status === "failed"),
  );
  if (failed.length === 0) return;
  print(
    `${failed.length} rows failed and count as wrong: ask them again with --resume. First: ${failed[0]?.error?.replace(/\p{Cc}+/gu, " ")}`,
  );
}

async function evaluate(flags: EvaluateFlags, context: CommandContext): Promise<void> {
  const { terminal, print } = context;
  const { out, rules, samples } = flags;
  if (out === undefined) throw new ConfigError("evaluate: --out is missing: name a run folder");
  if (flags.model === undefined)
    throw new ConfigError("evaluate: --model is missing: name a folder or a server");
  if (flags.resume && !isEvaluationBegunIn(out)) {
    throw new ConfigError(
      `${out}: nothing to resume: no evaluation was begun there: start it without --resume`,
    );
  }
  const named = namedBenchmarks(flags);
  const signal = context.signal();
  const judging = await judgeFrom(flags, { signal, terminal });
  try {
    // First: what cannot be asked is no reason to download and read its questions.
    const model = await openModel(flags, context);
    try {
      const plans = await planAll(named, flags, context, { signal });
      const outcome = await runEvaluation({
        plans,
        settings: answerSettings(flags, model),
        engine: model.engine,
        samples,
        dir: out,
        isResume: flags.resume === true,
        scoring: { rules, judge: judging?.judge.name ?? null },
        scorer: scorerBy(scoreSettings(flags, judging), judging ? terminal.onProgress : undefined),
        onProgress: terminal.onProgress,
        signal,
      });
      terminal.finish();
      if (flags.json) print(JSON.stringify(outcome.result));
      else await present(outcome, { out, notes: judging ? [judging.note] : [] }, context);
    } finally {
      await model.close();
    }
  } finally {
    await judging?.judge.close();
  }
}

/** Prompts need neither a model nor a run folder. */
async function showPrompts(flags: EvaluateFlags, count: number, context: CommandContext): Promise<void> {
  const limit = Math.min(flags.limit ?? count, count);
  const named = namedBenchmarks(flags);
  const reading = { signal: context.signal(), isShown: true };
  for (const plan of await planAll(named, { ...flags, limit }, context, reading)) {
    context.terminal.finish();
    for (const shown of firstPrompts(plan, { prompt: promptStyleOf(flags) }, count)) context.print(shown);
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

export function addEvaluate(program: Command, context: CommandContext): void {
  const command = program
    .command("evaluate")
    .description("ask a model the rows of benchmarks, keep every answer, score them");
  addEvaluateFlags(command).action(async (flags: EvaluateFlags) => {
    try {
      if (flags.showPrompts !== undefined) await showPrompts(flags, flags.showPrompts, context);
      else await evaluate(flags, context);
    } catch (error) {
      if (!isAbort(error)) throw error;
      context.terminal.finish();
      context.terminal.line("stopped; answers so far are kept: continue with --resume");
      context.exitWith(130);
    }
  });
}
