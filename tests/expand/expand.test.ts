import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { DataError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { drawScene, FAMILIES, sceneQuestion } from "../../src/data/scenes/draw.js";
import { type ExpandOptions, expandQuestion } from "../../src/expand/expand.js";
import { guidanceSentence } from "../../src/expand/guidance.js";
import { type Question, TRANSFORMS } from "../../src/records.js";
import { corpus } from "../../src/tiny/corpus.js";

const OPTIONS: ExpandOptions = {
  variants: 2,
  transformProbability: 0,
  formatPrompt: "Answer in a box.",
  isOriginalFirst: true,
};
const rng = (seed = 1) => Rng.fromSeed(seed);
let image: Uint8Array;
let question: Question;

beforeAll(async () => {
  const raw = Uint8Array.from({ length: 18 }, (_, at) => at * 10);
  image = new Uint8Array(
    await sharp(raw, { raw: { width: 3, height: 2, channels: 3 } })
      .png()
      .toBuffer(),
  );
  question = {
    id: "q1",
    text: "<image>original",
    images: [{ kind: "bytes", bytes: image }],
    gold: "1",
    rewrites: ["<image>one", "<image>two", "<image>three", "<image>four"],
    category: "test",
  };
});

describe("wordings", () => {
  test("variant 0 is the original, the others are different rewrites", async () => {
    const { variants, notes } = await expandQuestion(question, { ...OPTIONS, variants: 5 }, rng());
    expect(notes).toEqual([]);
    expect(variants.map((variant) => variant.index)).toEqual([0, 1, 2, 3, 4]);
    expect(variants[0]?.wording).toBe("original");
    expect(new Set(variants.map((variant) => variant.text)).size).toBe(5);
    expect(variants[0]?.text).toBe("<image>original Answer in a box.");
    for (const { wording, text } of variants.slice(1)) {
      expect(text).toBe(`${question.rewrites[Number(wording)]} Answer in a box.`);
    }
  });

  // 2 of 5 wordings: P(original) = 0.4; 400 questions, standard error 0.0245.
  test("as in the released code, the original is drawn like any rewrite", async () => {
    let originals = 0;
    for (let at = 0; at < 400; at++) {
      const options = { ...OPTIONS, isOriginalFirst: false };
      const { variants } = await expandQuestion({ ...question, id: `q${at}` }, options, rng());
      if (variants.some((variant) => variant.wording === "original")) originals++;
    }
    expect(Math.abs(originals / 400 - 0.4)).toBeLessThan(0.1);
  });

  test("with too few wordings they repeat under other views, and a note says so", async () => {
    const few = { ...question, rewrites: ["<image>one"] };
    const { variants, notes } = await expandQuestion(few, { ...OPTIONS, variants: 4 }, rng());
    expect(variants.map((variant) => variant.wording)).toEqual(["original", 0, "original", 0]);
    expect(variants.slice(0, 2).map((variant) => variant.transform)).toEqual(["none", "none"]);
    for (const variant of variants.slice(2)) expect(variant.transform).not.toBe("none");
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain("2 wordings for 4 variants");
  });

  test("a question without any other wording or view repeats itself", async () => {
    const bare: Question = { ...question, text: "plain", images: [], rewrites: [] };
    const { variants, notes } = await expandQuestion(bare, { ...OPTIONS, transformProbability: 1 }, rng());
    expect(variants.map((variant) => variant.text)).toEqual([
      "plain Answer in a box.",
      "plain Answer in a box.",
    ]);
    expect(variants.every((variant) => variant.transform === "none")).toBe(true);
    expect(notes).toHaveLength(1);
  });

  test("a rewrite with the wrong number of markers is left out and named", async () => {
    const broken = { ...question, rewrites: ["no marker", "<image>one", "<image><image>two"] };
    const { variants, notes } = await expandQuestion(broken, OPTIONS, rng());
    expect(variants[1]?.wording).toBe(1);
    expect(notes.filter((note) => note.includes("is left out"))).toHaveLength(2);
  });

  test("rewrites that repeat the original do not count as wordings", async () => {
    const same = { ...question, rewrites: [question.text, "<image>one", "<image>one"] };
    const { variants, notes } = await expandQuestion(same, { ...OPTIONS, variants: 3 }, rng());
    expect(variants.map((variant) => variant.wording)).toEqual(["original", 1, "original"]);
    expect(notes[0]).toContain("2 wordings for 3 variants");
  });

  test("a question whose markers and images disagree is refused by name", async () => {
    const broken = { ...question, text: "no marker" };
    await expect(expandQuestion(broken, OPTIONS, rng())).rejects.toThrow(DataError);
    await expect(expandQuestion(broken, OPTIONS, rng())).rejects.toThrow(
      /"q1": 0 <image> markers for 1 images/,
    );
  });
});

describe("views", () => {
  test("an image that is not transformed is passed on as it is", async () => {
    const { variants } = await expandQuestion(question, OPTIONS, rng());
    for (const variant of variants) expect(variant.images).toEqual(question.images);
  });

  test("at p = 1 the guidance stands between the marker and the words", async () => {
    const { variants } = await expandQuestion(question, { ...OPTIONS, transformProbability: 1 }, rng());
    for (const { transform, text, wording, images } of variants) {
      if (transform === "none") throw new Error("expected a transform");
      const words = wording === "original" ? "original" : question.rewrites[wording]?.replace("<image>", "");
      expect(text).toBe(`<image>${guidanceSentence(transform)} ${words} Answer in a box.`);
      expect(images).not.toEqual(question.images);
    }
  });

  // p = 0.3 over 600 variants: standard error 0.019. About 180 transforms, 20 of each, standard deviation 4.4.
  test("transforms appear with probability p, each as often as the others", async () => {
    const counts = new Map<string, number>();
    for (let at = 0; at < 300; at++) {
      const options = { ...OPTIONS, transformProbability: 0.3 };
      const { variants } = await expandQuestion({ ...question, id: `q${at}` }, options, rng());
      for (const { transform } of variants) counts.set(transform, (counts.get(transform) ?? 0) + 1);
    }
    expect(Math.abs((counts.get("none") ?? 0) / 600 - 0.7)).toBeLessThan(0.08);
    for (const name of TRANSFORMS) expect(Math.abs((counts.get(name) ?? 0) - 20)).toBeLessThan(20);
  });

  test("forbidden transforms are never drawn", async () => {
    const forbiddenTransforms = TRANSFORMS.filter((name) => name !== "horizontally_flipped");
    for (let at = 0; at < 20; at++) {
      const strict = { ...question, id: `q${at}`, forbiddenTransforms };
      const { variants } = await expandQuestion(strict, { ...OPTIONS, transformProbability: 1 }, rng());
      for (const variant of variants) expect(variant.transform).toBe("horizontally_flipped");
    }
  });

  test("every image of a variant is transformed, and guidance comes once unless released", async () => {
    const two: Question = {
      ...question,
      text: "see <image> and <image> here",
      images: [question.images[0]!, question.images[0]!],
      rewrites: [],
      forbiddenTransforms: TRANSFORMS.filter((name) => name !== "rotate_90cw"),
    };
    const options = { ...OPTIONS, variants: 1, transformProbability: 1, formatPrompt: "" };
    const { variants } = await expandQuestion(two, options, rng());
    const clockwise = guidanceSentence("rotate_90cw");
    expect(variants[0]?.text).toBe(`${clockwise} see <image> and <image> here`);
    expect(variants[0]?.images.map((view) => view.kind === "bytes" && view.bytes.length)).not.toContain(
      image.length,
    );
    const asReleased = { ...options, guidanceStyle: "released", guidancePlacement: "every-segment" } as const;
    const released = await expandQuestion(two, asReleased, rng());
    const swapped = guidanceSentence("rotate_90cw", "released");
    expect(released.variants[0]?.text).toBe(`${swapped} see <image>${swapped} and <image>${swapped} here`);
  });

  test("an image given by path is read, and a missing one is named", async () => {
    const path = join(mkdtempSync(join(tmpdir(), "expand-")), "image.png");
    writeFileSync(path, image);
    const options = { ...OPTIONS, transformProbability: 1 };
    const byPath: Question = { ...question, images: [{ kind: "path", path }] };
    const fromPath = await expandQuestion(byPath, options, rng());
    const fromBytes = await expandQuestion(question, options, rng());
    expect(fromPath).toEqual(fromBytes);
    const missing: Question = { ...question, images: [{ kind: "path", path: `${path}.not` }] };
    await expect(expandQuestion(missing, options, rng())).rejects.toThrow(
      /image\.png\.not: cannot read the image: ENOENT/,
    );
  });
});

describe("randomness", () => {
  const options = { ...OPTIONS, variants: 4, transformProbability: 0.5 };
  test("depends on the stream and the question, not on what was expanded before", async () => {
    const shared = rng();
    const other = await expandQuestion({ ...question, id: "q2" }, options, shared);
    expect(await expandQuestion(question, options, shared)).toEqual(
      await expandQuestion(question, options, rng()),
    );
    expect(other.variants.map((v) => v.text)).not.toEqual(
      (await expandQuestion(question, options, rng())).variants.map((v) => v.text),
    );
  });

  test("another epoch gives other variants", async () => {
    const first = await expandQuestion(question, options, rng().split("epoch", 0));
    const second = await expandQuestion(question, options, rng().split("epoch", 1));
    expect(first).not.toEqual(second);
  });
});

describe("guidance", () => {
  test("says which way the picture was really turned", () => {
    expect(guidanceSentence("rotate_90cw")).toContain("90 degrees clockwise");
    expect(guidanceSentence("rotate_90ccw")).toContain("90 degrees counter-clockwise");
  });

  test("released guidance swaps the quarter turns and nothing else", () => {
    expect(guidanceSentence("rotate_90cw", "released")).toBe(guidanceSentence("rotate_90ccw"));
    expect(guidanceSentence("rotate_90ccw", "released")).toBe(guidanceSentence("rotate_90cw"));
    const others = TRANSFORMS.filter((name) => !name.startsWith("rotate_90"));
    for (const name of others) expect(guidanceSentence(name, "released")).toBe(guidanceSentence(name));
  });
});

test("drawn scenes of every family expand without notes", async () => {
  for (const family of FAMILIES) {
    const drawn = await sceneQuestion(drawScene(family, rng().split(family)));
    const { variants, notes } = await expandQuestion(drawn, { ...OPTIONS, variants: 4 }, rng());
    expect(notes).toEqual([]);
    expect(new Set(variants.map((variant) => variant.text)).size).toBe(4);
  }
});

test("corpus holds whole responses and every guidance sentence", () => {
  const texts = [...corpus(1, FAMILIES.length)];
  for (const name of TRANSFORMS) expect(texts).toContain(guidanceSentence(name));
  expect(texts.filter((text) => /^<think>.+<\/think> \\boxed\{.+\}$/.test(text))).toHaveLength(
    2 * FAMILIES.length,
  );
  expect(texts.every((text) => !text.includes("<image>"))).toBe(true);
});
