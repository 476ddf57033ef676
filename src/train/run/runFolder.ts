/**
 * @module A run on disk: config, metrics, rollouts, evaluations, images, checkpoints. Rows are appended; a resume drops
 * the rows of steps that the checkpoint does not know.
 */
import { readdir, readFile, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { configYaml } from "../../config/load.js";
import type { RunConfig } from "../../config/schema.js";
import { differences } from "../../core/differences.js";
import { CheckpointError, messageOf } from "../../core/errors.js";
import { makeFolder, writeFileAtomic } from "../../core/files/atomic.js";
import { digestJson, sha256 } from "../../core/files/digest.js";
import { isThere } from "../../core/files/folder.js";
import { whileHolding } from "../../core/files/folderLock.js";
import { appendJsonl, readJsonl, truncateJsonl } from "../../core/files/jsonl.js";
import type {
  EvaluationRecord,
  EvaluationSample,
  ExtractedRecord,
  ResponseRecord,
  RolloutRecord,
} from "../../core/files/runRecords.js";
import { imageBytes } from "../../core/image/decode.js";
import { zip } from "../../core/zip.js";
import { changesSince, type KeptQuestions, readKept, writeKept } from "../../data/keptQuestions.js";
import type { Extracted, ImageSource, Question, QuestionGroup, Response } from "../../records.js";
import type { Evaluation } from "../evaluate.js";
import { assertKnown } from "./metrics.js";
import { appendEvent, truncateEvents } from "./tensorboard.js";

const METRICS = "metrics.jsonl";
const ROLLOUTS = "rollouts.jsonl";
const EVALUATIONS = "evaluations.jsonl";
const CONFIG = "config.yaml";
/** TensorBoard takes for its own what has `tfevents` in its name. */
const EVENTS = "events.out.tfevents.sharegrpo";
const QUESTIONS = "questions.jsonl";
const [IMAGES, CHECKPOINTS] = ["images", "checkpoints"] as const;
/** Of a job on a cluster: its folder, and which it is. */
export const JOB = "job";
export const JOB_RECORD = "job.json";

/** What a run writes before it has anything to show, and what it has to show then. */
const SETUP: readonly string[] = [CONFIG, QUESTIONS, IMAGES, CHECKPOINTS, JOB];
const RECORDS: readonly string[] = [METRICS, ROLLOUTS, EVALUATIONS, JOB_RECORD];

/** Evaluated questions kept as examples per evaluation. */
const KEPT_SAMPLES = 24;

const extractedRecord = (extracted: Extracted): ExtractedRecord =>
  extracted.kind === "answer" ? { text: extracted.text } : { none: extracted.reason };

/** Numbers that JSON cannot hold become null. */
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** Settings without those of the engine: where a run is computed may change on the way. */
function withoutEngine<Settings extends object>(settings: Settings): Settings {
  return { ...settings, engine: undefined };
}

/** Settings as of a run of so many steps. */
function withSteps<Settings extends { readonly train: object }>(settings: Settings, steps: number) {
  return { ...settings, train: { ...settings.train, steps } };
}

/** What is read here of settings in a folder. */
const begunSchema = z.looseObject({ train: z.looseObject({ steps: z.int() }) });

/** @throws CheckpointError when they are not those of a run */
function begunWith(path: string, yaml: string) {
  try {
    return begunSchema.parse(parse(yaml));
  } catch (cause) {
    const advice = "bring the file back, or start anew in another --out";
    throw new CheckpointError(`${path}: damaged: ${messageOf(cause)}; ${advice}`, { cause });
  }
}

/** Removes what a run made that has no record yet. What was found there stays. */
async function removeSetup(dir: string, found: readonly string[]): Promise<void> {
  if ((await readdir(dir)).some((name) => RECORDS.includes(name))) return;
  for (const name of SETUP.filter((each) => !found.includes(each)))
    await rm(join(dir, name), { recursive: true, force: true });
}

/**
 * Does a run's work in its folder, which nobody else may do at the same time. A run that fails before its first record
 * leaves the folder as it found it, so that the corrected command begins there.
 * @throws CheckpointError naming the process that holds the folder; what `work` throws
 */
export async function whileRunning<T>(dir: string, work: () => Promise<T>): Promise<T> {
  const wasThere = await isThere(dir);
  try {
    return await whileHolding(dir, "train", async () => {
      const found = await readdir(dir);
      return work().catch(async (error: unknown) => {
        await removeSetup(dir, found).catch(() => undefined);
        throw error;
      });
    });
  } catch (error) {
    // Refused where anything is left in it.
    if (!wasThere) await rmdir(dir).catch(() => undefined);
    throw error;
  }
}

/** The folder of one run. */
export class RunFolder {
  private constructor(
    readonly dir: string,
    readonly config: RunConfig,
    /** Digest of the settings, all but the number of steps; a checkpoint carries it too. */
    readonly configDigest: string,
    /** The number of steps that the folder's settings had until now, where it is another. */
    readonly formerSteps: number | undefined,
  ) {}

  get checkpoints(): string {
    return join(this.dir, CHECKPOINTS);
  }

  /** The file of the settings that a run in this folder has, or will have. */
  static settingsOf(dir: string): string {
    return join(dir, CONFIG);
  }

  /** The file of what a run in this folder asks. */
  static questionsOf(dir: string): string {
    return join(dir, QUESTIONS);
  }

  /**
   * Opens a folder for a run.
   * @throws CheckpointError when a fresh run would mix with an older one, or a resume finds other settings
   */
  static async open(
    dir: string,
    config: RunConfig,
    { isResume }: { readonly isResume: boolean },
  ): Promise<RunFolder> {
    await makeFolder(join(dir, IMAGES));
    await makeFolder(join(dir, CHECKPOINTS));
    const present = await readFile(join(dir, CONFIG), "utf8").catch(() => undefined);
    if (present === undefined) await writeFileAtomic(join(dir, CONFIG), configYaml(config));
    else if (!isResume) {
      throw new CheckpointError(
        `${dir}: already holds a run: continue it with --resume, or choose another --out`,
      );
    }
    const { steps } = config.train;
    const begun = present === undefined ? config : begunWith(join(dir, CONFIG), present);
    const changed = differences(withSteps(withoutEngine(begun), steps), withoutEngine(config));
    if (changed.length > 0) {
      throw new CheckpointError(
        `${join(dir, CONFIG)}: the run was started with other settings: ${changed.join("; ")}; resume with --out and --resume alone (train.steps may be raised), or choose another --out`,
      );
    }
    const former = begun.train.steps === steps ? undefined : begun.train.steps;
    return new RunFolder(dir, config, digestJson(withSteps(withoutEngine(config), 0)), former);
  }

  /**
   * Lets the run have the number of steps that it is resumed with.
   * @param done steps it has done
   * @returns the number it had before, where it is another
   * @throws CheckpointError when it has done more than it may have
   */
  async keepLength(done: number): Promise<number | undefined> {
    const { steps } = this.config.train;
    const path = join(this.dir, CONFIG);
    if (steps < done) {
      throw new CheckpointError(
        `${path}: train.steps: ${steps} is less than the ${done} steps that the run has done; ask for more, or start anew in another --out`,
      );
    }
    if (this.formerSteps !== undefined) await writeFileAtomic(path, configYaml(this.config));
    return this.formerSteps;
  }

  /**
   * Notes what the run asks; settings name data files, but not what is in them.
   * @throws CheckpointError when the run goes on and something else would be asked
   */
  async checkQuestions(now: KeptQuestions): Promise<void> {
    const path = RunFolder.questionsOf(this.dir);
    const before = await readKept(path);
    const changes = before ? changesSince(before, now) : [];
    if (changes.length === 0) return writeKept(path, now);
    throw new CheckpointError(
      `${path}: the data has changed since the run began: bring the old files back, or start anew in another --out:\n${changes.join("\n")}`,
    );
  }

  /** Drops rows of later steps, so that repeated steps do not appear twice. */
  async truncateAfter(step: number): Promise<void> {
    const isKept = (record: object) => (record as { step: number }).step <= step;
    const present = new Set(await readdir(this.dir));
    for (const name of [METRICS, ROLLOUTS, EVALUATIONS].filter((file) => present.has(file))) {
      await truncateJsonl(join(this.dir, name), isKept);
    }
    await truncateEvents(join(this.dir, EVENTS), step);
  }

  /** @param step of an evaluation after; a run that was given more steps has earlier ones */
  async hasEvaluation(label: "before" | "after", step: number): Promise<boolean> {
    const present = new Set(await readdir(this.dir));
    if (!present.has(EVALUATIONS)) return false;
    const { records } = await readJsonl(join(this.dir, EVALUATIONS));
    return (records as EvaluationRecord[]).some(
      (record) => record.label === label && (label === "before" || record.step === step),
    );
  }

  /** @param metrics a run that is carried out elsewhere has some of them only */
  async appendStep(
    step: number,
    metrics: Readonly<Record<string, number>>,
    groups: readonly QuestionGroup[],
  ): Promise<void> {
    assertKnown(metrics);
    const numbers = Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, finite(value)]));
    for (const group of groups) await this.append(ROLLOUTS, await this.rolloutRecord(step, group));
    await this.append(METRICS, { step, ...numbers });
    await this.appendScalars(step, metrics);
  }

  async appendEvaluation(
    label: "before" | "after",
    step: number,
    evaluation: Evaluation,
    questions: readonly Question[],
  ): Promise<void> {
    const samples: EvaluationSample[] = [];
    for (const [question, response] of zip(questions, evaluation.responses).slice(0, KEPT_SAMPLES)) {
      samples.push({
        questionId: question.id,
        category: question.category,
        question: question.text,
        gold: question.gold,
        images: await this.keepImages(question.images),
        response: response.text,
        stopReason: response.rollout.stopReason,
        extracted: extractedRecord(response.reward.extracted),
        reward: rewardRecord(response),
      });
    }
    const { total, correct, formatted, perCategory } = evaluation;
    const record: EvaluationRecord = {
      label,
      step,
      total,
      correct,
      formatted,
      perCategory,
      seed: this.config.seed,
      greedy: true,
      outcomes: Object.fromEntries(
        zip(questions, evaluation.responses).map(([{ id }, { reward }]) => [id, reward.accuracy]),
      ),
      samples,
    };
    await this.append(EVALUATIONS, record);
    await this.appendScalars(step, { "eval/accuracy": correct / total, "eval/format": formatted / total });
  }

  private async appendScalars(step: number, scalars: Readonly<Record<string, number>>): Promise<void> {
    assertKnown(scalars);
    await appendEvent(join(this.dir, EVENTS), { wallTime: Date.now() / 1000, step, scalars });
  }

  private async append(name: string, record: object): Promise<void> {
    const writer = await appendJsonl(join(this.dir, name));
    try {
      await writer.append(record);
    } finally {
      await writer.close();
    }
  }

  private async rolloutRecord(step: number, group: QuestionGroup): Promise<RolloutRecord> {
    const images_M: string[][] = [];
    for (const { images } of group.variants) images_M.push(await this.keepImages(images));
    return rolloutRecordOf(step, group, images_M);
  }

  /** Stores images under their hash and returns their names relative to the folder. */
  private async keepImages(images: readonly ImageSource[]): Promise<string[]> {
    const names: string[] = [];
    for (const image of images) {
      const bytes = await imageBytes(image);
      const name = `${IMAGES}/${sha256(bytes)}.png`;
      await writeFileAtomic(join(this.dir, name), bytes);
      names.push(name);
    }
    return names;
  }
}

