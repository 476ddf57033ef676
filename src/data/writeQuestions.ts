/**
 * @module Questions to files in R1-ShareVL-52K's layout: `idx, problem, answer, images, new_questions` and, for drawn
 * scenes, `category` and `forbidden_transforms`. Parquet or JSONL, by the file's ending.
 */
import { extname } from "node:path";
import type { SchemaElement } from "hyparquet";
import { ByteWriter, parquetWriteRows } from "hyparquet-writer";
import { DataError } from "../core/errors.js";
import { writeFileAtomic } from "../core/files/atomic.js";
import { imageBytes } from "../core/image/decode.js";
import type { Question } from "../records.js";

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

function parquetBytes(rows: readonly Awaited<ReturnType<typeof rowOf>>[], rowGroupSize: number): Uint8Array {
  const writer = new ByteWriter();
  parquetWriteRows({
    writer,
    rows: [...rows],
    columns: COLUMNS.map((name) => ({ name })),
    schema: [...QUESTION_SCHEMA],
    rowGroupSize,
  });
  return writer.getBytes();
}

/**
 * Writes questions, images as bytes (Parquet) or base64 (JSONL).
 * @param path ends in `.parquet` or `.jsonl`
 * @throws DataError for another ending; CheckpointError when it cannot be written
 */
export async function writeQuestions(
  path: string,
  questions: readonly Question[],
  options: { readonly rowsPerGroup?: number } = {},
): Promise<void> {
  const rows = await Promise.all(questions.map(rowOf));
  const ending = extname(path);
  if (ending === ".parquet") {
    return writeFileAtomic(path, parquetBytes(rows, options.rowsPerGroup ?? ROWS_PER_GROUP));
  }
  if (ending !== ".jsonl") throw new DataError(`${path}: unsupported ending: write .parquet or .jsonl`);
  const lines = rows.map(({ images, ...row }) => {
    const encoded = images.map(({ bytes }) => Buffer.from(bytes).toString("base64"));
    return `${JSON.stringify({ ...row, images: encoded })}\n`;
  });
  await writeFileAtomic(path, lines.join(""));
}
