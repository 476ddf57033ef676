/**
 * @module `sharegrpo bench <what>`: measurements that the README quotes, made again on this machine.
 */
import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { benchEngine } from "../../benchmarks/measured/engine/engine.js";
import { benchGpu, type GpuOptions } from "../../benchmarks/measured/gpu/gpu.js";
import { GPU_PARTS, PRECISIONS } from "../../benchmarks/measured/gpu/jobs.js";
import { GPU_SIZES } from "../../benchmarks/measured/gpu/model.js";
import { benchGrader } from "../../benchmarks/measured/grader/grader.js";
import { benchGreedy } from "../../benchmarks/measured/large/greedy.js";
import { benchLarge, LARGE_PARTS, type LargePart } from "../../benchmarks/measured/large/large.js";
import { writeRandomModel } from "../../benchmarks/measured/large/randomModel.js";
import { benchAblations } from "../../benchmarks/measured/learning/ablations.js";
import { benchFigure1b } from "../../benchmarks/measured/learning/figure1b.js";
import { benchLearning, benchLora } from "../../benchmarks/measured/learning/learning.js";
import { POLICIES } from "../../benchmarks/measured/learning/policies.js";
import type { SeedsOptions } from "../../benchmarks/measured/learning/runs.js";
import {
  benchSharing,
  REGISTERED_QUESTIONS,
  type SharingOptions,
} from "../../benchmarks/measured/learning/sharing.js";
import {
  benchVariants,
  FORECAST,
  type VariantsOptions,
} from "../../benchmarks/measured/learning/variants.js";
import { benchKernel } from "../../benchmarks/measured/notebookKernel/kernel.js";
import { benchSpeed, PARTS, type Part } from "../../benchmarks/measured/speed/speed.js";
import { makeFolder } from "../core/files/atomic.js";
import { packageRoot } from "../core/files/packageRoot.js";
import { PUBLISHED_SIZES, type PublishedSize } from "../model/publishedSizes.js";
import { positiveInteger } from "./arguments.js";
import type { CommandContext } from "./context.js";

type AddBenchmark = (bench: Command, context: CommandContext) => void;

const RESULTS = "benchmarks/measured/results";
const WARM_UP_ROUNDS = 2;

/** Prints below the line of progress. */
const below =
  ({ terminal, print }: CommandContext) =>
  (text: string): void => {
    terminal.finish();
    print(text);
  };

/** Reads names of parts, separated by commas. */
function partsOf<Name extends string>(all: readonly Name[]): (text: string) => Name[] {
  return (text) => {
    const names = text.split(",");
    const unknown = names.filter((name) => !all.some((part) => part === name));
    if (unknown.length > 0) throw new InvalidArgumentError(`expected some of ${all.join(",")}.`);
    return all.filter((part) => names.includes(part));
  };
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

const addSpeed: AddBenchmark = (bench, context) => {
  const { terminal } = context;
  bench
    .command("speed")
    .description(
      "training step, rollouts and RL step against PyTorch, transformers and TRL; packed update against naive pairs; what sharing costs",
    )
    .option("--python <path>", "Python with torch, transformers and trl", "python3")
    .option("--model <dir>", "policy for the packed update", join(packageRoot(), "data", "models", "tiny"))
    .option("--parts <names>", `some of ${PARTS.join(",")}`, partsOf(PARTS), [...PARTS])
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
        print: below(context),
        onRound: (part, done, total) => terminal.onProgress({ phase: part, done, total }),
      });
    });
};

interface GpuFlags
  extends Pick<GpuOptions, "sizes" | "parts" | "precisions" | "device" | "python" | "steps" | "budget"> {
  readonly out: string;
  readonly torchCompile?: boolean;
}

const addGpu: AddBenchmark = (bench, context) => {
  const { terminal } = context;
  bench
    .command("gpu")
    .description(
      "training step, prefill, rollouts and RL step on a card beside PyTorch on the same card; s 6 M, m 199 M, l 619 M parameters",
    )
    .option("--python <path>", "Python with torch and transformers, TRL for the RL step", "python3")
    .option("--sizes <names>", `some of ${GPU_SIZES.join(",")}`, partsOf(GPU_SIZES), GPU_SIZES.slice(1))
    .option("--parts <names>", `some of ${GPU_PARTS.join(",")}`, partsOf(GPU_PARTS), [...GPU_PARTS])
    .option("--precisions <names>", `some of ${PRECISIONS.join(",")}`, partsOf(PRECISIONS), ["tf32", "bf16"])
    .addOption(new Option("--device <name>", "where").choices(["cuda", "cpu"]).default("cuda"))
    .option("--steps <n>", "counted rounds; a third of them of rollouts and RL steps", positiveInteger, 10)
    .option("--budget <seconds>", "what the rounds of a part may take on each side", positiveInteger, 10)
    .option("--torch-compile", "also time torch.compile's training step")
    .option("--out <dir>", "folder for gpu.json and gpu.md", RESULTS)
    .action(async ({ out, torchCompile, ...flags }: GpuFlags) => {
      await benchGpu({
        ...flags,
        isTorchCompiled: torchCompile === true,
        results: out,
        print: below(context),
        onPart: (part, done, total) => terminal.onProgress({ phase: part, done, total }),
      });
    });
};

