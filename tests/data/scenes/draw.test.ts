import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { Rng } from "../../../src/core/rng.js";
import {
  CAREFUL_OPENINGS,
  drawScene,
  FAMILIES,
  HURRIED_OPENINGS,
  renderScene,
  sceneQuestion,
} from "../../../src/data/scenes/draw.js";
import { CELL, INK } from "../../../src/data/scenes/ink.js";
import { readMarks } from "./marks.js";
import { solve } from "./solve.js";

const SEEDS = 500;
const draw = (family: (typeof FAMILIES)[number], seed: number) => drawScene(family, Rng.fromSeed(seed));
const wordCount = (text: string) => text.split(" ").length;

describe.each(FAMILIES)("%s", (family) => {
  const scenes = Array.from({ length: SEEDS }, (_, seed) => draw(family, seed));

  test("every wording has the gold answer when solved from the drawing", () => {
    for (const scene of scenes) {
      for (const words of [scene.question, ...scene.rewrites]) {
        expect({ id: scene.id, words, answer: solve(scene, words) }).toEqual({
          id: scene.id,
          words,
          answer: scene.gold,
        });
      }
    }
  });

  test("the shortcut is right in 10 to 40 % of scenes", () => {
    const right = scenes.filter((scene) => scene.shortcut.answer === scene.gold).length;
    expect(right / SEEDS).toBeGreaterThan(0.1);
    expect(right / SEEDS).toBeLessThan(0.4);
  });

  test("no answer alone is right in more than 40 % of scenes", () => {
    const golds = new Map<string, number>();
    for (const { gold } of scenes) golds.set(gold, (golds.get(gold) ?? 0) + 1);
    expect(Math.max(...golds.values()) / SEEDS).toBeLessThan(0.4);
    expect(golds.size).toBeGreaterThanOrEqual(4);
  });

  test("has at least four other wordings, each with one marker in front and at most 30 words", () => {
    for (const { question, rewrites } of scenes) {
      const wordings = [question, ...rewrites];
      expect(new Set(wordings).size).toBeGreaterThanOrEqual(5);
      for (const words of wordings) {
        expect(words).toMatch(/^<image>[^<]+$/);
        expect(wordCount(words)).toBeLessThanOrEqual(30);
      }
    }
  });

  test("sides are multiples of 28 between 112 and 196, and the area stays small", () => {
    for (const { width, height } of scenes) {
      expect([width % CELL, height % CELL]).toEqual([0, 0]);
      expect(Math.min(width, height)).toBeGreaterThanOrEqual(112);
      expect(Math.max(width, height)).toBeLessThanOrEqual(196);
      expect(width * height).toBeLessThanOrEqual(168 * 140);
    }
  });

  test("marks stay inside the picture", () => {
    for (const { svg, width, height } of scenes) {
      for (const { x, y } of readMarks(svg)) {
        expect(x > 0 && y > 0 && x < width && y < height).toBe(true);
      }
    }
  });

  test("careful and hurried reasoning differ from the first word on, and careful reasoning is short", () => {
    for (const { reasoning, shortcut } of scenes) {
      expect(CAREFUL_OPENINGS.some((opening) => reasoning.startsWith(`${opening} `))).toBe(true);
      expect(HURRIED_OPENINGS.some((opening) => shortcut.reasoning.startsWith(`${opening} `))).toBe(true);
      expect(reasoning.split(" ")[0]).not.toBe(shortcut.reasoning.split(" ")[0]);
      expect(wordCount(reasoning)).toBeLessThanOrEqual(45);
    }
  });

  test("the reasoning's last words give the answer", () => {
    for (const { reasoning, gold } of scenes) {
      const plain = gold.replace("^\\circ", "").replace(/\\frac\{(\d+)\}\{(\d+)\}/, "$1/$2");
      expect(reasoning.endsWith(`${plain}.`)).toBe(true);
    }
  });

  test("the same seed draws the same scene, other seeds others", () => {
    expect(draw(family, 7)).toEqual(scenes[7]);
    expect(new Set(scenes.map((scene) => scene.id)).size).toBeGreaterThan(0.9 * SEEDS);
  });
});

