/**
 * @module `sharegrpo bench <what>`: measurements that the README quotes, made again on this machine.
 */
import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { benchLearning } from "../../benchmarks/learning/learning.js";
import { benchSpeed, PARTS, type Part } from "../../benchmarks/speed/speed.js";
import { packageRoot } from "../core/packageRoot.js";
import { positiveInteger } from "./arguments.js";
import type { CommandContext } from "./context.js";

type AddBenchmark = (bench: Command, context: CommandContext) => void;

const RESULTS = "benchmarks/results";
const WARM_UP_ROUNDS = 2;

function partsOf(text: string): Part[] {
  const names = text.split(",");
  const unknown = names.filter((name) => !PARTS.some((part) => part === name));
  if (unknown.length > 0) throw new InvalidArgumentError(`expected some of ${PARTS.join(",")}.`);
  return PARTS.filter((part) => names.includes(part));
}

interface SpeedFlags {
  readonly python: string;
  readonly model: string;
  readonly out: string;
  readonly parts: readonly Part[];
  readonly repetitions: number;
  readonly threads?: number;
  readonly torchCompile?: boolean;
}

const addSpeed: AddBenchmark = (bench, { terminal, print }) => {
  bench
    .command("speed")
    .description(
      "training step and rollouts against PyTorch and transformers, packed update against naive pairs",
    )
    .option("--python <path>", "Python with torch and transformers", "python3")
    .option("--model <dir>", "policy for the packed update", join(packageRoot(), "data", "models", "tiny"))
    .option("--parts <names>", `some of ${PARTS.join(",")}`, partsOf, [...PARTS])
    .option("--repetitions <n>", "counted repetitions", positiveInteger, 7)
    .option("--threads <n>", "threads of each side (default: all cores)", positiveInteger)
    .option("--torch-compile", "also time torch.compile's training step")
    .option("--out <dir>", "folder for speed.json and speed.md", RESULTS)
    .action(async ({ out, repetitions, torchCompile, ...flags }: SpeedFlags) => {
      await benchSpeed({
        ...flags,
        isTorchCompiled: torchCompile === true,
        results: out,
        repetitions: { warmUp: WARM_UP_ROUNDS, counted: repetitions },
        print: (text) => {
          terminal.finish();
          print(text);
        },
        onRound: (part, done, total) => terminal.onProgress({ phase: part, done, total }),
      });
    });
};

function seedsOf(text: string): number[] {
  return text.split(",").map(positiveInteger);
}

const addLearning: AddBenchmark = (bench, { print }) => {
  bench
    .command("learning")
    .description("held-out accuracy before and after training, Share-GRPO and GRPO, over seeds")
    .argument("[settings...]", "key=value settings for every run")
    .option("--seeds <list>", "seeds, separated by commas", seedsOf, [1, 2, 3])
    .option("--runs <dir>", "folder of the runs; finished ones are not repeated", "runs/learning")
    .option("--out <dir>", "folder for learning.json and learning.md", RESULTS)
    .action(
      async (settings: string[], { seeds, runs, out }: { seeds: number[]; runs: string; out: string }) => {
        await benchLearning({ seeds, runs, results: out, settings, print });
      },
    );
};

/** Each adds its subcommand. */
const BENCHMARKS: readonly AddBenchmark[] = [addSpeed, addLearning];

export function addBench(program: Command, context: CommandContext): void {
  const bench = program.command("bench").description("measure speed and learning on this machine");
  for (const add of BENCHMARKS) add(bench, context);
}
