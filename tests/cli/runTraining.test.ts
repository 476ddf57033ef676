import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { runTraining } from "../../src/cli/runTraining.js";
import { temporaryFolder, writeFakeModel } from "../support/fakeModel.js";
import { oneStep } from "../support/oneStep.js";

let model: string;
beforeAll(async () => {
  model = join(await temporaryFolder(), "model");
  await writeFakeModel(model);
});

/** Trains as the command does. @returns lines beside the progress, and what a page said that was named among them */
async function trained(settings: object) {
  const said: string[] = [];
  const pages: Promise<number>[] = [];
  const line = (text: string) => {
    said.push(text);
    const [, address] = /^view {4}(http\S+)$/.exec(text) ?? [];
    if (address === undefined) return;
    const url = new URL(address);
    pages.push(fetch(new URL(`/api/runs${url.search}`, url)).then(({ status }) => status));
  };
  const context = {
    terminal: { onProgress: () => undefined, line, retried: () => undefined, finish: () => undefined },
    ...{ signal: () => new AbortController().signal, print: () => undefined, exitWith: () => undefined },
  };
  const request = { config: oneStep(model, settings), out: join(await temporaryFolder(), "run") };
  const error = await runTraining({ ...request, isResume: false }, context).then(
    () => undefined,
    (reason: Error) => reason.message,
  );
  return { said, error, pages: await Promise.all(pages) };
}

describe("the page that shows a run", { timeout: 60_000 }, () => {
  it("is there, and named, from when the run begins", async () => {
    const { said, error, pages } = await trained({});
    expect(error).toBeUndefined();
    expect(pages).toEqual([200]);
    expect(said.findIndex((text) => text.startsWith("view"))).toBeLessThan(
      said.findIndex((text) => text.startsWith("step 1/1")),
    );
  });

  it.each<[string, object, RegExp]>([
    ["model", { model: "/no/such/model" }, /model/],
    [
      "setting",
      { engine: { kind: "tinker", url: "http://127.0.0.1:9" }, rollout: { temperature: 2 } },
      /lacks/,
    ],
    ["engine", { engine: { kind: "tinker", url: "http://127.0.0.1:9" } }, /ECONNREFUSED/],
    [
      "cluster",
      { engine: { kind: "ray", url: "http://127.0.0.1:9", baseModel: "m", checkpoints: "/c" } },
      /ECONNREFUSED/,
    ],
  ])("is not named for a run that is refused for its %s", async (_, settings, words) => {
    const { said, error } = await trained(settings);
    expect(error).toMatch(words);
    expect(said).toEqual([]);
  });
});