test("scattered marks have cells of their own", () => {
  for (const family of ["count", "difference", "relation"] as const) {
    for (let seed = 0; seed < 200; seed++) {
      const marks = readMarks(draw(family, seed).svg);
      const cells = marks.map(({ x, y }) => `${Math.floor(x / CELL)},${Math.floor(y / CELL)}`);
      expect(new Set(cells).size).toBe(marks.length);
    }
  }
});

test("the content hash depends on the picture alone", () => {
  for (const family of FAMILIES) {
    const scenes = Array.from({ length: 200 }, (_, seed) => draw(family, seed));
    const svgOf = new Map(scenes.map((scene) => [scene.contentHash, scene.svg]));
    expect(svgOf.size).toBe(new Set(scenes.map((scene) => scene.svg)).size);
    for (const scene of scenes) expect(svgOf.get(scene.contentHash)).toBe(scene.svg);
  }
});

test("relation and grid forbid quarter turns, cards every move", () => {
  expect(draw("relation", 1).forbiddenTransforms).toEqual(["rotate_90cw", "rotate_90ccw"]);
  expect(draw("grid", 1).forbiddenTransforms).toEqual(["rotate_90cw", "rotate_90ccw"]);
  expect(draw("cards", 1).forbiddenTransforms.filter((name) => name.includes("noise"))).toEqual([]);
  expect(draw("cards", 1).forbiddenTransforms).toHaveLength(6);
  expect(draw("count", 1).forbiddenTransforms).toEqual([]);
});

describe("renderScene", () => {
  test("draws RGB pixels of the scene's size, the same bytes each time", async () => {
    for (const family of FAMILIES) {
      const scene = draw(family, 3);
      const png = await renderScene(scene);
      expect(await renderScene(scene)).toEqual(png);
      const { width, height, channels, format } = await sharp(png).metadata();
      expect([width, height, channels, format]).toEqual([scene.width, scene.height, 3, "png"]);
    }
  });

  test.each(["count", "difference", "relation", "grid", "fraction", "barValue"] as const)(
    "%s: the middle of every mark has the mark's colour",
    async (family) => {
      for (let seed = 0; seed < 5; seed++) {
        const scene = draw(family, seed);
        const { data } = await sharp(await renderScene(scene))
          .raw()
          .toBuffer({ resolveWithObject: true });
        for (const { name, x, y } of readMarks(scene.svg)) {
          const colour = name.split(" ")[0] ?? "";
          const hex = colour === "plain" ? INK.white : INK[colour as keyof typeof INK];
          const at = (Math.floor(y) * scene.width + Math.floor(x)) * 3;
          expect(`#${data.subarray(at, at + 3).toString("hex")}`).toBe(hex);
        }
      }
    },
  );

  test("distinct pictures have distinct pixels", async () => {
    const scenes = Array.from({ length: 40 }, (_, seed) => draw("dice", seed));
    const pngs = await Promise.all(scenes.map(renderScene));
    const pixels = new Set(pngs.map((png) => Buffer.from(png).toString("base64")));
    expect(pixels.size).toBe(new Set(scenes.map((scene) => scene.contentHash)).size);
  });
});

test("sceneQuestion carries everything a question needs", async () => {
  const scene = draw("cards", 2);
  const question = await sceneQuestion(scene);
  expect(question).toMatchObject({
    id: scene.id,
    text: scene.question,
    gold: scene.gold,
    category: "cards",
    rewrites: scene.rewrites,
    forbiddenTransforms: scene.forbiddenTransforms,
  });
  expect(question.images).toEqual([{ kind: "bytes", bytes: await renderScene(scene) }]);
});
