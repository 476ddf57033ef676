/**
 * @module `sharegrpo bench speed`: comparisons in one run on one machine, printed and written as JSON and Markdown.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { makeFolder, writeFileAtomic } from "../../../src/core/files/atomic.js";
import { loadModel, type Model } from "../../../src/model/load.js";
import { formatMarkdownTable, formatNumber, formatTable, type Table } from "../../../src/report/table.js";
import { type BackendsResult, benchBackends } from "./backends.js";
import type { Repetitions, Timing } from "./interleave.js";
import { decoderSize, type Heads, writeSixMillion } from "./model.js";
import { benchPacked, type PackedResult } from "./packed.js";
import { type Peer, startPeer } from "./peer.js";
import { benchRlStep, type RlStepResult } from "./rlStep.js";
import { benchRollouts, type RolloutResult, WORKLOADS } from "./rollouts.js";
import { benchStepCost, type StepCostResult, stepCostTable } from "./stepCost.js";
import { benchTrainingStep, type TrainingStepResult } from "./trainingStep.js";

export const PARTS = ["step", "rollouts", "packed", "rl", "step-cost", "backends"] as const;
export type Part = (typeof PARTS)[number];

/** Parts with a side of PyTorch's. */
const PEER_PARTS: readonly Part[] = ["step", "rollouts", "rl"];

export interface SpeedOptions {
  /** Model folder for the packed update and what sharing costs; its tokenizer serves the others. */
  readonly model: string;
  readonly python: string;
  readonly parts: readonly Part[];
  readonly threads?: number;
  readonly isTorchCompiled: boolean;
  readonly repetitions: Repetitions;
  /** Where `speed.json` and `speed.md` are written. */
  readonly results: string;
  readonly print: (text: string) => void;
  readonly onRound?: (part: string, done: number, total: number) => void;
}

export interface SpeedReport {
  readonly machine: string;
  readonly peer: string;
  readonly parameters: number;
  readonly step?: TrainingStepResult;
  readonly rollouts?: readonly (RolloutResult & { readonly heads: Heads })[];
  readonly packed?: PackedResult;
  readonly rl?: RlStepResult;
  readonly "step-cost"?: StepCostResult;
  readonly backends?: BackendsResult;
  /** Load averages over a minute, before and after. */
  readonly load: readonly [before: number, after: number];
}

function machine(threads: number): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  return `${availableParallelism()} cores (${model}), ${threads} threads, Node ${process.versions.node}, ${process.platform}-${process.arch}`;
}

/** Measures, prints and writes. */
export async function benchSpeed(options: SpeedOptions): Promise<SpeedReport> {
  const threads = options.threads ?? availableParallelism();
  const [before = 0] = loadavg();
  const tiny = await loadModel(options.model);
  const dir = await mkdtemp(join(tmpdir(), "sharegrpo-speed-"));
  const needsPeer = options.parts.some((part) => PEER_PARTS.includes(part));
  const started = needsPeer
    ? await startPeer(options.python, { folder: "speed", args: [String(threads)] })
    : { missing: "not needed" };
  const peer = "missing" in started ? undefined : started;
  if ("missing" in started && needsPeer) {
    options.print(
      `PyTorch's side is skipped: ${started.missing}; give --python PATH with torch and transformers.`,
    );
  }
  try {
    const grouped = await writeSixMillion(join(dir, "grouped"), tiny.processor, "grouped");
    const ungrouped = await writeSixMillion(join(dir, "ungrouped"), tiny.processor, "ungrouped");
    const models = { tiny, grouped, ungrouped };
    const report: SpeedReport = {
      machine: machine(threads),
      peer: peer?.versions ?? "none",
      parameters: decoderSize(grouped.params),
      ...(await measure({ ...options, threads }, models, { peer, dir })),
      load: [before, loadavg()[0] ?? 0],
    };
    await publish(report, options);
    return report;
  } finally {
    peer?.close();
    await rm(dir, { recursive: true, force: true });
  }
}

async function measure(
  options: SpeedOptions & { readonly threads: number },
  { tiny, grouped, ungrouped }: Readonly<Record<Heads | "tiny", Model>>,
  { peer, dir }: { readonly peer: Peer | undefined; readonly dir: string },
): Promise<Pick<SpeedReport, Part>> {
  const { parts, repetitions, threads, isTorchCompiled } = options;
  const common = (part: Part) => ({
    ...(peer ? { peer } : {}),
    repetitions,
    onRound: (done: number, total: number) => options.onRound?.(part, done, total),
  });
  const wants = (part: Part) => parts.includes(part);
  const step =
    wants("step") &&
    (await benchTrainingStep({ model: grouped, ...common("step"), threads, isTorchCompiled }));
  const sampled = async (heads: Heads, model: Model, workloads: typeof WORKLOADS) => {
    const results = await benchRollouts({ model, workloads, ...common("rollouts") });
    return results.map((result) => ({ heads, ...result }));
  };
  const rollouts = wants("rollouts") && [
    ...(await sampled("grouped", grouped, WORKLOADS)),
    ...(await sampled("ungrouped", ungrouped, WORKLOADS.slice(0, 2))),
  ];
  const packed = wants("packed") && (await benchPacked({ model: tiny, ...common("packed") }));
  const rl =
    wants("rl") && (await benchRlStep({ model: grouped, dir: join(dir, "endless"), ...common("rl") }));
  const cost = wants("step-cost") && (await benchStepCost({ model: tiny, ...common("step-cost") }));
  const backends =
    wants("backends") && (await benchBackends({ model: tiny, threads, ...common("backends") }));
  return {
    ...(step ? { step } : {}),
    ...(rollouts ? { rollouts } : {}),
    ...(packed ? { packed } : {}),
    ...(rl ? { rl } : {}),
    ...(cost ? { "step-cost": cost } : {}),
    ...(backends ? { backends } : {}),
  };
}

