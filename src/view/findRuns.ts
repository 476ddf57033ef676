/**
 * @module Finds run folders: trainings by `config.yaml`, evaluations by `evaluation.json`, anywhere below some folders.
 */
import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

export interface FoundRun {
  /** The folder as it was found. */
  readonly dir: string;
  readonly kind: "training" | "evaluation";
}

const DEEPEST = 6;
/** What runs keep in folders of their own, and what is no run anywhere. */
const SKIPPED = new Set(["checkpoints", "images", "predictions", "verdicts", "rows", "node_modules"]);
/** One of these lies beside `config.yaml` in a training's folder; other folders have such a file, too. */
const TRAINING_SIGNS = ["metrics.jsonl", "evaluations.jsonl", "questions.digest", "checkpoints"];

function kindOf(names: ReadonlySet<string>): FoundRun["kind"] | undefined {
  if (names.has("evaluation.json")) return "evaluation";
  const isTraining = names.has("config.yaml") && TRAINING_SIGNS.some((name) => names.has(name));
  return isTraining ? "training" : undefined;
}

async function visit(dir: string, depth: number): Promise<FoundRun[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((): Dirent[] => []);
  const kind = kindOf(new Set(entries.map(({ name }) => name)));
  const below = entries.filter(
    (entry) => entry.isDirectory() && !SKIPPED.has(entry.name) && !entry.name.startsWith("."),
  );
  const deeper =
    depth >= DEEPEST ? [] : await Promise.all(below.map(({ name }) => visit(join(dir, name), depth + 1)));
  return [...(kind ? [{ dir, kind }] : []), ...deeper.flat()];
}

/** Every run in or below the folders, each once, in the order of their names. */
export async function findRuns(folders: readonly string[]): Promise<FoundRun[]> {
  const found = (await Promise.all(folders.map((folder) => visit(folder, 0)))).flat();
  const byDir = new Map(found.map((run) => [run.dir, run]));
  return [...byDir.values()].sort((a, b) => (a.dir < b.dir ? -1 : 1));
}
