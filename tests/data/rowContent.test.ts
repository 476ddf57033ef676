import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changedParts, contentOf, fingerprintOf, rowContent } from "../../src/data/rowContent.js";
import { type Question, TRANSFORMS } from "../../src/records.js";

const question: Question = {
  id: "1",
  text: "<image>How many?",
  images: [{ kind: "bytes", bytes: Uint8Array.of(1, 2, 3) }],
  gold: "4",
  rewrites: ["<image>Count."],
  category: "count",
};
const images = ["a".repeat(64)];
const base = rowContent(question, images);

describe("rowContent(…)", () => {
  it.each<readonly [string, Partial<Question>, readonly string[], readonly string[]]>([
    ["the words", { text: "<image>How much?" }, images, ["words or answer"]],
    ["the answer", { gold: "5" }, images, ["words or answer"]],
    ["an image", {}, ["b".repeat(64)], ["images"]],
    ["the number of images", {}, [...images, ...images], ["images"]],
    ["no image", {}, [], ["images"]],
    ["a rewrite", { rewrites: ["<image>Count!"] }, images, ["rewrites, category or forbidden transforms"]],
    ["the category", { category: "sum" }, images, ["rewrites, category or forbidden transforms"]],
    [
      "the transforms it forbids",
      { forbiddenTransforms: ["rotate_90cw"] },
      images,
      ["rewrites, category or forbidden transforms"],
    ],
    ["words and images", { text: "<image>?" }, ["b".repeat(64)], ["words or answer", "images"]],
    ["nothing but its id and other columns", { id: "2", columns: { note: 1 } }, images, []],
    ["transforms that are written out as none", { forbiddenTransforms: [] }, images, []],
  ])("tells where %s is another", (_, change, digests, parts) => {
    expect(changedParts(base, rowContent({ ...question, ...change }, digests))).toEqual(parts);
  });

  it("does not confuse where one text ends and the next begins", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string({ minLength: 1 }), (text, gold, more) => {
        const one = rowContent({ ...question, text: text + more, gold }, images);
        const other = rowContent({ ...question, text, gold: more + gold }, images);
        expect(one.question).not.toBe(other.question);
      }),
    );
  });

  it("minds the order of images and of rewrites", () => {
    const two = ["a", "b"];
    expect(rowContent(question, two).images).not.toBe(rowContent(question, two.toReversed()).images);
    const rewritten = (rewrites: readonly string[]) => rowContent({ ...question, rewrites }, images).rewrites;
    expect(rewritten(two)).not.toBe(rewritten(two.toReversed()));
  });
});

describe("fingerprintOf(…)", () => {
  it("is that of words, answer and images, whatever the rewrites", () => {
    const same = { rewrites: [], category: "other", forbiddenTransforms: [...TRANSFORMS] };
    expect(fingerprintOf(rowContent({ ...question, ...same }, images))).toBe(fingerprintOf(base));
    expect(fingerprintOf(rowContent({ ...question, gold: "5" }, images))).not.toBe(fingerprintOf(base));
    expect(fingerprintOf(rowContent(question, []))).not.toBe(fingerprintOf(base));
  });
});

describe("contentOf(…)", () => {
  it("reads the images it digests", async () => {
    const content = await contentOf(question);
    const [other] = [{ kind: "bytes", bytes: Uint8Array.of(1, 2, 4) } as const];
    expect(changedParts(content, await contentOf({ ...question, images: [other] }))).toEqual(["images"]);
    expect(await contentOf({ ...question })).toEqual(content);
    await expect(
      contentOf({ ...question, images: [{ kind: "path", path: "/nowhere/a.png" }] }),
    ).rejects.toThrow("/nowhere/a.png: cannot read the image");
  });
});
