/**
 * @module What sample rows are made of: held-out drawn scenes, their questions as multiple choice, and their pictures
 * in the base64 that benchmark files hold.
 */
import sharp from "sharp";
import { invariant } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { type FamilyName, renderScene, type Scene } from "../../src/data/scenes/draw.js";
import { CELL, COLOURS, type Colour, INK, rectangle, svgDocument } from "../../src/data/scenes/ink.js";
import { sceneStream } from "../../src/data/scenes/sets.js";

const SEED = 2026;

/** Scene number `at` of a family; the same one every time. */
export function sampleScene(family: FamilyName, at: number): Scene {
  return sceneStream({ seed: SEED, split: "heldout", families: [family] }).at(at);
}

/** The question in words, the image marker left out. */
export function wordsOf({ question }: Pick<Scene, "question">): string {
  return question.replace("<image>", "");
}

export async function pngBase64(scene: Pick<Scene, "svg">): Promise<string> {
  return Buffer.from(await renderScene(scene)).toString("base64");
}

export async function jpegBase64({ svg }: Pick<Scene, "svg">): Promise<string> {
  const bytes = await sharp(Buffer.from(svg)).removeAlpha().jpeg({ quality: 85 }).toBuffer();
  return bytes.toString("base64");
}

/** A question with options; `letter` names the right one. */
export interface Choice {
  readonly question: string;
  readonly options: readonly string[];
  readonly letter: string;
  readonly svg: string;
}

const LETTERS = "ABCDEFGHI";

/** A scene with a number for answer, that number among `count` others near it, in a drawn order. */
export function numberChoice(family: FamilyName, at: number, count = 4): Choice {
  const scene = sampleScene(family, at);
  const gold = Number.parseInt(scene.gold, 10);
  invariant(!Number.isNaN(gold), `numberChoice: ${family} ${at}: gold is ${scene.gold}`);
  const low = Math.max(0, gold - Math.floor(count / 2));
  const options = Array.from({ length: count }, (_, step) => String(low + step));
  const shuffled = Rng.fromSeed(SEED).split("options", family, at).shuffle(options);
  const letter = LETTERS.charAt(shuffled.indexOf(String(gold)));
  return { question: wordsOf(scene), options: shuffled, letter, svg: scene.svg };
}

const LISTED = /(?:pick one: )?A\. (\w+) B\. (\w+) C\. (\w+) D\. (\w+)\.?/;

/** A scene that lists its own options, the list taken out of its words. */
export function listedChoice(family: "relation" | "grid", at: number): Choice {
  const scene = sampleScene(family, at);
  const words = wordsOf(scene);
  const found = LISTED.exec(words);
  invariant(found, `listedChoice: ${family} ${at}: no options in: ${words}`);
  const question = words.replace(LISTED, " ").replace(/\s+/g, " ").trim();
  return { question, options: found.slice(1), letter: scene.gold, svg: scene.svg };
}

/** Five squares in a row, one of another colour: a question whose options A to E are in the picture. */
export function oddSquare(at: number): Choice {
  const rng = Rng.fromSeed(SEED).split("odd square", at);
  const [plain, odd] = rng.shuffle<Colour>(COLOURS);
  invariant(plain && odd, "oddSquare: needs two colours");
  const place = rng.integer(0, 5);
  const squares = Array.from({ length: 5 }, (_, cell) => {
    const colour = cell === place ? odd : plain;
    const corner = { x: cell * CELL + 4, y: 2 * CELL + 4 };
    return rectangle(corner, CELL - 8, CELL - 8, `fill="${INK[colour]}" data-mark="${colour} square"`);
  });
  const svg = svgDocument({ width: 5 * CELL, height: 5 * CELL, ground: INK.white, elements: squares });
  const options = Array.from("ABCDE");
  const question = `the squares are named A to E from left to right. which one is ${odd}?`;
  return { question, options, letter: LETTERS.charAt(place), svg };
}

/** Options as columns: `{ A: …, B: … }`. */
export function optionColumns(options: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(options.map((text, at) => [LETTERS.charAt(at), text]));
}

/** A Python list literal of strings, as `str(list)` prints it. */
export function pythonList(items: readonly string[]): string {
  const quoted = items.map((item) => {
    const plain = item.replaceAll("\\", "\\\\");
    return plain.includes("'") && !plain.includes('"') ? `"${plain}"` : `'${plain.replaceAll("'", "\\'")}'`;
  });
  return `[${quoted.join(", ")}]`;
}