/** Rows of one comparison; the first timing is this project's, `rate` turns milliseconds into what is shown. */
function rows(what: string, timings: readonly Timing[], show: (milliseconds: number) => string): string[][] {
  const own = timings[0]?.median ?? Number.NaN;
  return timings.map(({ name, milliseconds, median }, at) => [
    at === 0 ? what : "",
    name,
    show(median),
    `${formatNumber(Math.min(...milliseconds))}–${formatNumber(Math.max(...milliseconds))} ms`,
    at === 0 ? "" : `${(median / own).toFixed(2)}×`,
  ]);
}

export function speedTable({ step, rollouts, packed, rl, backends }: SpeedReport): Table {
  const ms = (milliseconds: number) => `${formatNumber(milliseconds)} ms`;
  return {
    head: ["work", "by", "median", "range", "sharegrpo is faster by"],
    rows: [
      ...(step ? rows(`training step, ${step.rows} × ${step.length} tokens`, step.timings, ms) : []),
      ...(rollouts ?? []).flatMap(({ heads, prompts, responses, promptLength, newTokens, timings }) => {
        const tokens = prompts * responses * newTokens;
        const rate = (milliseconds: number) =>
          `${formatNumber(Math.round((1000 * tokens) / milliseconds))} tokens/s`;
        const work = `rollouts, ${prompts} × ${responses}, prompt ${promptLength}`;
        return rows(heads === "grouped" ? work : `${work}, keys ungrouped`, timings, rate);
      }),
      ...(packed ? rows(`update, ${packed.pairs} pairs (m = 2, n = 6)`, packed.timings, ms) : []),
      ...(rl
        ? rows(
            `whole RL step, ${rl.prompts} × ${rl.responses}, ${rl.promptTokens} + ${rl.newTokens} tokens`,
            rl.timings,
            ms,
          )
        : []),
      ...(backends
        ? rows(`gradients, ${backends.responses} × ${backends.length} tokens`, backends.timings, ms)
        : []),
    ],
  };
}

/** Each side's share of what the machine's matrix products reach. */
function peakNote({ timings, operations, peak }: TrainingStepResult): string {
  const shares = timings.map(({ name, median }) => {
    const share = (1000 * operations) / median / peak;
    return `${name} ${Math.round(100 * share)} %`;
  });
  return `Matrix products of 1024² reach ${formatNumber(Math.round(peak / 1e9))} GFLOP/s here; of that the training step (${(operations / 1e9).toFixed(0)} GFLOP) makes use of: ${shares.join(", ")}`;
}

/** Where our RL step's time goes. */
function rlNote({ parts }: RlStepResult): string {
  const seconds = (part: number) => `${part.toFixed(2)} s`;
  return `RL step, ours: rollouts ${seconds(parts.rollout)}, old log-probs ${seconds(parts.old_log_probs)}, update ${seconds(parts.update)}; GRPO, one optimizer step, rewards by lot`;
}

async function publish(report: SpeedReport, { results, print, python, repetitions }: SpeedOptions) {
  const table = speedTable(report);
  const notes = [
    `Machine: ${report.machine}; load ${report.load.map((each) => each.toFixed(1)).join(" before, ")} after`,
    `Peer: ${report.peer}`,
    `Model: ${(report.parameters / 1e6).toFixed(2)} M parameters, random weights, 8 query heads over 2 key-value heads (ungrouped: 8); medians of ${repetitions.counted} interleaved repetitions after ${repetitions.warmUp}`,
    ...(report.step ? [peakNote(report.step)] : []),
    ...(report.rollouts
      ? ["Rollouts: prompts × responses to each, 128 tokens a response; batch is their product"]
      : []),
    ...(report.step?.disagreement === undefined
      ? []
      : [
          `Training step: loss and gradient norms differ from PyTorch's by at most ${report.step.disagreement.toExponential(1)} (relative)`,
        ]),
    ...(report.packed
      ? [
          `Update: loss and gradient norm of the two layouts differ by at most ${report.packed.disagreement.toExponential(1)} (relative)`,
        ]
      : []),
    ...(report.rl ? [rlNote(report.rl)] : []),
    ...(report.backends
      ? [
          `Gradients: the bundled policy on a drawn question; backends differ from the compiled graph by at most ${report.backends.disagreement.toExponential(1)}`,
        ]
      : []),
    ...(report["step-cost"]
      ? [
          `Sharing: ${report["step-cost"].questions} drawn questions a step, ${report["step-cost"].responses} responses to each, two optimizer steps`,
        ]
      : []),
  ];
  const cost = report["step-cost"];
  const tables = [...(table.rows.length > 0 ? [table] : []), ...(cost ? [stepCostTable(cost)] : [])];
  print([...tables.flatMap((each) => [formatTable(each), ""]), ...notes].join("\n"));
  await makeFolder(results);
  const command = `npm run bench -- speed --python ${python === "python3" ? python : "PATH"}`;
  const text = [
    "# Speed",
    "",
    `Command: \`${command}\``,
    "",
    ...tables.flatMap((each) => [formatMarkdownTable(each), ""]),
    ...notes.map((note) => `- ${note}`),
    "",
  ];
  await writeFileAtomic(join(results, "speed.md"), text.join("\n"));
  await writeFileAtomic(
    join(results, "speed.json"),
    `${JSON.stringify({ command, ...report }, undefined, 2)}\n`,
  );
}
