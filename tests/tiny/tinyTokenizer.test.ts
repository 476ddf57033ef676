import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadProcessor } from "../../src/model/processor.js";
import { promptText } from "../../src/model/prompt.js";
import { trainMerges } from "../../src/tiny/bpeTrainer.js";
import { TINY_SPECIAL_TOKENS, trainTinyTokenizer, writeTinyTokenizer } from "../../src/tiny/tinyTokenizer.js";

const CORPUS = ["<think>red circles, red squares</think> \\boxed{12}", "how many red circles?", "\\boxed{3}"];

describe("trainMerges", () => {
  it("joins the most frequent neighbours first, equals in order of their text", () => {
    const words = new Map([
      ["low", 5],
      ["lower", 2],
      ["newest", 6],
    ]);
    // we is in lower and newest: 2 + 6 = 8. Then l·o is in low and lower: 7, as is o·w only in low: 5.
    // Then every pair of n·e·we·s·t has 6, and "e we" sorts first; then "ewe s".
    expect(trainMerges(words, 4)).toEqual([
      ["w", "e"],
      ["l", "o"],
      ["e", "we"],
      ["ewe", "s"],
    ]);
  });

  it("stops when no pair occurs twice, and counts overlapping pairs once they are joined", () => {
    expect(trainMerges(new Map([["abc", 1]]), 9)).toEqual([]);
    // aaaa: one word, three neighbours; then aa aa.
    expect(trainMerges(new Map([["aaaa", 2]]), 9)).toEqual([
      ["a", "a"],
      ["aa", "aa"],
    ]);
    expect(trainMerges(new Map(), 9)).toEqual([]);
  });
});

describe("writeTinyTokenizer", () => {
  it("writes a folder that loads, the same bytes each time", async () => {
    const dirs = [await mkdtemp(join(tmpdir(), "tiny-")), await mkdtemp(join(tmpdir(), "tiny-"))] as const;
    const { size, ids } = await writeTinyTokenizer(dirs[0], CORPUS);
    await writeTinyTokenizer(dirs[1], CORPUS);
    for (const name of await readdir(dirs[0])) {
      expect(await readFile(join(dirs[0], name))).toEqual(await readFile(join(dirs[1], name)));
    }
    const processor = await loadProcessor(dirs[0]);
    expect(processor.size).toBe(size);
    expect(processor.imageToken).toBe(ids["<|image_pad|>"]);
    const generation = JSON.parse(await readFile(join(dirs[0], "generation_config.json"), "utf8"));
    expect(generation.eos_token_id).toEqual([ids["<|im_end|>"], ids["<|endoftext|>"]]);
    expect(promptText(processor, "<image>how many?", "row")).toBe(
      "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>how many?<|im_end|>\n<|im_start|>assistant\n",
    );
    await Promise.all(dirs.map((dir) => rm(dir, { recursive: true })));
  });

  it("never joins digits, nor a tag with its neighbours", async () => {
    const dir = await mkdtemp(join(tmpdir(), "tiny-"));
    const corpus = Array.from({ length: 20 }, () => CORPUS).flat();
    await writeTinyTokenizer(dir, corpus);
    const { encode, decode } = await loadProcessor(dir);
    expect([...encode("<think>123</think>")].map((token) => decode([token]))).toEqual([
      "<think>",
      "1",
      "2",
      "3",
      "</think>",
    ]);
    expect(encode("\\boxed{").length).toBe(2);
    await rm(dir, { recursive: true });
  });

  it("gives back any text, in tokens of its vocabulary, control tokens as one each", async () => {
    const dir = await mkdtemp(join(tmpdir(), "tiny-"));
    const { size, ids } = await writeTinyTokenizer(dir, CORPUS);
    const { encode, decode } = await loadProcessor(dir);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 30 }), (text) => {
        const plain = text.normalize("NFC");
        const tokens = encode(plain);
        expect(decode(tokens)).toBe(plain);
        expect([...tokens].every((token) => token >= 0 && token < size)).toBe(true);
        // Digits are never joined, so that 12 is read as 1 and 2.
        expect(encode(`${plain}12`).length).toBe(encode(plain).length + 2);
      }),
      { numRuns: 200, seed: 9 },
    );
    for (const name of TINY_SPECIAL_TOKENS) expect([...encode(`a${name}b`)]).toContain(ids[name]);
    expect(Object.values(ids)).toHaveLength(new Set(Object.values(ids)).size);
    await rm(dir, { recursive: true });
  });

  it("learns words of the corpus, up to 640 tokens, and none of one text", () => {
    const { model, added_tokens: added } = trainTinyTokenizer(Array.from({ length: 9 }, () => CORPUS).flat());
    expect(Object.keys(model.vocab).length + added.length).toBeLessThanOrEqual(640);
    expect(Object.keys(model.vocab)).toContain("Ġcircles");
    const ids = Object.values(model.vocab).sort((a, b) => a - b);
    expect(ids).toEqual(ids.map((_, id) => id));
    const once = trainTinyTokenizer(["xyz"]);
    expect(once.model.merges).toEqual([]);
    expect(Object.keys(once.model.vocab)).toHaveLength(256);
    expect(once.added_tokens.map(({ id }) => id)).toEqual(once.added_tokens.map((_, at) => 256 + at));
  });
});
