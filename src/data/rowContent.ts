/**
 * @module What a row asks, as digests: equal ones mean that the same is asked, wherever its files lie.
 */
import { canonicalJson, sha256 } from "../core/files/digest.js";
import { imageBytes } from "../core/image/decode.js";
import type { Question } from "../records.js";

/** Digests of the parts of a question that can change on their own. */
export interface RowContent {
  /** Words and gold answer. */
  readonly question: string;
  /** Bytes of the images as stored; empty without images. */
  readonly images: string;
  /** Usable rewrites, category, transforms that are forbidden. */
  readonly rewrites: string;
}

/** Hex digits kept: 128 bits. */
const DIGITS = 32;
const digestOf = (value: unknown) => sha256(canonicalJson(value)).slice(0, DIGITS);

/** @param imageDigests SHA-256 of each image's bytes */
export function rowContent(question: Question, imageDigests: readonly string[]): RowContent {
  const { text, gold, rewrites, category, forbiddenTransforms = [] } = question;
  return {
    question: digestOf([text, gold]),
    images: imageDigests.length === 0 ? "" : digestOf(imageDigests),
    rewrites: digestOf([rewrites, category, forbiddenTransforms]),
  };
}

/** Equal for rows that ask the same: same words, answer and images. */
export const fingerprintOf = ({ question, images }: RowContent): string => `${question} ${images}`;

/** Reads the images. @throws DataError when a file cannot be read */
export async function contentOf(question: Question): Promise<RowContent> {
  const digests: string[] = [];
  for (const image of question.images) digests.push(sha256(await imageBytes(image)));
  return rowContent(question, digests);
}

const PART_NAMES: Readonly<Record<keyof RowContent, string>> = {
  question: "words or answer",
  images: "images",
  rewrites: "rewrites, category or forbidden transforms",
};

/** The parts in which two differ, for people; empty when they are equal. */
export function changedParts(before: RowContent, now: RowContent): string[] {
  const parts = Object.keys(PART_NAMES) as (keyof RowContent)[];
  return parts.filter((part) => before[part] !== now[part]).map((part) => PART_NAMES[part]);
}
