/**
 * @module The last part of a quickstart: the policy before and after training on the sample rows of six benchmarks.
 */
import { join } from "node:path";
import { weightsDigest } from "../../benchmarks/engines/local.js";
import { evaluateSamples } from "../../benchmarks/run/samples.js";
import type { RunConfig } from "../config/schema.js";
import { locateModel } from "../data/hubModel.js";
import { loadProcessor } from "../model/processor.js";
import { benchmarkFolder, benchmarkTable, readBenchmarkScores } from "../report/benchmarkScores.js";
import { writeReport } from "../report/html.js";
import { formatTable } from "../report/table.js";
import { listCheckpoints } from "../train/run/checkpoint.js";
import type { CommandContext } from "./context.js";
import { samplingPolicy } from "./evaluateModel.js";

/** One policy's scores, kept in the run folder. */
async function scoreFolder(
  folder: string,
  name: string,
  { config, dir }: { readonly config: RunConfig; readonly dir: string },
  { terminal }: CommandContext,
): Promise<void> {
  const processor = await loadProcessor(folder);
  const policy = samplingPolicy(folder, config.engine.device);
  try {
    await evaluateSamples(
      { processor, sampler: policy.sampler },
      {
        model: { name, weights: await weightsDigest(folder) },
        dir,
        formatPrompt: config.expand.formatPrompt,
        maxTokens: config.rollout.maxResponseLength,
        onProgress: (event) => terminal.onProgress({ ...event, phase: `samples ${name}` }),
      },
    );
  } finally {
    await policy.close();
  }
}

/** Scores the first and the last policy of a finished run, prints the table, writes the report with it. */
export async function benchmarkQuickstart(
  { config, out }: { readonly config: RunConfig; readonly out: string },
  context: CommandContext,
): Promise<void> {
  const newest = (await listCheckpoints(join(out, "checkpoints"))).at(-1);
  if (newest === undefined) return;
  for (const [label, folder] of [
    ["before", (await locateModel(config.model)).folder] as const,
    ["after", newest] as const,
  ]) {
    await scoreFolder(folder, label, { config, dir: benchmarkFolder(out, label) }, context);
  }
  context.terminal.finish();
  context.print("\nThe same two policies on the bundled sample rows in the formats of six benchmarks:\n");
  context.print(formatTable(benchmarkTable(await readBenchmarkScores(out))));
  await writeReport(out);
}
