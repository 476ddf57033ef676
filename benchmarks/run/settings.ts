/**
 * @module What decides a run's answers, its digest, and the refusal to continue a run with other settings.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { differences } from "../../src/core/differences.js";
import { CheckpointError } from "../../src/core/errors.js";
import { makeFolder, writeFileAtomic } from "../../src/core/files/atomic.js";
import { canonicalJson, digestJson } from "../../src/core/files/digest.js";
import type { ImageLimits } from "../../src/data/pixels.js";
import type { Decoding } from "../engines/engine.js";
import { PROMPT_FORMS, type PromptStyle, THINKING_PROMPTS } from "../records.js";

/** Who is asked. */
export interface ModelIdentity {
  /** The name a server knows it by, or the folder's name. */
  readonly name: string;
  /** SHA-256 of the weights of a local folder; null for a server, which does not say. */
  readonly weights: string | null;
}

/** Everything that answers follow from, but for the rows. Judge and rules are not here: scoring can be done again. */
export interface AnswerSettings {
  readonly model: ModelIdentity;
  readonly prompt: PromptStyle;
  readonly decoding: Decoding;
  readonly pixels: ImageLimits;
}

/** A dataset a run has asked. */
export interface DatasetStamp {
  /** Of the file. */
  readonly md5: string;
}

/** `evaluation.json` of a run folder. */
export interface EvaluationFile extends AnswerSettings {
  readonly version: 1;
  readonly digest: string;
  readonly datasets: Readonly<Record<string, DatasetStamp>>;
}

const FILE = "evaluation.json";

const numberOrNull = z.number().nullable();
const schema = z.strictObject({
  version: z.literal(1),
  digest: z.string(),
  model: z.strictObject({ name: z.string(), weights: z.string().nullable() }),
  prompt: z.strictObject({
    form: z.enum(PROMPT_FORMS),
    thinking: z.enum(THINKING_PROMPTS),
    thinkingText: z.string().exactOptional(),
  }),
  decoding: z.strictObject({
    temperature: z.number(),
    topP: numberOrNull,
    topK: numberOrNull,
    repetitionPenalty: numberOrNull,
    maxTokens: z.number(),
    seed: z.number(),
  }),
  pixels: z.strictObject({ minPixels: numberOrNull, maxPixels: numberOrNull }),
  datasets: z.record(z.string(), z.strictObject({ md5: z.string() })),
});

/** Digest of what answers follow from. */
export function settingsDigest({ model, prompt, decoding, pixels }: AnswerSettings): string {
  return digestJson({ model, prompt, decoding, pixels });
}

async function readSettings(path: string): Promise<EvaluationFile | undefined> {
  if (!existsSync(path)) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new CheckpointError(`${path}: not JSON: remove the folder or choose another --out`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new CheckpointError(
    `${path}: written by another version: ${issue?.path.join(".")}: ${issue?.message}; choose another --out`,
  );
}

export interface OpenOptions {
  readonly isResume: boolean;
}

/** Whether an evaluation was begun in a folder. */
export function isEvaluationBegunIn(dir: string): boolean {
  return existsSync(join(dir, FILE));
}

/**
 * Makes `dir` the folder of this evaluation, or continues the one it holds.
 * @param datasets to be asked, by name; a resume may add some
 * @throws CheckpointError when it holds a run and none is to be resumed, or one with other settings or other data
 */
export async function openEvaluation(
  dir: string,
  settings: AnswerSettings,
  datasets: Readonly<Record<string, DatasetStamp>>,
  { isResume }: OpenOptions,
): Promise<void> {
  const path = join(dir, FILE);
  await makeFolder(join(dir, "predictions"));
  const { model, prompt, decoding, pixels } = settings;
  const answers: AnswerSettings = { model, prompt, decoding, pixels };
  const present = await readSettings(path);
  if (present && !isResume) {
    throw new CheckpointError(`${dir}: already holds an evaluation: add --resume, or choose another --out`);
  }
  if (present) refuseOthers(path, present, answers, datasets);
  const digest = settingsDigest(answers);
  const file: EvaluationFile = {
    version: 1,
    digest,
    ...answers,
    datasets: { ...present?.datasets, ...datasets },
  };
  if (canonicalJson(present ?? null) === canonicalJson(file)) return;
  await writeFileAtomic(path, `${JSON.stringify(file, null, 2)}\n`);
}

function refuseOthers(
  path: string,
  present: EvaluationFile,
  answers: AnswerSettings,
  datasets: Readonly<Record<string, DatasetStamp>>,
): void {
  const { model, prompt, decoding, pixels } = present;
  const changed = differences({ model, prompt, decoding, pixels }, answers);
  const moved = Object.entries(datasets)
    .filter(([name, { md5 }]) => present.datasets[name] !== undefined && present.datasets[name]?.md5 !== md5)
    .map(([name, { md5 }]) => `${name}: data file with MD5 ${present.datasets[name]?.md5}, now ${md5}`);
  const all = [...changed, ...moved];
  if (all.length === 0) return;
  const advice = "resume with the same ones, or choose another --out";
  throw new CheckpointError(`${path}: the run was started with other settings: ${all.join("; ")}; ${advice}`);
}
