/**
 * @module The two policies that sharing is measured on, and what `sharegrpo variants` says of a policy: counted once,
 * kept in a file, never counted again.
 */
import { existsSync } from "node:fs";
import { readFile, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { makeFolder, writeFileAtomic } from "../../../src/core/files/atomic.js";
import { runCommand } from "./runs.js";

/** Questions in their family's common words, for both policies: what the narrow one knows, and the bundled one no better. */
export const COMMON_WORDS = "data.wording=common";

/** `tiny`: the bundled one, warmed up on all wordings and views alike; `narrow`: knows few of them. */
export const POLICIES = ["tiny", "narrow"] as const;
export type PolicyName = (typeof POLICIES)[number];

/**
 * What `model=` calls a policy. The narrow one is made where it is not there: in some minutes, by a seed.
 * @param runs folder of the experiment's runs, held by the one who asks: what was cut off is made anew
 */
export async function policyModel(name: PolicyName, runs: string): Promise<string> {
  if (name === "tiny") return name;
  const folder = resolve(runs, "narrow-policy");
  if (existsSync(folder)) return folder;
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await makeFolder(dirname(folder));
  await runCommand(["warmup", "--narrow", "--out", partial]);
  await rename(partial, folder);
  return folder;
}

/**
 * The document of `sharegrpo variants … --json`, kept in `file` beside the arguments that made it.
 * @throws BenchmarkError when the command fails
 */
export async function countedOnce<T>(file: string, args: readonly string[]): Promise<T> {
  if (existsSync(file)) {
    const kept = JSON.parse(await readFile(file, "utf8")) as { args: readonly string[]; found: T };
    if (kept.args.join(" ") === args.join(" ")) return kept.found;
  }
  const found = JSON.parse(await runCommand(["variants", ...args, "--json"])) as T;
  await makeFolder(dirname(file));
  await writeFileAtomic(file, `${JSON.stringify({ args, found })}\n`);
  return found;
}
