import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/load.js";
import type { Question } from "../../src/records.js";
import { sceneSource } from "../../src/train/sceneSource.js";

describe("sceneSource", () => {
  const source = (settings: object) => sceneSource(resolveConfig(settings, "test"));
  it("gives the same question for the same number and seed, and others for others", async () => {
    const [one, same, other] = [source({ seed: 1 }), source({ seed: 1 }), source({ seed: 2 })];
    const third = await one.train(3);
    expect(third).toEqual(await same.train(3));
    expect(third).not.toEqual(await one.train(4));
    expect(third).not.toEqual(await other.train(3));
  });

  const several = (ask: (index: number) => Question | Promise<Question>, count: number) =>
    Promise.all(Array.from({ length: count }, (_, at) => ask(at)));

  it("holds the same questions back for every seed, none of which is trained on", async () => {
    const [one, other] = [source({ seed: 1 }), source({ seed: 2 })];
    const heldOut = await several(one.heldout, 20);
    expect(heldOut).toEqual(await several(other.heldout, 20));
    const ids = new Set(heldOut.map(({ id }) => id));
    expect(ids.size).toBe(20);
    expect((await several(one.train, 20)).filter(({ id }) => ids.has(id))).toEqual([]);
  });

  it("shows the check before training the words it will train on, and no more than 1,000", async () => {
    const config = resolveConfig({ seed: 1, train: { steps: 2, questionsPerStep: 4 } }, "test");
    const shown: Question[] = [];
    for await (const each of sceneSource(config).all()) shown.push(each);
    const words = (questions: readonly Question[]) => questions.map(({ id, text, gold }) => [id, text, gold]);
    expect(words(shown)).toEqual(words(await several(sceneSource(config).train, 8)));
    expect(shown.every(({ images }) => images.length === 0)).toBe(true);
    let count = 0;
    const endless = resolveConfig({ train: { steps: 1000, questionsPerStep: 32 } }, "test");
    for await (const _ of sceneSource(endless).all()) count++;
    expect(count).toBe(1000);
  });
});
