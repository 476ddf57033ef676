/**
 * @module The data of a whole run for the released R1-ShareVL code: a row per question of every step, in order, in
 * R1-ShareVL-52K's layout. The code itself draws wordings and transforms.
 */
import type { RunConfig } from "../../config/schema.js";
import { DataError } from "../../core/errors.js";
import type { OnProgress } from "../../core/progress.js";
import type { QuestionSource } from "../../data/source.js";
import { writeQuestions } from "../../data/writeQuestions.js";
import type { Question } from "../../records.js";

/** What the released code would stop at, or get wrong, with this question. */
function problemOf(
  { images, rewrites, forbiddenTransforms = [] }: Question,
  variants: number,
): string | undefined {
  if (images.length === 0) return "no image: the released code reads questions with images only";
  const wordings = rewrites.length + 1;
  if (wordings < variants) {
    return `${wordings} wordings, and expand.variants=${variants}: the released code stops there: rewrite it (\`sharegrpo expand\`)`;
  }
  if (forbiddenTransforms.length === 0) return undefined;
  return `${forbiddenTransforms.join(", ")} would change its answer: the released code draws every transform`;
}

/** @throws DataError naming the first question that the released code cannot use */
export function writeReleasedQuestions(
  path: string,
  { expand, train }: RunConfig,
  questions: QuestionSource,
  onProgress?: OnProgress,
): Promise<void> {
  async function* allQuestions(): AsyncGenerator<Question> {
    for (let step = 1; step <= train.steps; step++) {
      for (let at = 0; at < train.questionsPerStep; at++) {
        const question = await questions.train((step - 1) * train.questionsPerStep + at);
        const problem = problemOf(question, expand.variants);
        if (problem) throw new DataError(`engine.stack=r1-sharevl: question ${question.id}: ${problem}`);
        yield question;
      }
      onProgress?.({ phase: "variants", done: step, total: train.steps });
    }
  }
  return writeQuestions(path, allQuestions());
}
