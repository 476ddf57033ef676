/**
 * @module One pass over a data set before anything is trained on it: what is wrong with which rows, how large images and
 * prompts are, what each row asks, which rows are kept. Only numbers and short texts are kept in memory.
 */
import { DataError, messageOf } from "../core/errors.js";
import { mapInOrder } from "../core/mapInOrder.js";
import type { OnProgress } from "../core/progress.js";
import type { Processor } from "../model/processor.js";
import type { ImageSize, Question } from "../records.js";
import { type ImageLimits, imageTokens } from "./pixels.js";
import { exactPromptLength, promptLengthBound } from "./promptLength.js";
import { type Problem, type QuestionKeys, readQuestion } from "./question.js";
import { type RowContent, rowContent } from "./rowContent.js";
import type { RowFile, ScannedRow } from "./rowFile.js";
import { type GoodImages, type ImageCheck, type SeenFile, seeImages } from "./rowImages.js";

/** Limit on prompts and what measures them. */
export interface PromptLimit {
  readonly processor: Processor;
  /** Appended to every question after one space. */
  readonly formatPrompt: string;
  /** Tokens. */
  readonly maxPromptLength: number;
  /** Every question's tokens, for a report; else only those that might be too long. */
  readonly measuresAll: boolean;
}

export interface SurveyOptions {
  readonly keys: QuestionKeys;
  readonly check: ImageCheck;
  readonly imageDirOf: (file: RowFile) => string;
  /** Images are brought within these when they are asked. */
  readonly limits: ImageLimits;
  readonly prompt?: PromptLimit;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** A row that cannot be used, and the first of its faults. */
export interface BadRow extends Problem {
  /** `train.jsonl: line 7`. */
  readonly where: string;
}

/** What is known of a usable row. */
export interface RowFacts {
  /** Which of the files. */
  readonly file: number;
  readonly row: number;
  /** `line 7`. */
  readonly place: string;
  readonly id: string;
  readonly content: RowContent;
  readonly sizes: readonly ImageSize[];
  /** Files of its images; absent where there are none. */
  readonly imageFiles?: readonly SeenFile[];
  readonly rewrites: number;
  readonly unusableRewrites: number;
  /** Tokens of the question as a prompt, where measured. */
  readonly promptTokens?: number;
  /** A wording of it does not fit the prompt limit. */
  readonly isOverlong: boolean;
}

export interface Survey {
  readonly paths: readonly string[];
  /** Rows of all files. */
  readonly rows: number;
  readonly kept: readonly RowFacts[];
  readonly bad: readonly BadRow[];
  readonly largestReadBytes: number;
}

type Surveyed = { readonly facts: RowFacts } | { readonly problems: readonly Problem[] };

type Measured = Pick<RowFacts, "promptTokens" | "isOverlong">;

/** @throws DataError when words hold a control token, or an image is too long and thin */
function measurePrompt(
  question: Question,
  sizes: readonly ImageSize[],
  { limits, prompt }: Pick<SurveyOptions, "limits" | "prompt">,
): Measured {
  if (!prompt) return { isOverlong: false };
  const { processor, formatPrompt, maxPromptLength, measuresAll } = prompt;
  const images = sizes.map((size) => imageTokens(size, processor.image, limits));
  const wordings = [question.text, ...question.rewrites].map((words) => `${words} ${formatPrompt}`);
  const special = [...processor.specialTokens.keys()].find((token) =>
    wordings.some((words) => words.includes(token)),
  );
  if (special !== undefined) throw new DataError(`the words hold the control token ${special}`);
  const isLong = (words: string) =>
    promptLengthBound(words, images) > maxPromptLength &&
    exactPromptLength(processor, words, images) > maxPromptLength;
  const isOverlong = wordings.some(isLong);
  const [asked = ""] = wordings;
  return measuresAll
    ? { isOverlong, promptTokens: exactPromptLength(processor, asked, images) }
    : { isOverlong };
}

/** A row and where it stands. */
interface RowAt {
  readonly file: RowFile;
  readonly fileIndex: number;
  readonly scanned: ScannedRow;
}

async function surveyRow(
  { file, fileIndex, scanned }: RowAt,
  options: SurveyOptions,
  good: GoodImages,
): Promise<Surveyed> {
  if ("problem" in scanned)
    return { problems: [{ reason: "unreadable row", detail: scanned.problem.slice(0, 200) }] };
  const fallbackId = rowId(fileIndex, scanned.row);
  const place = { keys: options.keys, imageDir: options.imageDirOf(file), fallbackId };
  const read = readQuestion(scanned.cells, place);
  if ("problems" in read) return read;
  const { question, unusableRewrites } = read;
  const seen = await seeImages(question.images, options.check, good);
  if ("reason" in seen) return { problems: [seen] };
  let measured: Measured;
  try {
    measured = measurePrompt(question, seen.sizes, options);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return { problems: [{ reason: "unusable as a prompt", detail: messageOf(error) }] };
  }
  return {
    facts: {
      file: fileIndex,
      row: scanned.row,
      place: file.placeOf(scanned.row),
      id: question.id,
      content: rowContent(question, seen.digests),
      sizes: seen.sizes,
      ...(seen.files.length > 0 ? { imageFiles: seen.files } : {}),
      rewrites: question.rewrites.length,
      unusableRewrites,
      ...measured,
    },
  };
}

/** The id of a row where the file gives none. */
export function rowId(file: number, row: number): string {
  return file === 0 ? `row-${row}` : `row-${file}-${row}`;
}

function checkColumns(file: RowFile, keys: QuestionKeys): void {
  const required = [
    ["promptKey", keys.promptKey],
    ["answerKey", keys.answerKey],
  ] as const;
  const missing = required.filter(([, name]) => !file.columns.includes(name));
  if (missing.length === 0 || file.count === 0) return;
  const names = missing.map(([, name]) => name).join(", ");
  const settings = missing.map(([setting]) => `data.${setting}`).join(", ");
  const advice = `it has ${file.columns.join(", ")}; name the right ones with ${settings}`;
  throw new DataError(`${file.path}: missing columns: ${names}; ${advice}`);
}

async function* rowsOf(files: readonly RowFile[], signal?: AbortSignal): AsyncGenerator<RowAt> {
  for (const [fileIndex, file] of files.entries()) {
    for await (const scanned of file.scan()) {
      signal?.throwIfAborted();
      yield { file, fileIndex, scanned };
    }
  }
}

/** Rows looked at together: as many as sharp decodes at once, and as many images are in memory. */
const ROWS_AT_ONCE = 4;

/**
 * Looks at every row of the files.
 * @throws DataError when a file lacks the columns of questions and answers, or is damaged
 */
export async function survey(files: readonly RowFile[], options: SurveyOptions): Promise<Survey> {
  for (const file of files) checkColumns(file, options.keys);
  const rows = files.reduce((sum, { count }) => sum + count, 0);
  const kept: RowFacts[] = [];
  const bad: BadRow[] = [];
  const placeOfId = new Map<string, string>();
  const good: GoodImages = new Map();
  let done = 0;
  const look = async (at: RowAt) => ({ at, surveyed: await surveyRow(at, options, good) });
  for await (const { at, surveyed } of mapInOrder(rowsOf(files, options.signal), ROWS_AT_ONCE, look)) {
    const where = `${at.file.path}: ${at.file.placeOf(at.scanned.row)}`;
    if ("problems" in surveyed) {
      const [first] = surveyed.problems;
      const detail = surveyed.problems.map((problem) => problem.detail).join("; ");
      bad.push({ where, reason: first?.reason ?? "unusable row", detail });
    } else {
      const before = placeOfId.get(surveyed.facts.id);
      if (before === undefined) kept.push(surveyed.facts);
      else bad.push({ where, reason: "repeated id", detail: `id ${surveyed.facts.id} as in ${before}` });
      placeOfId.set(surveyed.facts.id, before ?? where);
    }
    options.onProgress?.({ phase: "check data", done: ++done, total: rows });
  }
  const largestReadBytes = files.reduce((most, file) => Math.max(most, file.largestReadBytes), 0);
  return { paths: files.map(({ path }) => path), rows, kept, bad, largestReadBytes };
}

const MOST_SHOWN = 20;

/** How often each reason occurs, most frequent first. */
export function countReasons(bad: readonly Problem[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const { reason } of bad) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}

/** The first bad rows and all reasons, a line each. */
export function describeBadRows(bad: readonly BadRow[]): string[] {
  const shown = bad
    .slice(0, MOST_SHOWN)
    .map(({ where, reason, detail }) => `  ${where}: ${reason}: ${detail}`);
  const more = bad.length > MOST_SHOWN ? [`  … and ${bad.length - MOST_SHOWN} more`] : [];
  return [...countReasons(bad).map(([reason, count]) => `  ${count} × ${reason}`), ...shown, ...more];
}
