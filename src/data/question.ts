/**
 * @module A row as a question, by the column names of R1-ShareVL-52K or others; everything wrong with it is collected.
 */
import { countMarkers, IMAGE_MARKER } from "../model/prompt.js";
import { type Question, TRANSFORMS, type TransformName } from "../records.js";
import { isAbsent, readText, readTextList } from "./cells.js";
import { readImages } from "./imageCells.js";
import type { Row } from "./rowFile.js";

/** Names of the columns that are read. */
export interface QuestionKeys {
  readonly promptKey: string;
  readonly answerKey: string;
  readonly imageKey: string;
  readonly rewritesKey: string;
  /** Empty: rows are numbered. */
  readonly idKey: string;
  readonly categoryKey: string;
}

/** Columns of R1-ShareVL-52K. */
export const QUESTION_KEYS: QuestionKeys = {
  promptKey: "problem",
  answerKey: "answer",
  imageKey: "images",
  rewritesKey: "new_questions",
  idKey: "idx",
  categoryKey: "category",
};

/** Column of transforms that a question does not survive; the drawn scenes have it. */
export const FORBIDDEN_TRANSFORMS_KEY = "forbidden_transforms";

/** What is wrong with a row: a reason to count by, and this row's case of it. */
export interface Problem {
  readonly reason: string;
  readonly detail: string;
}

export interface RowPlace {
  readonly keys: QuestionKeys;
  /** Folder that image paths are relative to. */
  readonly imageDir: string;
  /** The id where the file gives none. */
  readonly fallbackId: string;
}

export type ReadQuestion =
  | { readonly question: Question; readonly unusableRewrites: number }
  | { readonly problems: readonly Problem[] };

/** A cell that must hold words. */
function requiredText(row: Row, key: string, problems: Problem[]): string {
  const cell = row[key];
  const text = readText(cell);
  if (text !== undefined && text.trim() !== "") return text;
  const isMissing = isAbsent(cell) || text !== undefined;
  const found = Array.isArray(cell) ? "a list" : `of type ${typeof cell}`;
  problems.push(
    isMissing
      ? { reason: `no ${key}`, detail: `column ${key} is empty` }
      : { reason: `${key} is not text`, detail: `column ${key} is ${found}` },
  );
  return "";
}

function transformsOf(row: Row, problems: Problem[]): readonly TransformName[] {
  const list = readTextList(row[FORBIDDEN_TRANSFORMS_KEY]);
  const names = "items" in list ? list.items : [];
  const known = TRANSFORMS.filter((transform) => names.includes(transform));
  if ("problem" in list || known.length < new Set(names).size) {
    const detail = "problem" in list ? list.problem : names.join(", ");
    problems.push({ reason: `unknown ${FORBIDDEN_TRANSFORMS_KEY}`, detail });
  }
  return known;
}

/** @returns the question, or everything that is wrong with the row */
export function readQuestion(row: Row, { keys, imageDir, fallbackId }: RowPlace): ReadQuestion {
  const problems: Problem[] = [];
  const text = requiredText(row, keys.promptKey, problems);
  const gold = requiredText(row, keys.answerKey, problems);
  const images = readImages(row[keys.imageKey], imageDir);
  if ("problem" in images) problems.push({ reason: "unusable image", detail: images.problem });
  const rewrites = readTextList(row[keys.rewritesKey]);
  if ("problem" in rewrites) {
    problems.push({ reason: `unreadable ${keys.rewritesKey}`, detail: rewrites.problem });
  }
  const forbiddenTransforms = transformsOf(row, problems);
  const imageCount = "images" in images ? images.images.length : 0;
  const markers = countMarkers(text);
  if (text !== "" && "images" in images && markers !== imageCount) {
    const detail = `${markers} ${IMAGE_MARKER} markers for ${imageCount} images`;
    problems.push({ reason: `${IMAGE_MARKER} markers and images differ`, detail });
  }
  if (problems.length > 0 || !("images" in images) || !("items" in rewrites)) return { problems };
  const usable = rewrites.items.filter((words) => words.trim() !== "" && countMarkers(words) === imageCount);
  const question: Question = {
    id: (keys.idKey === "" ? undefined : readText(row[keys.idKey])) ?? fallbackId,
    text,
    images: images.images,
    gold,
    rewrites: usable,
    category: readText(row[keys.categoryKey]) ?? "all",
    columns: Object.fromEntries(Object.entries(row).filter(([key]) => key !== keys.imageKey)),
    ...(forbiddenTransforms.length > 0 ? { forbiddenTransforms } : {}),
  };
  return { question, unusableRewrites: rewrites.items.length - usable.length };
}
