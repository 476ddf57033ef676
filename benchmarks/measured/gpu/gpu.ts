/**
 * @module `sharegrpo bench gpu`: training step, prefill, rollouts and RL step on a card beside PyTorch on the same card,
 * printed and written as JSON and Markdown after every part, so that what is there stays if the next one ends badly.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { requireDevice } from "../../../src/compile/runtime/devices.js";
import type { Device, Precision } from "../../../src/compile/runtime/session.js";
import { makeFolder, writeFileAtomic } from "../../../src/core/files/atomic.js";
import { given } from "../../../src/core/given.js";
import { memoized } from "../../../src/core/memoized.js";
import { formatMarkdownTable, formatTable } from "../../../src/report/table.js";
import { machineName } from "../large/machine.js";
import { GPU_PARTS, type GpuPart, isTrainingStep, type Job, type Series } from "./jobs.js";
import { drawBlock, type GpuSize, planModel, planSize } from "./model.js";
import { doApart } from "./ownProcess.js";
import {
  type GpuRow,
  gpuTable,
  LOSS_BUDGET,
  lossDisagreement,
  type Outcome,
  operationsOf,
  problems,
  remarks,
} from "./table.js";
import { type TheirModel, type Theirs, theirPrecision, theirSide } from "./theirs.js";

export interface GpuOptions {
  readonly sizes: readonly GpuSize[];
  readonly parts: readonly GpuPart[];
  readonly precisions: readonly Precision[];
  readonly device: Exclude<Device, "webgpu">;
  readonly python: string;
  readonly isTorchCompiled: boolean;
  /** Counted rounds of a part. */
  readonly steps: number;
  /** Seconds that the rounds of a part may take on each side. */
  readonly budget: number;
  /** Where `gpu.json` and `gpu.md` are written. */
  readonly results: string;
  readonly print: (text: string) => void;
  readonly onPart?: (part: string, done: number, total: number) => void;
}

export interface GpuReport {
  readonly command: string;
  readonly machine: string;
  /** The card's name; absent on the processor. */
  readonly card?: string;
  readonly peer: string;
  readonly seconds: number;
  readonly rows: readonly GpuRow[];
}

/** Rollouts and whole steps are long: fewer of them, after one that compiles. */
function seriesOf(part: GpuPart, { steps, budget }: GpuOptions): Series {
  const isLong = part === "decode" || part === "rl";
  // The first runs of a graph that is replayed are not.
  const warmUp = part === "replay" ? 5 : isLong ? 1 : 2;
  return { warmUp, counted: isLong ? Math.ceil(steps / 3) : steps, seconds: budget };
}

/** The RL step is that of the small models, whose vocabulary is the tokenizer's. */
const hasRlStep = (size: GpuSize): boolean => size === "xs" || size === "s";

/**
 * Jobs that share a process of ours. Arrays that a graph is given are gone with the job, but what an engine or a policy
 * holds on the card is not: each of theirs has a process of its own.
 */
function groupsOf(size: GpuSize, options: GpuOptions): Job[][] {
  const jobs = (parts: readonly GpuPart[], precisions: readonly Precision[]) =>
    precisions.flatMap((precision) =>
      parts
        .filter((part) => options.parts.includes(part) && (part !== "rl" || hasRlStep(size)))
        .map((part) => ({ part, precision, series: seriesOf(part, options) })),
    );
  const { precisions } = options;
  const groups = [
    jobs(["step"], precisions),
    jobs(["replay"], precisions),
    ...precisions.map((precision) => jobs(["learner"], [precision])),
    ...precisions.map((precision) => jobs(["prefill", "decode"], [precision])),
    ...precisions.map((precision) => jobs(["rl"], [precision])),
  ];
  return groups.filter((group) => group.length > 0);
}

/** PyTorch's outcomes, each measured once. */
function onceEach(theirs: Theirs, model: TheirModel, { device }: GpuOptions) {
  const measure = memoized(
    async ({ job, isCompiled }: { readonly job: Job; readonly isCompiled: boolean }) =>
      (await theirs.does(job.part)) ? theirs.measure(model, job, isCompiled) : undefined,
  );
  return (job: Job, isCompiled = false): Promise<Outcome | undefined> => {
    const part = isTrainingStep(job.part) ? "step" : job.part;
    const precision = theirPrecision(part, job.precision, device);
    return measure({ job: { ...job, part, precision }, isCompiled });
  };
}

