/**
 * @module Writes `report.html` into a run folder: one file that needs no network and no other file.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { writeFileAtomic } from "../core/files/atomic.js";
import { pickSamples } from "./gallery.js";
import { embedImages } from "./images.js";
import { page } from "./page.js";
import { readRun } from "./run.js";

export interface ReportOptions {
  /** Questions in the sample gallery; their images are embedded. */
  readonly maxSamples?: number;
  /** File that is written or replaced; `report.html` in the run's folder unless given. */
  readonly out?: string;
}

export const DEFAULT_MAX_SAMPLES = 40;

/** The plotting library as text, from the installed package. */
export async function plotlySource(): Promise<string> {
  return readFile(createRequire(import.meta.url).resolve("plotly.js"), "utf8");
}

/**
 * Makes the report of a run, finished or not.
 * @returns the path of the report
 * @throws CheckpointError when the folder holds no run or the report cannot be written; DataError when a file in it is damaged
 */
export async function writeReport(runDir: string, options: ReportOptions = {}): Promise<string> {
  const { maxSamples = DEFAULT_MAX_SAMPLES, out: path = join(runDir, "report.html") } = options;
  const run = await readRun(runDir);
  const picked = pickSamples(run.rollouts, maxSamples);
  const names = picked.flatMap((rollout) => rollout.variants.flatMap((variant) => variant.images));
  const heldout = [run.before, run.after].flatMap((each) => each?.samples ?? []);
  const images = await embedImages(runDir, [...names, ...heldout.flatMap((sample) => sample.images)]);
  await writeFileAtomic(path, page(run, { plotly: await plotlySource(), images, maxSamples }));
  return path;
}