function rewardRecord({ reward }: Response) {
  const { overall, accuracy, format, reason, parts } = reward;
  return { overall, accuracy, format, reason, ...(parts ? { parts } : {}) };
}

/**
 * A question of a step as a row of `rollouts.jsonl`.
 * @param images_M names of each variant's images
 */
export function rolloutRecordOf(
  step: number,
  group: QuestionGroup,
  images_M: readonly (readonly string[])[],
): RolloutRecord {
  const { id, category, text, gold } = group.question;
  const variants = zip(group.variants, images_M).map(
    ([{ index, text: words, transform, wording }, images]) => ({
      index,
      text: words,
      transform,
      wording,
      images,
    }),
  );
  const responses = group.responses.flat().map((response) => responseRecord(response, group));
  return { step, questionId: id, category, question: text, gold, variants, responses };
}

/** The global term is what a cross pair carries; the local one is what the own pair has beyond it. */
function responseRecord(response: Response, group: QuestionGroup): ResponseRecord {
  const { j, i } = response;
  const pairs = group.pairs.filter((pair) => pair.j === j && pair.i === i);
  const own = pairs.find((pair) => pair.k === j)?.advantage ?? 0;
  const cross = pairs.find((pair) => pair.k !== j)?.advantage;
  return {
    j,
    i,
    text: response.text,
    tokens: response.rollout.tokens.length,
    stopReason: response.rollout.stopReason,
    extracted: extractedRecord(response.reward.extracted),
    reward: rewardRecord(response),
    advantageGlobal: cross ?? own,
    advantageLocal: cross === undefined ? 0 : own - cross,
  };
}
