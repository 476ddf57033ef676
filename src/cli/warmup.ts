/**
 * @module `sharegrpo warmup`: remakes the bundled tiny policy from scratch.
 */
import type { Command } from "commander";
import { makeTinyPolicy, TINY_POLICY_DEFAULTS } from "../train/tinyPolicy.js";
import { positiveInteger, positiveNumber } from "./arguments.js";
import type { CommandContext } from "./context.js";

export function addWarmup(program: Command, { terminal, signal }: CommandContext): void {
  const defaults = TINY_POLICY_DEFAULTS;
  program
    .command("warmup")
    .description(
      "make a tiny policy from scratch by supervised learning on drawn scenes (about half an hour)",
    )
    .requiredOption("--out <dir>", "folder to write; must not hold a model")
    .option("--seed <n>", "seed of weights and scenes", positiveInteger, defaults.seed)
    .option("--steps <n>", "optimizer steps", positiveInteger, defaults.steps)
    .option("--batch <n>", "demonstrations per step", positiveInteger, defaults.batch)
    .option("--learning-rate <x>", "peak learning rate", positiveNumber, defaults.peakLearningRate)
    .action(
      async (options: { out: string; seed: number; steps: number; batch: number; learningRate: number }) => {
        const { learningRate, ...rest } = options;
        await makeTinyPolicy({
          ...defaults,
          ...rest,
          peakLearningRate: learningRate,
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
