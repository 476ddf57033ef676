/**
 * @module A run on disk: config, metrics, rollouts, evaluations, images, checkpoints. Rows are appended; a resume drops
 * the rows of steps that the checkpoint does not know.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { configYaml } from "../../config/load.js";
import type { RunConfig } from "../../config/schema.js";
import { differences } from "../../core/differences.js";
import { CheckpointError } from "../../core/errors.js";
import { makeFolder, writeFileAtomic } from "../../core/files/atomic.js";
import { digestJson, sha256 } from "../../core/files/digest.js";
import { appendJsonl, readJsonl, truncateJsonl } from "../../core/files/jsonl.js";
import type {
  EvaluationRecord,
  EvaluationSample,
  ExtractedRecord,
  ResponseRecord,
  RolloutRecord,
} from "../../core/files/runRecords.js";
import { zip } from "../../core/zip.js";
import { changesSince, type KeptQuestions, readKept, writeKept } from "../../data/keptQuestions.js";
import type { Extracted, ImageSource, Question, QuestionGroup, Response } from "../../records.js";
import type { Evaluation } from "../evaluate.js";
import { assertKnown, type StepMetrics } from "./metrics.js";
import { appendEvent, truncateEvents } from "./tensorboard.js";

const METRICS = "metrics.jsonl";
const ROLLOUTS = "rollouts.jsonl";
const EVALUATIONS = "evaluations.jsonl";
const CONFIG = "config.yaml";
/** TensorBoard takes for its own what has `tfevents` in its name. */
const EVENTS = "events.out.tfevents.sharegrpo";
const QUESTIONS = "questions.jsonl";

/** Evaluated questions kept as examples per evaluation. */
const KEPT_SAMPLES = 24;

const extractedRecord = (extracted: Extracted): ExtractedRecord =>
  extracted.kind === "answer" ? { text: extracted.text } : { none: extracted.reason };

/** Numbers that JSON cannot hold become null. */
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** The folder of one run. */
export class RunFolder {
  private constructor(
    readonly dir: string,
    readonly config: RunConfig,
    /** Digest of the settings; a checkpoint carries it too. */
    readonly configDigest: string,
  ) {}

  get checkpoints(): string {
    return join(this.dir, "checkpoints");
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
    await makeFolder(join(dir, "images"));
    await makeFolder(join(dir, "checkpoints"));
    const run = new RunFolder(dir, config, digestJson(config));
    const yaml = configYaml(config);
    const present = await readFile(join(dir, CONFIG), "utf8").catch(() => undefined);
    if (present !== undefined && !isResume) {
      throw new CheckpointError(
        `${dir}: already holds a run: continue it with --resume, or choose another --out`,
      );
    }
    if (present !== undefined && present !== yaml) {
      const changed = differences(parse(present), config);
      throw new CheckpointError(
        `${join(dir, CONFIG)}: the run was started with other settings: ${changed.join("; ")}; resume with --out and --resume alone, or choose another --out`,
      );
    }
    if (present === undefined) await writeFileAtomic(join(dir, CONFIG), yaml);
    return run;
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

  async hasEvaluation(label: "before" | "after"): Promise<boolean> {
    const present = new Set(await readdir(this.dir));
    if (!present.has(EVALUATIONS)) return false;
    const { records } = await readJsonl(join(this.dir, EVALUATIONS));
    return records.some((record) => (record as EvaluationRecord).label === label);
  }

  async appendStep(step: number, metrics: StepMetrics, groups: readonly QuestionGroup[]): Promise<void> {
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
      const bytes = image.kind === "bytes" ? image.bytes : await readFile(image.path);
      const name = `images/${sha256(bytes)}.png`;
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