/** Whole numbers above 0, separated by commas. */
function positiveList(text: string): number[] {
  return text.split(",").map(positiveInteger);
}

interface SeedsBenchmark {
  readonly name: string;
  readonly description: string;
  readonly seeds: readonly number[];
  /** Subfolder of `runs`: benchmarks that train the same runs share it. */
  readonly runs: string;
  run(options: SeedsOptions): Promise<unknown>;
}

/** A measurement that trains several arms over several seeds. */
const addSeeds =
  ({ name, description, seeds, runs, run }: SeedsBenchmark): AddBenchmark =>
  (bench, { print }) => {
    bench
      .command(name)
      .description(description)
      .argument("[settings...]", "key=value settings for every run")
      .option("--seeds <list>", "seeds, separated by commas", positiveList, [...seeds])
      .option("--runs <dir>", "folder of the runs; finished ones are not repeated", runs)
      .option("--out <dir>", `folder for ${name}.json and ${name}.md`, RESULTS)
      .action(async (settings: string[], flags: { seeds: number[]; runs: string; out: string }) => {
        await run({ seeds: flags.seeds, runs: flags.runs, results: flags.out, settings, print });
      });
  };

const addLearning = addSeeds({
  name: "learning",
  description: "held-out accuracy before and after training, Share-GRPO and GRPO, over seeds",
  seeds: [1, 2, 3],
  runs: "runs/learning",
  run: benchLearning,
});

const addLora = addSeeds({
  name: "lora",
  description: "held-out accuracy before and after training all weights, and an adapter layer by layer",
  seeds: [1, 2, 3],
  runs: "runs/learning",
  run: benchLora,
});

const addFigure1b = addSeeds({
  name: "figure1b",
  description: "reward and valid-advantage ratio of Share-GRPO and GRPO, step by step, over seeds",
  seeds: [1, 2, 3, 4, 5],
  runs: "runs/learning",
  run: benchFigure1b,
});

const addAblations = addSeeds({
  name: "ablations",
  description: "the paper's Tables 2, 4, 5 and 6 at our scale",
  seeds: [1, 2, 3],
  runs: "runs/ablations",
  run: benchAblations,
});

const SHARING_RUNS = "runs/sharing";

const addVariants: AddBenchmark = (bench, { print }) => {
  bench
    .command("variants")
    .description(
      "how far variants of drawn scenes differ in difficulty for two policies, and what sharing will buy",
    )
    .option("--policies <names>", `some of ${POLICIES.join(",")}`, partsOf(POLICIES), [...POLICIES])
    .option("--questions <n>", "questions asked", positiveInteger, FORECAST.questions)
    .option("--samples <n>", "answers to each variant", positiveInteger, FORECAST.samples)
    .option("--runs <dir>", "folder of counts and of the narrow policy; neither is made twice", SHARING_RUNS)
    .option("--out <dir>", "folder for variants.json and variants.md", RESULTS)
    .action(async ({ out, ...flags }: Omit<VariantsOptions, "results" | "print"> & { out: string }) => {
      await benchVariants({ ...flags, results: out, print });
    });
};

interface SharingFlags extends Omit<SharingOptions, "results" | "print" | "settings" | "isEqualTime"> {
  readonly out: string;
  readonly equalTime: boolean;
}

const addSharing: AddBenchmark = (bench, { print }) => {
  const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
  bench
    .command("sharing")
    .description(
      "when sharing helps: five ways to train, two policies, over seeds, as registered in docs/LOG.md",
    )
    .argument("[settings...]", "key=value settings for every run")
    .option("--policies <names>", `some of ${POLICIES.join(",")}`, partsOf(POLICIES), [...POLICIES])
    .option("--seeds <list>", "seeds, separated by commas", positiveList, seeds)
    .option(
      "--questions <n>",
      "held-out questions asked in all variants afterwards",
      positiveInteger,
      REGISTERED_QUESTIONS,
    )
    .option(
      "--forecast <n>",
      "training questions that the predictions are counted from",
      positiveInteger,
      FORECAST.questions,
    )
    .option("--no-equal-time", "leave out the baselines at equal processor time")
    .option("--runs <dir>", "folder of the runs; finished ones are not repeated", SHARING_RUNS)
    .option("--out <dir>", "folder for sharing.json and sharing.md", RESULTS)
    .action(async (settings: string[], { out, equalTime, ...flags }: SharingFlags) => {
      const registered = { registeredSeeds: seeds.length, isEqualTime: equalTime };
      await benchSharing({ ...flags, ...registered, results: out, settings, print });
    });
};

