import { describe, expect, it } from "vitest";
import { DataError } from "../../src/core/errors.js";
import { cardSplits, filesOfSplit, globPattern } from "../../src/data/hubFolder.js";

const CARD = `---
configs:
- config_name: algebra
  data_files:
  - split: train
    path: algebra/train-*.parquet
  - split: test
    path: [algebra/test-0.parquet, algebra/test-1.parquet]
- config_name: main
  default: true
  data_files: "main/**"
---
# Words
`;

describe("cardSplits(…)", () => {
  it("reads the default configuration, or the named one", () => {
    expect(cardSplits(CARD, "card", undefined)).toEqual(new Map([["train", ["main/**"]]]));
    expect(cardSplits(CARD, "card", "algebra")?.get("test")).toEqual([
      "algebra/test-0.parquet",
      "algebra/test-1.parquet",
    ]);
  });

  it("says nothing for a card without configurations", () => {
    for (const card of ["# Words", "---\nlicense: mit\n---\n", "---\n---\n"]) {
      expect(cardSplits(card, "card", undefined)).toBeUndefined();
    }
  });

  it("refuses an unknown configuration, and what is not YAML", () => {
    expect(() => cardSplits(CARD, "card", "geometry")).toThrow("the card has algebra, main");
    expect(() => cardSplits("---\n{a: [\n---\n", "card", undefined)).toThrow(DataError);
  });
});

describe("globPattern(…)", () => {
  it.each([
    ["data/train-*", "data/train-0.parquet", true],
    ["data/train-*", "data/old/train-0.parquet", false],
    ["data/*", "data/old/train-0.parquet", false],
    ["**/*.parquet", "a/b/c.parquet", true],
    ["**/*.parquet", "c.parquet", true],
    ["./a?.jsonl", "a1.jsonl", true],
    ["a.jsonl", "axjsonl", false],
    ["(a|b).jsonl", "a.jsonl", false],
  ])("%s and %s: %s", (glob, path, isMatch) => {
    expect(globPattern(glob).test(path)).toBe(isMatch);
  });
});

describe("filesOfSplit(…)", () => {
  const named = { where: "folder", splits: ["train"] };

  it("follows the card", () => {
    const paths = ["README.md", "main/b.parquet", "main/a.parquet", "algebra/train-0.parquet"];
    expect(filesOfSplit({ ...named, paths, card: CARD })).toEqual(["main/a.parquet", "main/b.parquet"]);
    expect(filesOfSplit({ ...named, paths, card: CARD, config: "algebra" })).toEqual([
      "algebra/train-0.parquet",
    ]);
  });

  it("follows the words in file names where there is no card", () => {
    const paths = [
      "data/train-1.parquet",
      "data/train-0.parquet",
      "data/val.jsonl",
      "test/x.parquet",
      "notes.txt",
    ];
    expect(filesOfSplit({ ...named, paths })).toEqual(["data/train-0.parquet", "data/train-1.parquet"]);
    expect(filesOfSplit({ ...named, paths, splits: ["validation", "test"] })).toEqual(["data/val.jsonl"]);
    expect(filesOfSplit({ ...named, paths, splits: ["test"] })).toEqual(["test/x.parquet"]);
  });

  /** Words of `datasets`, `data_files.py`, and MathVista's testmini: what is held out is no training data. */
  it.each([
    ["train", "train"],
    ["Training", "train"],
    ["valid", "validation"],
    ["val", "validation"],
    ["dev", "validation"],
    ["validation", "validation"],
    ["test", "test"],
    ["testing", "test"],
    ["eval", "test"],
    ["evaluation", "test"],
    ["testmini", "testmini"],
  ])("reads the word %s as %s, wherever it stands", (word, split) => {
    for (const path of [
      `${word}.jsonl`,
      `x-${word}-0.parquet`,
      `${word}/a.jsonl`,
      `data/${word}-00000-of-00002.parquet`,
    ]) {
      expect(filesOfSplit({ ...named, paths: [path], splits: [split] })).toEqual([path]);
    }
  });

  it("takes the split's name from the shards of a data folder, and from no others", () => {
    const shards = ["data/easy-00000-of-00002.parquet", "data/easy-00001-of-00002.parquet"];
    expect(filesOfSplit({ ...named, paths: shards, splits: ["easy"] })).toEqual(shards);
    expect(() => filesOfSplit({ ...named, paths: shards })).toThrow("no split train: it has easy");
    expect(filesOfSplit({ ...named, paths: ["easy-00000-of-00002.parquet"] })).toHaveLength(1);
  });

  it("takes files that name no split for training data: words inside other words do not count", () => {
    const paths = ["latest.parquet", "strained.jsonl"];
    expect(filesOfSplit({ ...named, paths })).toEqual(["latest.parquet", "strained.jsonl"]);
  });

  it("names the splits there are", () => {
    const paths = ["train.parquet"];
    expect(() => filesOfSplit({ ...named, paths, splits: ["test"] })).toThrow("no split test: it has train");
    expect(() => filesOfSplit({ ...named, paths: ["a.txt"] })).toThrow("it has no .parquet");
    expect(() => filesOfSplit({ ...named, paths: [], card: CARD })).toThrow("is the download complete?");
  });
});
