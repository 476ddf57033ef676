import { describe, expect, test } from "vitest";
import { Rng } from "../../../src/core/rng.js";
import { drawScene, FAMILIES } from "../../../src/data/scenes/draw.js";
import { familiesNamed, sceneStream, splitOf } from "../../../src/data/scenes/sets.js";

describe("sceneStream", () => {
  test("no picture is both in train and in held-out, over thousands and several seeds", () => {
    const train = new Set<string>();
    for (const seed of [1, 2]) {
      const stream = sceneStream({ seed, split: "train" });
      for (let index = 0; index < 2000; index++) {
        const scene = stream.at(index);
        expect(splitOf(scene)).toBe("train");
        train.add(scene.svg);
      }
    }
    const heldout = sceneStream({ seed: 1, split: "heldout" });
    for (let index = 0; index < 1000; index++) {
      const scene = heldout.at(index);
      expect(splitOf(scene)).toBe("heldout");
      expect(train.has(scene.svg)).toBe(false);
    }
  });

  test("the split leaves about one picture in eight out", () => {
    // 2200 pictures, one in eight: standard error 0.007.
    const scenes = FAMILIES.flatMap((family) =>
      Array.from({ length: 200 }, (_, seed) => drawScene(family, Rng.fromSeed(seed))),
    );
    const heldout = scenes.filter((scene) => splitOf(scene) === "heldout").length;
    expect(Math.abs(heldout / scenes.length - 1 / 8)).toBeLessThan(0.035);
  });

  test("an index names a scene, in whichever order it is asked for", () => {
    const forward = sceneStream({ seed: 3, split: "train" });
    const scenes = Array.from({ length: 30 }, (_, index) => forward.at(index));
    const backward = sceneStream({ seed: 3, split: "train" });
    for (let index = 29; index >= 0; index--) expect(backward.at(index)).toEqual(scenes[index]);
  });

  test("families take turns and ids are unique", () => {
    const stream = sceneStream({ seed: 4, split: "heldout" });
    const scenes = Array.from({ length: 4 * FAMILIES.length }, (_, index) => stream.at(index));
    expect(scenes.map((scene) => scene.family)).toEqual([...FAMILIES, ...FAMILIES, ...FAMILIES, ...FAMILIES]);
    expect(new Set(scenes.map((scene) => scene.id)).size).toBe(scenes.length);
  });

  test("another seed draws other scenes", () => {
    const one = sceneStream({ seed: 1, split: "train" });
    const two = sceneStream({ seed: 2, split: "train" });
    for (let index = 0; index < 20; index++) expect(one.at(index).svg).not.toBe(two.at(index).svg);
  });

  test("families can be chosen", () => {
    const stream = sceneStream({ seed: 1, split: "train", families: ["dice", "angle"] });
    expect([0, 1, 2].map((index) => stream.at(index).family)).toEqual(["dice", "angle", "dice"]);
  });

  test("with common wordings a family asks in few words, about the same pictures and in the same ways", () => {
    const options = { seed: 1, split: "train", families: ["angle"] } as const;
    const [any, common] = [sceneStream(options), sceneStream({ ...options, wording: "common" })];
    const asked = (stream: typeof any) =>
      new Set(Array.from({ length: 40 }, (_, at) => stream.at(at).question));
    expect(asked(any).size).toBe(5);
    expect([...asked(common)]).toEqual(["<image>how large is the angle, in degrees?"]);
    for (let index = 0; index < 40; index++) {
      const [one, other] = [any.at(index), common.at(index)];
      const ways = (scene: typeof one) => [scene.question, ...scene.rewrites].sort();
      expect(ways(other)).toEqual(ways(one));
      expect({ ...other, question: "", rewrites: [] }).toEqual({ ...one, question: "", rewrites: [] });
    }
  });

  test("no families and indices that are no whole numbers are refused", () => {
    expect(() => sceneStream({ seed: 1, split: "train", families: [] })).toThrow(/missing families/);
    const stream = sceneStream({ seed: 1, split: "train" });
    for (const index of [-1, 0.5, Number.NaN]) expect(() => stream.at(index)).toThrow(/invalid index/);
  });
});

describe("familiesNamed", () => {
  test("no names mean all families, names keep the families' order", () => {
    expect(familiesNamed([])).toEqual(FAMILIES);
    expect(familiesNamed(["dice", "count", "dice"])).toEqual(["count", "dice"]);
  });

  test("every unknown name is reported", () => {
    expect(() => familiesNamed(["dice", "Count", "dices"])).toThrow(
      /unknown families: "Count", "dices"; known: /,
    );
  });
});
