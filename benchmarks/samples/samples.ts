/**
 * @module The sample files: a dozen own questions about drawn pictures in each benchmark's exact format, so that every
 * command runs without a download. They say nothing about a model's score on the benchmarks themselves.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../src/core/files/atomic.js";
import { ai2d, mmStar } from "./choiceFiles.js";
import { mathVerse, mathVision, mathVista } from "./mathFiles.js";
import { mmmu } from "./mmmuFile.js";
import { type SampleFile, tsvText } from "./sampleFile.js";

/** All six, made from scenes; the same every time. */
export function sampleFiles(): Promise<readonly SampleFile[]> {
  return Promise.all([mathVista(), mmStar(), mmmu(), mathVerse(), mathVision(), ai2d()]);
}

/** Writes them as `<dataset>.tsv`. @returns their paths */
export async function writeSamples(folder: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const files = await sampleFiles();
  const paths = files.map(({ dataset }) => join(folder, `${dataset}.tsv`));
  await Promise.all(files.map((file, at) => writeFileAtomic(paths[at] as string, tsvText(file))));
  return paths;
}
