/**
 * @module A data set of drawn scenes as a hub folder holds one: card, two training shards, one of held-out questions; and
 * the training questions once more as JSONL.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../src/core/files/atomic.js";
import { sceneQuestion } from "../../src/data/scenes/draw.js";
import { type SplitName, sceneStream } from "../../src/data/scenes/sets.js";
import { writeQuestions } from "../../src/data/writeQuestions.js";
import type { Question } from "../../src/records.js";

const SEED = 52;
const TRAINING = 24;
const HELD_OUT = 12;
/** Small, so that the sample has several groups a file. */
const ROWS_PER_GROUP = 5;

const CARD = `---
license: apache-2.0
configs:
  - config_name: default
    data_files:
      - split: train
        path: data/train-*
      - split: validation
        path: data/validation-*
---

# Drawn scenes

${TRAINING} training and ${HELD_OUT} held-out questions about drawn scenes, with four or more rewrites each, in
R1-ShareVL-52K's columns (\`idx, problem, answer, images, new_questions\`). \`train.jsonl\` holds the training questions
again. Written by \`node dist/benchmarks/samples/make.js\`.
`;

function questions(split: SplitName, count: number): Promise<Question[]> {
  const stream = sceneStream({ seed: SEED, split });
  return Promise.all(Array.from({ length: count }, (_, index) => sceneQuestion(stream.at(index))));
}

/** Writes the files below `folder`. @returns their paths */
export async function writeTrainSamples(folder: string): Promise<string[]> {
  await mkdir(join(folder, "data"), { recursive: true });
  const train = await questions("train", TRAINING);
  const heldout = await questions("heldout", HELD_OUT);
  const files: readonly (readonly [string, readonly Question[]])[] = [
    ["data/train-00000-of-00002.parquet", train.slice(0, TRAINING / 2)],
    ["data/train-00001-of-00002.parquet", train.slice(TRAINING / 2)],
    ["data/validation-00000-of-00001.parquet", heldout],
    ["train.jsonl", train],
  ];
  for (const [name, rows] of files) {
    await writeQuestions(join(folder, name), rows, { rowsPerGroup: ROWS_PER_GROUP });
  }
  const card = join(folder, "README.md");
  await writeFileAtomic(card, CARD);
  return [card, ...files.map(([name]) => join(folder, name))];
}
