import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { locateData, type SplitRole } from "../../src/data/locate.js";
import { temporaryFolder } from "../support/fakeModel.js";

let dir: string;
const FILES = [
  "plain.jsonl",
  "odd@name.jsonl",
  "two/train.jsonl",
  "two/test.jsonl",
  "two/.cache/train.jsonl",
  "held/train.jsonl",
  "held/dev.jsonl",
  "held/testmini.jsonl",
  "only/train-0.jsonl",
  "only/train-1.jsonl",
  "carded/a/x.jsonl",
  "carded/b/x.jsonl",
  "at@folder/train.jsonl",
];
const CARD = `---
configs:
- config_name: first
  default: true
  data_files:
  - split: train
    path: a/x.jsonl
- config_name: second
  data_files:
  - split: train
    path: b/x.jsonl
---
`;

beforeAll(async () => {
  dir = await temporaryFolder();
  for (const name of FILES) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), "{}\n");
  }
  await writeFile(join(dir, "carded", "README.md"), CARD);
});

/** Files relative to the folder, slashes between. */
async function located(text: string, role: SplitRole = "train"): Promise<string[]> {
  const paths = await locateData(join(dir, text), role);
  return paths.map((path) => relative(dir, path).replaceAll("\\", "/"));
}

describe("locateData", () => {
  it.each<readonly [text: string, role: SplitRole, files: readonly string[], why: string]>([
    ["plain.jsonl", "train", ["plain.jsonl"], "a file is itself"],
    ["plain.jsonl", "heldout", ["plain.jsonl"], "whatever it is for"],
    ["odd@name.jsonl", "train", ["odd@name.jsonl"], "a path that exists is one, @ and all"],
    ["at@folder", "train", ["at@folder/train.jsonl"], "a folder, too"],
    ["at@folder@train", "train", ["at@folder/train.jsonl"], "and its split is behind the last @"],
    ["two", "train", ["two/train.jsonl"], "the training split, and nothing hidden"],
    ["two", "heldout", ["two/test.jsonl"], "the test split where nothing better is"],
    ["held", "heldout", ["held/dev.jsonl"], "dev before testmini and train"],
    [
      "only",
      "heldout",
      ["only/train-0.jsonl", "only/train-1.jsonl"],
      "the training split where there is no other",
    ],
    ["held@testmini", "train", ["held/testmini.jsonl"], "the split that is named"],
    ["carded", "train", ["carded/a/x.jsonl"], "the card's default configuration"],
    ["carded@second:train", "train", ["carded/b/x.jsonl"], "the configuration that is named"],
  ])("takes %s for %s as %o: %s", async (text, role, files) => {
    expect(await located(text, role)).toEqual(files);
  });

  it.each([
    ["none.jsonl", "missing data: no such file"],
    ["none.parquet@train", "missing data: no such file"],
    ["none", "missing data: no such file or folder"],
    ["owner/name/more", "missing data: no such file or folder"],
  ])("says that %s is missing: %s", async (text, message) => {
    await expect(located(text)).rejects.toThrow(message);
  });

  it("refuses a split or a configuration that a folder has not", async () => {
    await expect(located("two@validation")).rejects.toThrow(/two.*validation/s);
    await expect(located("carded@third:train")).rejects.toThrow("the card has first, second");
  });

  it("asks no hub without one, and says so where there is one but the name is none", async () => {
    await expect(locateData("owner/name", "train")).rejects.toThrow(
      "owner/name: missing data: no such file or folder",
    );
    const hub = { endpoint: "http://127.0.0.1:1", cacheDir: dir, isOffline: true };
    await expect(locateData("no name", "train", hub)).rejects.toThrow(
      "and not owner/name of a data set on a hub",
    );
    await expect(locateData("owner/name", "train", hub)).rejects.toThrow("HF_HUB_OFFLINE is set");
    await expect(locateData("owner/name.jsonl", "train", hub)).rejects.toThrow("missing data: no such file");
  });
});
