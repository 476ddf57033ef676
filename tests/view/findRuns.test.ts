import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { findRuns } from "../../src/view/findRuns.js";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "find-"));
});

async function place(...files: readonly string[]): Promise<void> {
  for (const file of files) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), "");
  }
}

const found = async (...folders: readonly string[]) =>
  (await findRuns(folders.length === 0 ? [root] : folders)).map(({ dir, kind }) => [
    dir === root ? "." : dir.slice(root.length + 1),
    kind,
  ]);

describe("findRuns", () => {
  it.each<readonly [files: readonly string[], kind: string | undefined]>([
    [["a/config.yaml", "a/metrics.jsonl"], "training"],
    [["a/config.yaml", "a/evaluations.jsonl"], "training"],
    [["a/config.yaml", "a/checkpoints/step-000001/state.json"], "training"],
    [["a/evaluation.json"], "evaluation"],
    [["a/evaluation.json", "a/config.yaml", "a/metrics.jsonl"], "evaluation"],
    [["a/config.yaml"], undefined], // many programs have such a file
    [["a/metrics.jsonl"], undefined],
    [["a/notes.txt"], undefined],
  ])("%j is a %s", async (files, kind) => {
    await place(...files);
    expect(await found()).toEqual(kind === undefined ? [] : [["a", kind]]);
  });

  it("looks below runs too, where a training keeps its benchmarks", async () => {
    await place("share/config.yaml", "share/metrics.jsonl", "share/benchmarks/after/evaluation.json");
    expect(await found()).toEqual([
      ["share", "training"],
      ["share/benchmarks/after", "evaluation"],
    ]);
  });

  it.each(["checkpoints", "images", "predictions", "verdicts", "rows", "node_modules", ".hidden"])(
    "leaves %s out",
    async (name) => {
      await place(`a/${name}/b/evaluation.json`);
      expect(await found()).toEqual([]);
    },
  );

  it("goes six folders deep and no deeper", async () => {
    await place("1/2/3/4/5/6/evaluation.json", "1/2/3/4/5/6/7/evaluation.json");
    expect(await found()).toEqual([["1/2/3/4/5/6", "evaluation"]]);
  });

  it("finds a run that is named itself, and each once where folders lie in each other", async () => {
    await place("b/evaluation.json", "a/evaluation.json", "evaluation.json");
    expect(await found(root, join(root, "a"))).toEqual([
      [".", "evaluation"],
      ["a", "evaluation"],
      ["b", "evaluation"],
    ]);
  });

  it("finds nothing in a folder that is not there", async () => {
    expect(await found(join(root, "nowhere"))).toEqual([]);
  });
});
