/**
 * @module The data of a whole run as one Parquet file: a row per variant of every question of every step, in order,
 * with its words and transformed images. The cluster draws nothing.
 */
import type { SchemaElement } from "hyparquet";
import type { RunConfig } from "../../config/schema.js";
import { imageBytes } from "../../core/image/decode.js";
import type { OnProgress } from "../../core/progress.js";
import { Rng } from "../../core/rng.js";
import type { QuestionSource } from "../../data/source.js";
import { writeParquet } from "../../data/writeParquet.js";
import { IMAGES_COLUMN, ROWS_PER_GROUP, textColumn } from "../../data/writeQuestions.js";
import { expandQuestion } from "../../expand/expand.js";
import type { ImageSource } from "../../records.js";

const NAMES = ["problem", "answer", "images", "question_id", "variant"] as const;

const SCHEMA: readonly SchemaElement[] = [
  { name: "root", num_children: NAMES.length },
  textColumn("problem"),
  textColumn("answer"),
  ...IMAGES_COLUMN,
  textColumn("question_id"),
  { name: "variant", type: "INT32", repetition_type: "OPTIONAL" },
];

export interface VariantRow {
  readonly problem: string;
  readonly answer: string;
  readonly images: readonly { readonly bytes: Uint8Array; readonly path: null }[];
  /** Of a question in a step: the same question in another step is another group. */
  readonly question_id: string;
  readonly variant: number;
}

async function bytesOf(image: ImageSource): Promise<{ bytes: Uint8Array; path: null }> {
  return { bytes: new Uint8Array(await imageBytes(image)), path: null };
}

/** The rows of one step, drawn as the local trainer draws them. */
export async function* variantRows(
  config: RunConfig,
  questions: QuestionSource,
  step: number,
): AsyncGenerator<VariantRow> {
  const { questionsPerStep } = config.train;
  const rng = Rng.fromSeed(config.seed).split("step", step);
  const first = (step - 1) * questionsPerStep;
  for (let at = 0; at < questionsPerStep; at++) {
    const question = await questions.train(first + at);
    const { variants } = await expandQuestion(question, config.expand, rng);
    for (const { text, images, index } of variants) {
      yield {
        problem: text,
        answer: question.gold,
        images: await Promise.all(images.map(bytesOf)),
        question_id: `${step}/${question.id}`,
        variant: index,
      };
    }
  }
}

/** Held-out questions in their original words. */
async function* heldoutRows(
  { expand }: RunConfig,
  questions: QuestionSource,
  count: number,
): AsyncGenerator<VariantRow> {
  for (let at = 0; at < count; at++) {
    const question = await questions.heldout(at);
    const problem = expand.formatPrompt === "" ? question.text : `${question.text} ${expand.formatPrompt}`;
    const images = await Promise.all(question.images.map(bytesOf));
    yield { problem, answer: question.gold, images, question_id: question.id, variant: 0 };
  }
}

const LAYOUT = { columns: NAMES, schema: SCHEMA, rowsPerGroup: ROWS_PER_GROUP };

/** Writes the training rows of all steps. @throws DataError when a question cannot be expanded or its image not read */
export function writeVariants(
  path: string,
  config: RunConfig,
  questions: QuestionSource,
  onProgress?: OnProgress,
): Promise<void> {
  async function* allRows() {
    for (let step = 1; step <= config.train.steps; step++) {
      yield* variantRows(config, questions, step);
      onProgress?.({ phase: "variants", done: step, total: config.train.steps });
    }
  }
  return writeParquet(path, allRows(), LAYOUT);
}

/** Writes held-out questions; @returns how many there are */
export async function writeHeldout(
  path: string,
  config: RunConfig,
  questions: QuestionSource,
): Promise<number> {
  const count = Math.min(config.train.evaluateQuestions, questions.heldoutCount ?? Number.POSITIVE_INFINITY);
  if (count > 0) await writeParquet(path, heldoutRows(config, questions, count), LAYOUT);
  return count;
}
