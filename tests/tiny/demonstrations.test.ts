import { describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { READING_REQUEST } from "../../src/data/scenes/reading.js";
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

  it("reads the picture out loud as often as told, where a scene can be read so", async () => {
    const read = async (family: "count" | "angle", readingShare: number) => {
      const scenes = sceneStream({ seed: 3, split: "train", families: [family] });
      const texts = await Promise.all(
        Array.from({ length: 60 }, (_, index) =>
          demonstration(scenes.at(index), Rng.fromSeed(1).split(index), {
            ...options,
            readingShare,
            transformProbability: 0,
            shortcutShare: () => 0,
          }),
        ),
      );
      return texts.filter(({ text }) => text === READING_REQUEST);
    };
    expect(await read("count", 0)).toEqual([]);
    expect(await read("count", 1)).toHaveLength(60);
    expect(await read("angle", 1)).toEqual([]);
    const some = (await read("count", 0.25)).length;
    // 60 draws of 1/4: 15 ± 3.4.
    expect(some).toBeGreaterThan(4);
    expect(some).toBeLessThan(27);
    for (const { response } of await read("count", 1)) expect(response).toMatch(/^row 1: (\w+ ?)+\./);
  });

  it("forgets a part of the format as often as told, and either part", async () => {
    const formatted = async (sloppyShare: number) => {
      const responses = await Promise.all(
        Array.from({ length: 60 }, async (_, index) => {
          const scene = stream.at(index);
          const { response } = await demonstration(scene, Rng.fromSeed(1).split(index), {
            ...options,
            sloppyShare,
            transformProbability: 0,
            shortcutShare: () => 0,
          });
          expect(response).toContain(scene.gold);
          return [response.includes("</think>"), response.includes("\\boxed{")] as const;
        }),
      );
      return {
        both: responses.filter(([tag, box]) => tag && box).length,
        noTag: responses.filter(([tag, box]) => !tag && box).length,
        noBox: responses.filter(([tag, box]) => tag && !box).length,
      };
    };
    expect(await formatted(0)).toEqual({ both: 60, noTag: 0, noBox: 0 });
    const { both, noTag, noBox } = await formatted(1);
    expect([both, noTag + noBox]).toEqual([0, 60]);
    expect(Math.min(noTag, noBox)).toBeGreaterThan(15);
  });

  it("is the same each time", async () => {
    const once = () =>
      demonstration(stream.at(4), Rng.fromSeed(9), {
        ...options,
        sloppyShare: 0.5,
        transformProbability: 0.5,
        shortcutShare: () => 0.5,
      });
    expect(await once()).toEqual(await once());
  });
});
