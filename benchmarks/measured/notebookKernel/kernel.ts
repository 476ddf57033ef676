/**
 * @module `sharegrpo bench kernel`: how long a person waits for the notebook kernel, from its start to the first cells.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { makeFolder, writeFileAtomic } from "../../../src/core/files/atomic.js";
import { quantile } from "../../../src/core/stats.js";
import { formatMarkdownTable, formatTable, type Table } from "../../../src/report/table.js";
import { type KernelClient, runCell, startKernel } from "./client.js";

export interface KernelBenchOptions {
  /** Kernels started for each row. */
  readonly rounds: number;
  /** Where `kernel.json` and `kernel.md` are written. */
  readonly results: string;
  readonly print: (text: string) => void;
  readonly onRound: (done: number, total: number) => void;
}

export interface Wait {
  readonly name: string;
  readonly milliseconds: readonly number[];
}

const IMPORT = 'import { Rng, plot, table } from "sharegrpo";\nconst rng = Rng.fromSeed(1);\nrng.uniform()';
const NAMES = {
  ready: "kernel ready: process start to the first answer",
  plainAtOnce: "first cell `1 + 1`, sent at once",
  importAtOnce: "first cell imports the library, sent at once",
  importLater: `first cell imports the library, sent after a rest`,
  another: "each cell after that",
} as const;
type Name = keyof typeof NAMES;

/** A person reads for a moment before running the first cell, milliseconds. */
const REST_MS = 5000;

type Note = (name: Name, milliseconds: number) => void;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Starts a kernel, notes when it is ready, and does the work with it. */
async function withKernel(
  folder: string,
  note: Note,
  work: (kernel: KernelClient) => Promise<void>,
): Promise<void> {
  const start = performance.now();
  const kernel = await startKernel(folder);
  try {
    await kernel.ask("kernel_info_request", {});
    note("ready", performance.now() - start);
    await work(kernel);
  } finally {
    await kernel.close();
  }
}

async function measureRound(folder: string, note: Note): Promise<void> {
  await withKernel(folder, note, async (kernel) =>
    note("plainAtOnce", await timed(() => runCell(kernel, "1 + 1"))),
  );
  await withKernel(folder, note, async (kernel) =>
    note("importAtOnce", await timed(() => runCell(kernel, IMPORT))),
  );
  await withKernel(folder, note, async (kernel) => {
    await sleep(REST_MS);
    note("importLater", await timed(() => runCell(kernel, IMPORT)));
    note("another", await timed(() => runCell(kernel, "const half = rng.uniform() / 2;\nhalf")));
  });
}

function waitTable(waits: readonly Wait[]): Table {
  const seconds = (ms: number) => (ms / 1000).toFixed(2);
  return {
    head: ["wait", "median, s", "shortest", "longest"],
    rows: waits.map(({ name, milliseconds }) => [
      name,
      ...[0.5, 0, 1].map((q) => seconds(quantile(milliseconds, q))),
    ]),
  };
}

/** Measures, prints and writes. */
export async function benchKernel({ rounds, results, print, onRound }: KernelBenchOptions): Promise<void> {
  const times = new Map<Name, number[]>();
  const note: Note = (name, milliseconds) => {
    times.set(name, [...(times.get(name) ?? []), Math.round(milliseconds)]);
  };
  const folder = await mkdtemp(join(tmpdir(), "sharegrpo-kernel-"));
  try {
    for (let round = 0; round < rounds; round++) {
      await measureRound(folder, note);
      onRound(round + 1, rounds);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const waits = Object.entries(NAMES).map(
    ([name, text]): Wait => ({ name: text, milliseconds: times.get(name as Name) ?? [] }),
  );
  const notes = [
    `Machine: ${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown processor"}, Node ${process.versions.node}`,
    `${rounds} rounds of three kernels each, files in the system's cache; a rest is ${REST_MS / 1000} s`,
  ];
  const table = waitTable(waits);
  print([formatTable(table), "", ...notes].join("\n"));
  await makeFolder(results);
  const command = "npm run bench -- kernel";
  const text = [
    "# Kernel",
    "",
    `Command: \`${command}\``,
    "",
    formatMarkdownTable(table),
    "",
    ...notes.map((line) => `- ${line}`),
    "",
  ];
  await writeFileAtomic(join(results, "kernel.md"), text.join("\n"));
  await writeFileAtomic(
    join(results, "kernel.json"),
    `${JSON.stringify({ command, notes, waits }, undefined, 2)}\n`,
  );
}