const addGrader: AddBenchmark = (bench, { print }) => {
  bench
    .command("grader")
    .description("verdicts a second of both graders, and where they differ")
    .option("--rounds <n>", "counted rounds", positiveInteger, 7)
    .option("--out <dir>", "folder for grader.json and grader.md", RESULTS)
    .action(({ rounds, out }: { rounds: number; out: string }) =>
      benchGrader({ rounds, results: out, print }),
    );
};

const addKernel: AddBenchmark = (bench, context) => {
  const { terminal } = context;
  bench
    .command("kernel")
    .description("how long the notebook kernel takes to start, and its first cells")
    .option("--rounds <n>", "rounds of three kernels", positiveInteger, 7)
    .option("--out <dir>", "folder for kernel.json and kernel.md", RESULTS)
    .action(async ({ rounds, out }: { rounds: number; out: string }) => {
      await benchKernel({
        ...{ rounds, results: out },
        onRound: (done, total) => terminal.onProgress({ phase: "kernel", done, total }),
        print: below(context),
      });
    });
};

const addEngine: AddBenchmark = (bench, context) => {
  const { terminal } = context;
  bench
    .command("engine")
    .description("bytes between the processes and the memory of both, for a step on large pictures")
    .option("--out <dir>", "folder for engine.json and engine.md", RESULTS)
    .action(async ({ out }: { out: string }) => {
      await benchEngine({
        results: out,
        onProgress: terminal.onProgress,
        print: below(context),
      });
    });
};

const sizeOption = () => new Option("--size <name>", "size").choices(PUBLISHED_SIZES).default("3b");

interface LargeFlags {
  readonly size: PublishedSize;
  readonly layers?: number;
  readonly parts: readonly LargePart[];
  readonly model?: string;
  readonly out: string;
}

const addLarge: AddBenchmark = (bench, context) => {
  const { terminal, signal } = context;
  bench
    .command("large")
    .description(
      "a model of a published size: the head, a merge, an update of an adapter, a whole step; time and memory",
    )
    .addOption(sizeOption())
    .option("--layers <n>", "layers of the decoder (default: all)", positiveInteger)
    .option("--parts <names>", `some of ${LARGE_PARTS.join(",")}`, partsOf(LARGE_PARTS), [...LARGE_PARTS])
    .option("--model <dir>", "a model folder of that size (default: a random one, removed afterwards)")
    .option("--out <dir>", "folder for large-SIZE.json and large-SIZE.md", RESULTS)
    .action(async ({ out, ...flags }: LargeFlags) => {
      await benchLarge({
        ...flags,
        results: out,
        onProgress: terminal.onProgress,
        signal: signal(),
        print: below(context),
      });
    });
};

const addRandomModel: AddBenchmark = (bench, { terminal, print, signal }) => {
  bench
    .command("random-model")
    .description("write a model folder of a published size with random bfloat16 weights, to try a size out")
    .addOption(sizeOption())
    .option("--layers <n>", "layers of the decoder (default: all)", positiveInteger)
    .requiredOption("--out <dir>", "a folder that is not there yet")
    .action(async (flags: { size: PublishedSize; layers?: number; out: string }) => {
      await writeRandomModel({ ...flags, onProgress: terminal.onProgress, signal: signal() });
      terminal.finish();
      print(flags.out);
    });
};

interface GreedyFlags {
  readonly model: string;
  readonly weights: readonly ("exact" | "int8")[];
  readonly batches: readonly number[];
  readonly python?: string;
  readonly out: string;
}

const addGreedy: AddBenchmark = (bench, context) => {
  const { terminal } = context;
  bench
    .command("greedy")
    .description("tokens a second of greedy decoding from a checkpoint's own files and from 8 bits")
    .requiredOption("--model <dir>", "model folder, as `bench random-model` makes them")
    .addOption(new Option("--weights <names...>", "which").choices(["exact", "int8"]).default(["int8"]))
    .option("--batches <list>", "responses decoded at once", positiveList, [1, 16, 64])
    .option("--python <path>", "Python with xllamacpp and gguf, for llama.cpp beside it")
    .option("--out <dir>", "folder for greedy.json and greedy.md", RESULTS)
    .action(async ({ out, ...flags }: GreedyFlags) => {
      await benchGreedy({
        ...flags,
        results: out,
        onProgress: terminal.onProgress,
        print: below(context),
      });
    });
};

/** Each adds its subcommand. */
const BENCHMARKS: readonly AddBenchmark[] = [
  ...[addSpeed, addGpu, addLarge, addGreedy, addRandomModel, addEngine, addGrader, addKernel],
  ...[addLearning, addLora, addFigure1b, addAblations, addVariants, addSharing],
];

export function addBench(program: Command, context: CommandContext): void {
  const bench = program.command("bench").description("measure speed and learning on this machine");
  bench.hook("preAction", async (_, command) => {
    const out = command.options.find(({ long }) => long === "--out");
    if (out?.defaultValue === RESULTS) await makeFolder(command.opts<{ out: string }>().out);
  });
  for (const add of BENCHMARKS) add(bench, context);
}
