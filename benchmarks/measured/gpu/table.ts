/**
 * @module What was measured on a card, as a table: this project beside PyTorch on the same card.
 */
import type { Precision } from "../../../src/compile/runtime/session.js";
import { quantile } from "../../../src/core/stats.js";
import { formatBytes, formatNumber, type Table } from "../../../src/report/table.js";
import { stepOperations } from "../speed/peak.js";
import { type Failed, type GpuPart, type Measured, tokensOf } from "./jobs.js";
import { type GpuSize, type Plan, planSize, textSizes } from "./model.js";

export type Outcome = Measured | Failed;

/** A job of one model on all sides. */
export interface GpuRow {
  readonly size: GpuSize;
  readonly parameters: number;
  readonly part: GpuPart;
  readonly precision: Precision;
  readonly own: Outcome;
  readonly torch?: Outcome;
  readonly compiled?: Outcome;
  /** Largest relative difference of the first losses, where both sides have them. */
  readonly disagreement?: number;
  /** Floating-point operations of a round, where they are counted. */
  readonly operations?: number;
}

/** How far losses of the sides may be apart, relatively. */
export const LOSS_BUDGET: Readonly<Record<Precision, number>> = { float32: 1e-5, tf32: 3e-3, bf16: 2e-2 };

/** Losses that are compared: before any step, and after some, those of replayed runs among them. */
const COMPARED = { least: 2, most: 8 } as const;

export const medianOf = (found: Outcome | undefined): number | undefined =>
  found && "milliseconds" in found ? quantile([...found.milliseconds], 0.5) : undefined;

const losses = (found: Outcome): readonly number[] =>
  "values" in found && found.values ? found.values.slice(0, COMPARED.most) : [];

/** Undefined where a side has no losses; infinite where one is not a number. */
export function lossDisagreement(own: Outcome, torch: Outcome): number | undefined {
  const [ours, theirs] = [losses(own), losses(torch)];
  const count = Math.min(ours.length, theirs.length);
  if (count < COMPARED.least) return undefined;
  const differences = ours.slice(0, count).map((loss, at) => {
    const other = theirs[at] as number;
    return Math.abs(loss - other) / Math.abs(other);
  });
  return differences.every(Number.isFinite) ? Math.max(...differences) : Number.POSITIVE_INFINITY;
}

/** Operations of a training step. */
export function operationsOf(size: GpuSize, plan: Plan): number {
  const [layers, hidden] = [plan.json["num_hidden_layers"] as number, plan.json["hidden_size"] as number];
  return stepOperations({ ...textSizes(size), layers, hidden, parameters: planSize(plan) });
}

const WORK: Readonly<Record<GpuPart, string>> = {
  step: "training step, the graph",
  replay: "training step, replayed",
  learner: "training step, the learner",
  prefill: "prefill, 8 × 128",
  decode: "rollouts, 8 × 8, 128 + 128",
  rl: "RL step, 8 × 12, 64 + 64",
};

function agreement({ disagreement, precision }: GpuRow): string {
  if (disagreement === undefined) return "";
  const said = disagreement.toExponential(1);
  return disagreement <= LOSS_BUDGET[precision] ? said : `${said}: TOO MUCH`;
}

const both = (ours: string, theirs: string): string => [ours, theirs].filter(Boolean).join(" / ");

function cells(row: GpuRow): string[] {
  const { own, torch, compiled, operations } = row;
  const [ours, theirs, fastest] = [own, torch, compiled].map(medianOf);
  const ms = (median: number | undefined) => (median === undefined ? "" : `${formatNumber(median)} ms`);
  const ratio = (other: number | undefined) =>
    ours === undefined || other === undefined ? "" : `${(other / ours).toFixed(2)}×`;
  const rate = (median: number | undefined) =>
    median === undefined
      ? ""
      : formatNumber(Math.round((1000 * tokensOf(row.part, textSizes(row.size))) / median));
  const flops = (median: number | undefined) =>
    median === undefined || operations === undefined ? "" : formatNumber(operations / median / 1e9);
  const memory = (found: Outcome | undefined) =>
    found && "bytes" in found && found.bytes !== undefined ? formatBytes(found.bytes) : "";
  return [
    ms(ours) || "–",
    torch ? ms(theirs) || "–" : "",
    ratio(theirs),
    compiled ? both(ms(fastest) || "–", ratio(fastest)) : "",
    both(rate(ours), rate(theirs)),
    both(flops(ours), flops(theirs)),
    both(memory(own), memory(torch)),
    agreement(row),
  ];
}

/** A row for each job; columns that nothing is in are left out. */
export function gpuTable(rows: readonly GpuRow[]): Table {
  const head = [
    ...["model", "work", "products", "ours", "PyTorch", "ours is faster by", "torch.compile"],
    ...["tokens/s", "TFLOP/s", "memory", "losses differ by"],
  ];
  const all = rows.map((row) => [
    `${row.size}, ${formatNumber(Math.round(row.parameters / 1e5) / 10)} M`,
    ...[WORK[row.part], row.precision],
    ...cells(row),
  ]);
  const isUsed = head.map((_, at) => all.some((row) => row[at] !== ""));
  const kept = (row: readonly string[]) => row.filter((_, at) => isUsed[at]);
  return { head: kept(head), rows: all.map(kept) };
}

/** Why something was slower than it could be, in words. */
export function remarks(rows: readonly GpuRow[]): string[] {
  return rows.flatMap(({ size, part, precision, own }) =>
    "notReplayed" in own && own.notReplayed
      ? [`${size}, ${part}, ${precision}: not replayed: ${own.notReplayed}`]
      : [],
  );
}

/** What failed, in words. */
export function problems(rows: readonly GpuRow[]): string[] {
  return rows.flatMap(({ size, part, precision, own, torch, compiled }) =>
    Object.entries({ ours: own, PyTorch: torch, "torch.compile": compiled }).flatMap(([side, found]) =>
      found && "error" in found ? [`${size}, ${part}, ${precision}, ${side}: ${found.error}`] : [],
    ),
  );
}
