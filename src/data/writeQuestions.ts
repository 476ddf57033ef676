/**
 * @module Questions to files in R1-ShareVL-52K's layout: `idx, problem, answer, images, new_questions` and, for drawn
 * scenes, `category` and `forbidden_transforms`. Parquet or JSONL, by the file's ending.
 */
import { extname } from "node:path";
import type { SchemaElement } from "hyparquet";
import { DataError } from "../core/errors.js";
import { replaceFile } from "../core/files/atomic.js";
import { writeLines } from "../core/files/jsonl.js";
import { imageBytes } from "../core/image/decode.js";
import type { Question } from "../records.js";
import { writeParquet } from "./writeParquet.js";

/** Rows of a Parquet row group: what is read at once, so a few dozen images. */
export const ROWS_PER_GROUP = 100;

/** A column of text that may be missing. */
export const textColumn = (name: string): SchemaElement => ({
  name,
  type: "BYTE_ARRAY",
  converted_type: "UTF8",
  repetition_type: "OPTIONAL",
});

/** The three levels that Parquet makes a list of. */
export const listColumn = (name: string, ...element: readonly SchemaElement[]): SchemaElement[] => [
  { name, repetition_type: "OPTIONAL", num_children: 1, converted_type: "LIST" },
  { name: "list", repetition_type: "REPEATED", num_children: 1 },
  ...element,
];

/** Pictures as Hugging Face's `datasets` keeps them: bytes, or a path. */
export const IMAGES_COLUMN = listColumn(
  "images",
  { name: "element", repetition_type: "OPTIONAL", num_children: 2 },
  { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
  textColumn("path"),
);

/** Columns of a Parquet file of questions, as Hugging Face's `datasets` writes them. */
export const QUESTION_SCHEMA: readonly SchemaElement[] = [
  { name: "root", num_children: 7 },
  textColumn("idx"),
  textColumn("problem"),
  textColumn("answer"),
  ...IMAGES_COLUMN,
  ...listColumn("new_questions", textColumn("element")),
  textColumn("category"),
  ...listColumn("forbidden_transforms", textColumn("element")),
];

const COLUMNS = [
  "idx",
  "problem",
  "answer",
  "images",
  "new_questions",
  "category",
  "forbidden_transforms",
] as const;

async function rowOf(question: Question) {
  const bytes = await Promise.all(question.images.map(imageBytes));
  return {
    idx: question.id,
    problem: question.text,
    answer: question.gold,
    images: bytes.map((one) => ({ bytes: new Uint8Array(one), path: null as string | null })),
    new_questions: [...question.rewrites],
    category: question.category,
    forbidden_transforms: [...(question.forbiddenTransforms ?? [])],
  };
}

/** Questions in an array, or made one by one. */
export type Questions = Iterable<Question> | AsyncIterable<Question>;

async function* rowsOf(questions: Questions) {
  for await (const question of questions) yield await rowOf(question);
}

async function* linesOf(questions: Questions): AsyncGenerator<string> {
  for await (const { images, ...row } of rowsOf(questions)) {
    const encoded = images.map(({ bytes }) => Buffer.from(bytes).toString("base64"));
    yield JSON.stringify({ ...row, images: encoded });
  }
}

/**
 * Writes questions, images as bytes (Parquet) or base64 (JSONL), without holding them all.
 * @param path ends in `.parquet` or `.jsonl`
 * @throws DataError for another ending; CheckpointError when it cannot be written
 */
export async function writeQuestions(
  path: string,
  questions: Questions,
  { rowsPerGroup = ROWS_PER_GROUP }: { readonly rowsPerGroup?: number } = {},
): Promise<void> {
  const ending = extname(path);
  if (ending === ".parquet") {
    return writeParquet(path, rowsOf(questions), { columns: COLUMNS, schema: QUESTION_SCHEMA, rowsPerGroup });
  }
  if (ending !== ".jsonl") throw new DataError(`${path}: unsupported ending: write .parquet or .jsonl`);
  await replaceFile(path, (temporary) => writeLines(temporary, linesOf(questions)));
}
