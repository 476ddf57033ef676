import { describe, expect, it } from "vitest";
import { FAMILIES } from "../../src/data/scenes/draw.js";
import { sceneStream } from "../../src/data/scenes/sets.js";
import { guidanceSentence } from "../../src/expand/guidance.js";
import { TRANSFORMS } from "../../src/records.js";
import { corpus } from "../../src/tiny/corpus.js";

describe("corpus", () => {
  const count = 2 * FAMILIES.length;
  const texts = [...corpus(5, count)];

  it("holds every wording and both answers of each scene, without image markers", () => {
    const stream = sceneStream({ seed: 5, split: "train" });
    for (let index = 0; index < count; index++) {
      const { question, rewrites, reasoning, gold, shortcut } = stream.at(index);
      for (const words of [question, ...rewrites]) expect(texts).toContain(words.replace("<image>", ""));
      expect(texts).toContain(`<think>${reasoning}</think> \\boxed{${gold}}`);
      expect(texts).toContain(`<think>${shortcut.reasoning}</think> \\boxed{${shortcut.answer}}`);
    }
    expect(texts.filter((text) => text.includes("<image>"))).toEqual([]);
  });

  it("holds the guidance of every transform once a round of the families", () => {
    for (const name of TRANSFORMS) {
      const sentence = guidanceSentence(name);
      const same = TRANSFORMS.filter((other) => guidanceSentence(other) === sentence).length;
      expect(texts.filter((text) => text === sentence)).toHaveLength(2 * same);
    }
  });

  it("is the same each time, another for another seed, and empty for no scene", () => {
    expect([...corpus(5, 3)]).toEqual([...corpus(5, 3)]);
    expect([...corpus(6, 3)]).not.toEqual([...corpus(5, 3)]);
    expect([...corpus(5, 0)]).toEqual([]);
  });
});
