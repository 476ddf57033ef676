/**
 * @module `sharegrpo evaluate`: asks a model the rows of benchmarks, keeps every answer, scores them.
 */
import { join } from "node:path";
import type { Command } from "commander";
import { imageFolder } from "../../benchmarks/data/dataset.js";
import { fetchDataset, fileIn } from "../../benchmarks/data/locate.js";
import { BENCHMARKS } from "../../benchmarks/records.js";
import { benchmarkNamed, type NamedBenchmark } from "../../benchmarks/registry.js";
import { type PlannedDataset, planDataset, planLine } from "../../benchmarks/run/evaluate.js";
import { firstPrompts, runEvaluation } from "../../benchmarks/run/run.js";
import { type OpenJudge, openJudge } from "../../benchmarks/scoring/judge.js";
import { scoreBoth } from "../../benchmarks/scoring/score.js";
import { ConfigError } from "../core/errors.js";
import { formatTable } from "../report/table.js";
import type { CommandContext } from "./context.js";
import {
  addEvaluateFlags,
  apiKeyOf,
  dataPlaceOf,
  decodingOf,
  type EvaluateFlags,
  pixelsOf,
  promptStyleOf,
} from "./evaluateFlags.js";
import { openModel } from "./evaluateModel.js";
import { scoreTable } from "./evaluateTable.js";

/** Datasets in the order they were named, each once. @throws BenchmarkError for an unknown name */
function namedBenchmarks({ benchmarks }: EvaluateFlags): NamedBenchmark[] {
  const names = benchmarks.includes("all") ? BENCHMARKS : benchmarks;
  const found = names.map(benchmarkNamed);
  return found.filter(({ dataset }, at) => found.findIndex((each) => each.dataset === dataset) === at);
}

/** Finds and reads every dataset before anything is asked, and says what was found. */
async function planAll(
  flags: EvaluateFlags,
  { terminal }: CommandContext,
  signal: AbortSignal,
): Promise<PlannedDataset[]> {
  const place = dataPlaceOf(flags);
  const plans: PlannedDataset[] = [];
  for (const { benchmark, dataset } of namedBenchmarks(flags)) {
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
      onProgress: terminal.onProgress,
      signal,
      ...(images === undefined ? {} : { imageFolder: images }),
      ...(flags.limit === undefined ? {} : { limit: flags.limit }),
    });
    terminal.line(planLine(plan));
    plans.push(plan);
  }
  return plans;
}

async function judgeOf(
  flags: EvaluateFlags,
  out: string,
  signal: AbortSignal,
): Promise<OpenJudge | undefined> {
  if (flags.judge === undefined) return undefined;
  if (flags.judgeName === undefined) {
    throw new ConfigError("evaluate: --judge-name is missing: a server may serve several models");
  }
  return openJudge({
    baseUrls: flags.judge,
    model: flags.judgeName,
    apiKey: apiKeyOf("judge"),
    cachePath: join(out, "judge.jsonl"),
    signal,
  });
}

async function evaluate(flags: EvaluateFlags, context: CommandContext): Promise<void> {
  const { terminal, print } = context;
  if (flags.out === undefined) throw new ConfigError("evaluate: --out is missing: name a run folder");
  if (flags.model === undefined)
    throw new ConfigError("evaluate: --model is missing: name a folder or a server");
  const signal = context.signal();
  const plans = await planAll(flags, context, signal);
  const judge = await judgeOf(flags, flags.out, signal);
  const model = await openModel(flags, context);
  const { rules, guessSeed } = flags;
  const grading = {
    rules,
    ...(judge ? { judge } : {}),
    ...(guessSeed === undefined ? {} : { guessSeed }),
  };
  try {
    const { result, path, datasets } = await runEvaluation({
      plans,
      settings: {
        model: model.identity,
        prompt: promptStyleOf(flags),
        decoding: decodingOf(flags),
        pixels: pixelsOf(flags),
      },
      engine: model.engine,
      samples: flags.samples,
      dir: flags.out,
      isResume: flags.resume === true,
      scoring: { rules, judge: judge?.name ?? null },
      scorer: async ({ benchmark, dataset, file }, predictions) => {
        const scored = { benchmark, dataset, rows: file.rows, predictions };
        const { fixed, compatible } = await scoreBoth(scored, grading, terminal.onProgress);
        return [fixed, compatible];
      },
      onProgress: terminal.onProgress,
      signal,
    });
    terminal.finish();
    if (flags.json) return print(JSON.stringify(result));
    print(formatTable(scoreTable(result)));
    print(`\nrules ${rules}, judge ${judge?.name ?? "none"}\nresult  ${path}`);
    const failed = datasets.flatMap(({ predictions }) =>
      predictions.filter(({ status }) => status === "failed"),
    );
    if (failed.length > 0) {
      print(
        `${failed.length} rows failed and count as wrong: ask them again with --resume. First: ${failed[0]?.error}`,
      );
    }
  } finally {
    await model.close();
    await judge?.close();
  }
}

/** Prompts need neither a model nor a run folder. */
async function showPrompts(flags: EvaluateFlags, count: number, context: CommandContext): Promise<void> {
  for (const plan of await planAll(flags, context, context.signal())) {
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
