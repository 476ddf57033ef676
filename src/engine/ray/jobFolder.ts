/**
 * @module The folder that a job runs in: settings, data, and the Python package beside this file.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { RunConfig } from "../../config/schema.js";
import { ConfigError } from "../../core/errors.js";
import { makeFolder, writeFileAtomic } from "../../core/files/atomic.js";
import { packageRoot } from "../../core/files/packageRoot.js";
import { type ZipEntry, zipBytes } from "../../core/files/zip.js";
import type { OnProgress } from "../../core/progress.js";
import type { QuestionSource } from "../../data/source.js";
import { easyR1Settings, pluginSettings } from "./easyr1Settings.js";
import { writeReleasedQuestions } from "./releasedFile.js";
import { releasedSettings } from "./releasedSettings.js";
import type { ClusterSettings } from "./stackSettings.js";
import { writeHeldout, writeVariants } from "./variantFile.js";

const PACKAGE = "sharegrpo_easyr1";
const TRAIN = "train.parquet";
const VALIDATION = "validation.parquet";
/** Ray's own limit for a folder that is uploaded. */
const MOST_BYTES = 100 * 1024 * 1024;
/** Of files that may pack into that: larger ones are not read. */
const MOST_READ = 10 * MOST_BYTES;

const MODULES = { easyr1: "main", "r1-sharevl": "released" } as const;

/** What the job runs. */
export const entrypointOf = ({ engine }: RunConfig): string =>
  `python3 -m ${PACKAGE}.${MODULES[engine.stack]} config=run.yaml`;

export interface JobPlan extends Pick<ClusterSettings, "model" | "nodes" | "gpusPerNode" | "overrides"> {
  readonly config: RunConfig;
  readonly questions: QuestionSource;
  /** Where the nodes see `folder`; without it the data travels with the job. */
  readonly shared?: string;
  /** Where the nodes write checkpoints. */
  readonly checkpoints: string;
}

/** The Python package that goes with every job. */
export async function packageFiles(): Promise<ZipEntry[]> {
  const folder = join(packageRoot(), "src", "engine", "ray", "easyr1", PACKAGE);
  const names = (await readdir(folder)).filter((name) => name.endsWith(".py")).sort();
  return Promise.all(
    names.map(async (name) => ({ path: `${PACKAGE}/${name}`, bytes: await readFile(join(folder, name)) })),
  );
}

/** The released code draws variants itself, and does not validate. */
async function writeReleased(folder: string, plan: JobPlan, onProgress?: OnProgress): Promise<void> {
  const { config, questions } = plan;
  const settings = releasedSettings(config, { ...plan, trainFile: seenBy(plan, TRAIN) });
  await makeFolder(folder);
  await writeReleasedQuestions(join(folder, TRAIN), config, questions, onProgress);
  await writeFileAtomic(join(folder, "run.yaml"), stringify(settings));
}

/** The path of a file of the folder as the nodes know it. */
const seenBy = ({ shared }: JobPlan, name: string): string =>
  shared === undefined ? `./${name}` : `${shared.replace(/\/+$/, "")}/${name}`;

/**
 * Writes settings and data below `folder`, which a person can look at before anything is sent.
 * @throws ConfigError naming settings that the stack cannot honour; DataError when a question cannot be expanded
 */
export async function writeJobFolder(folder: string, plan: JobPlan, onProgress?: OnProgress): Promise<void> {
  const { config, questions } = plan;
  if (config.engine.stack === "r1-sharevl") return writeReleased(folder, plan, onProgress);
  // Before the data: what cannot be trained is refused before minutes of pictures.
  const cluster = { ...plan, trainFile: seenBy(plan, TRAIN), validationFile: seenBy(plan, VALIDATION) };
  easyR1Settings(config, cluster);
  await makeFolder(folder);
  await writeVariants(join(folder, TRAIN), config, questions, onProgress);
  const heldout = await writeHeldout(join(folder, VALIDATION), config, questions);
  const { validationFile, ...withoutValidation } = cluster;
  const settled = heldout > 0 ? { ...withoutValidation, validationFile } : withoutValidation;
  await writeFileAtomic(join(folder, "run.yaml"), stringify(easyR1Settings(config, settled)));
  const plugin = `${JSON.stringify(pluginSettings(config, settled), undefined, 2)}\n`;
  await writeFileAtomic(join(folder, "sharegrpo.json"), plugin);
}

function tooLarge(folder: string, bytes: number): ConfigError {
  return new ConfigError(
    `${folder}: ${Math.ceil(bytes / 1024 ** 2)} MiB, more than the ${MOST_BYTES / 1024 ** 2} MiB that Ray takes: copy it to storage that the nodes see, and set engine.shared to its path there`,
  );
}

/** The folder as an archive. @throws ConfigError when it is too large to travel with the job */
export async function zipJobFolder(folder: string, isDataShared: boolean): Promise<Uint8Array> {
  const names = (await readdir(folder)).sort();
  const travelling = names.filter((name) => !isDataShared || !name.endsWith(".parquet"));
  const found = await Promise.all(travelling.map((path) => stat(join(folder, path))));
  const unpacked = found.reduce((sum, { size }) => sum + size, 0);
  if (unpacked > MOST_READ) throw tooLarge(folder, unpacked);
  const own = await Promise.all(
    travelling.map(async (path) => ({ path, bytes: await readFile(join(folder, path)) })),
  );
  const zip = zipBytes([...own, ...(await packageFiles())]);
  if (zip.length <= MOST_BYTES) return zip;
  throw tooLarge(folder, zip.length);
}
