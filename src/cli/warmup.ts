/**
 * @module `sharegrpo warmup`: remakes the bundled tiny policy from scratch.
 */
import type { Command } from "commander";
import { makeTinyPolicy, shortened, TINY_POLICY_DEFAULTS } from "../tiny/tinyPolicy.js";
import { pathName, positiveInteger } from "./arguments.js";
import type { CommandContext } from "./context.js";

export function addWarmup(program: Command, { terminal, signal }: CommandContext): void {
  const defaults = TINY_POLICY_DEFAULTS;
  const total = defaults.stages.reduce((sum, { steps }) => sum + steps, 0);
  program
    .command("warmup")
    .description("make a tiny policy from scratch by supervised learning on drawn scenes (about an hour)")
    .requiredOption("--out <dir>", "folder to write; must not hold a model", pathName)
    .option("--seed <n>", "seed of weights and scenes", positiveInteger, defaults.seed)
    .option(
      "--steps <n>",
      "optimizer steps of all stages together; fewer for trying out",
      positiveInteger,
      total,
    )
    .option("--batch <n>", "demonstrations per step", positiveInteger, defaults.batch)
    .action(
      async ({ out, seed, steps, batch }: { out: string; seed: number; steps: number; batch: number }) => {
        await makeTinyPolicy({
          ...defaults,
          out,
          seed,
          batch,
          stages: shortened(defaults.stages, steps),
          signal: signal(),
          onProgress: terminal.onProgress,
          onEvaluation: (step, loss, { correct, formatted, total, perCategory }) => {
            const families = Object.entries(perCategory).map(
              ([name, each]) => `${name} ${each.correct}/${each.total}`,
            );
            terminal.line(
              `step ${step}: loss ${loss.toFixed(3)}, greedy ${correct}/${total} correct, ${formatted} formatted (${families.join(", ")})`,
            );
          },
        });
        terminal.finish();
      },
    );
}
