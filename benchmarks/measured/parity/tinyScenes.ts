/**
 * @module Writes held-out scenes as files, so that Python can read the very questions the tests ask.
 *
 *     node dist/benchmarks/measured/parity/tinyScenes.js tests/golden/tiny
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { runSchema } from "../../../src/config/schema.js";
import { writeFileAtomic } from "../../../src/core/files/atomic.js";
import { FAMILIES, renderScene } from "../../../src/data/scenes/draw.js";
import { sceneStream } from "../../../src/data/scenes/sets.js";

const SEED = 99;

const folder = process.argv[2] ?? "tests/golden/tiny";
await mkdir(folder, { recursive: true });
const stream = sceneStream({ seed: SEED, split: "heldout" });
const { formatPrompt } = runSchema.parse({}).expand;
const questions = [];
for (let index = 0; index < FAMILIES.length; index++) {
  const scene = stream.at(index);
  const image = `${scene.family}.png`;
  await writeFileAtomic(join(folder, image), await renderScene(scene));
  questions.push({ image, text: `${scene.question} ${formatPrompt}`, gold: scene.gold });
}
const command = "node dist/benchmarks/measured/parity/tinyScenes.js tests/golden/tiny";
await writeFileAtomic(
  join(folder, "questions.json"),
  `${JSON.stringify({ command, questions }, undefined, 1)}\n`,
);
