import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { benchGreedy } from "../../../../benchmarks/measured/large/greedy.js";
import { temporaryFolder, writeFakeModel } from "../../../support/fakeModel.js";

it("benchGreedy() measures every batch and leaves nothing beside the model", async () => {
  const folder = await temporaryFolder();
  const [model, results] = [join(folder, "model"), await temporaryFolder()];
  await writeFakeModel(model);
  const printed: string[] = [];
  const print = (text: string) => printed.push(text);
  await benchGreedy({ model, weights: ["exact", "int8"], batches: [1, 3], results, print });
  const found = JSON.parse(await readFile(join(results, "greedy.json"), "utf8"));
  for (const weights of ["exact", "int8"]) {
    expect(found[weights].tokensPerSecond.map(({ batch }: { batch: number }) => batch)).toEqual([1, 3]);
    expect(Number.isFinite(found[weights].tokensPerSecond[1].rate)).toBe(true);
  }
  expect(printed[0]).toMatch(/\| int8 +\|/);
  expect(await readdir(folder)).toEqual(["model"]);
}, 60_000);
