/**
 * @module The process of this project's side: makes a model, does the jobs it is told, and sends what each found. A
 * process of its own, because a driver can take it along, and because its end frees the card.
 */
import { readFile } from "node:fs/promises";
import process from "node:process";
import type { OwnRequest } from "./jobs.js";
import { modelOf, textSizes } from "./model.js";
import { doJobs } from "./own.js";

process.once("message", async ({ size, device, plan, block, jobs }: OwnRequest) => {
  const { buffer, byteOffset, byteLength } = await readFile(block);
  const draws = new Float32Array(buffer, byteOffset, byteLength / 4);
  const model = await modelOf(plan, draws);
  await doJobs({ model, device, sizes: textSizes(size) }, jobs, (found) => process.send?.(found));
  process.disconnect();
});