async function measureSize(
  { size, plan, block }: TheirModel,
  options: GpuOptions,
  { theirs, add }: { readonly theirs: Theirs; readonly add: (rows: readonly GpuRow[]) => Promise<void> },
): Promise<void> {
  const torchOf = onceEach(theirs, { size, plan, block }, options);
  const parameters = planSize(plan);
  for (const jobs of groupsOf(size, options)) {
    const found = await doApart({ size, device: options.device, plan, block, jobs });
    const rows: GpuRow[] = [];
    for (const [at, job] of jobs.entries()) {
      const { part, precision } = job;
      const own = found[at] as Outcome;
      const torch = await torchOf(job);
      const wantsCompiled = options.isTorchCompiled && part === "step";
      const compiled = wantsCompiled ? await torchOf(job, true) : undefined;
      const hasLosses = part === "step" || part === "replay";
      const disagreement = hasLosses && torch ? lossDisagreement(own, torch) : undefined;
      const operations = isTrainingStep(part) ? operationsOf(size, plan) : undefined;
      rows.push({
        size,
        parameters,
        part,
        precision,
        own,
        ...given({ torch, compiled, disagreement, operations }),
      });
    }
    await add(rows);
  }
}

function commandOf({ sizes, parts, precisions, device, steps, budget, isTorchCompiled }: GpuOptions): string {
  const partFlag = parts.length === GPU_PARTS.length ? "" : ` --parts ${parts.join(",")}`;
  const flags = `--device ${device} --sizes ${sizes.join(",")}${partFlag} --precisions ${precisions.join(",")}`;
  const compiled = isTorchCompiled ? " --torch-compile" : "";
  return `npm run bench -- gpu --python PATH ${flags} --steps ${steps} --budget ${budget}${compiled}`;
}

function cardOf(rows: readonly GpuRow[]): string | undefined {
  return rows.map(({ own }) => ("card" in own ? own.card : undefined)).find((card) => card !== undefined);
}

/** Measures, prints and writes. @throws ConfigError when the device cannot be had */
export async function benchGpu(options: GpuOptions): Promise<GpuReport> {
  await requireDevice(options.device);
  const start = performance.now();
  const dir = await mkdtemp(join(tmpdir(), "sharegrpo-gpu-"));
  const theirs = theirSide(options.python, options.device);
  const rows: GpuRow[] = [];
  const total = options.sizes.reduce((sum, size) => sum + groupsOf(size, options).length, 0);
  let done = 0;
  const report = (): GpuReport => ({
    command: commandOf(options),
    machine: `${machineName()}, Node ${process.versions.node}`,
    ...given({ card: cardOf(rows) }),
    peer: theirs.versions(),
    seconds: Math.round((performance.now() - start) / 1000),
    rows,
  });
  try {
    const block = join(dir, "draws.f32");
    await writeFile(block, new Uint8Array(drawBlock().buffer));
    for (const size of options.sizes) {
      const model = { size, plan: await planModel(size), block };
      const add = async (more: readonly GpuRow[]) => {
        rows.push(...more);
        options.onPart?.(`${size} ${more.at(-1)?.part ?? ""}`, ++done, total);
        await write(report(), options.results);
      };
      await measureSize(model, options, { theirs, add });
    }
    const finished = report();
    options.print([formatTable(gpuTable(rows)), "", ...notes(finished)].join("\n"));
    return finished;
  } finally {
    theirs.close();
    await rm(dir, { recursive: true, force: true });
  }
}

function notes({ card, machine, peer, seconds, rows }: GpuReport): string[] {
  const budgets = Object.entries(LOSS_BUDGET).map(([name, budget]) => `${name} ${budget}`);
  return [
    `Card: ${card ?? "none, the processor"}; ${machine}; ${seconds} s in all`,
    `Peer: ${peer}; fused AdamW, scaled_dot_product_attention, autocast for bf16; prefill and rollouts: transformers' generate with sampling, its weights in bfloat16 on a card`,
    "Pairs of figures are ours / PyTorch's; medians; random weights; memory: most that the process took from the card, and PyTorch's max_memory_allocated",
    "Training steps: a graph of the gradients, then AdamW; replayed: as a CUDA graph. The learner is compared with PyTorch's same step: as many tokens, a clipped loss on all but the first 32 of each row",
    `The first losses, eight at most, may differ by ${budgets.join(", ")} (relative)`,
    ...remarks(rows),
    ...problems(rows).map((problem) => `Not measured: ${problem}`),
  ];
}

async function write(report: GpuReport, results: string): Promise<void> {
  await makeFolder(results);
  const text = [
    "# On a card",
    "",
    `Command: \`${report.command}\``,
    "",
    formatMarkdownTable(gpuTable(report.rows)),
    "",
    ...notes(report).map((note) => `- ${note}`),
    "",
  ];
  await writeFileAtomic(join(results, "gpu.md"), text.join("\n"));
  await writeFileAtomic(join(results, "gpu.json"), `${JSON.stringify(report, undefined, 2)}\n`);
}
