import { describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { sceneStream } from "../../src/data/scenes/sets.js";
import { demonstration } from "../../src/tiny/demonstrations.js";

describe("demonstration", () => {
  const stream = sceneStream({ seed: 3, split: "train", families: ["count"] });
  const options = { formatPrompt: "", sloppyShare: 0, readingShare: 0 };
  const shown = (transformProbability: number, commonShare?: number) =>
    Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const scene = stream.at(index);
        const told: boolean[] = [];
        const { text, response } = await demonstration(scene, Rng.fromSeed(1).split(index), {
          ...options,
          transformProbability,
          ...(commonShare === undefined ? {} : { commonShare }),
          shortcutShare: (_family, isFamiliar) => {
            told.push(isFamiliar);
            return isFamiliar ? 0 : 1;
          },
        });
        return { isOwn: text === scene.question, isCareful: response.includes(scene.reasoning), told };
      }),
    );

  it("asks in the question's own words as often as told, else in any wording", async () => {
    expect((await shown(0, 1)).every(({ isOwn }) => isOwn)).toBe(true);
    const own = (await shown(0)).filter(({ isOwn }) => isOwn).length;
    expect(own).toBeGreaterThan(0);
    expect(own).toBeLessThan(20);
  });

  it("is hurried where it is told to be: in other words, or for another view", async () => {
    for (const { isOwn, isCareful, told } of await shown(0)) {
      expect(told).toEqual([isOwn]);
      expect(isCareful).toBe(isOwn);
    }
    expect((await shown(1, 1)).some(({ isCareful }) => isCareful)).toBe(false);
  });
});
