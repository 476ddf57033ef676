import { beforeAll, describe, expect, it } from "vitest";
import { chunkEnds } from "../../../src/engine/local/generate.js";
import type { Model } from "../../../src/model/load.js";
import { tokenPrompt } from "../../../src/model/prompt.js";
import type { Prompt } from "../../../src/records.js";
import { fakeModel } from "../../support/fakeModel.js";

let model: Model;
beforeAll(async () => {
  model = await fakeModel();
});

const words = (count: number) =>
  Array.from({ length: count }, (_, at) => tokenPrompt(Int32Array.of(at), "row"));

/** A prompt whose image is 1008 × 1008: 5,184 patches of 1,176 numbers, 24.4 MB. */
function large(): Prompt {
  const size = { width: 1008, height: 1008 };
  const image = { kind: "path", path: "a.png" } as const;
  return {
    ...tokenPrompt(Int32Array.of(1), "row"),
    pieces: [{ kind: "image", image, digest: "a", size, tokens: 1296 }],
  };
}

describe("chunkEnds", () => {
  it("cuts by rows where patches are few", () => {
    expect(chunkEnds(words(5), 2, model.config)).toEqual([2, 4, 5]);
    expect(chunkEnds(words(4), 9, model.config)).toEqual([4]);
    expect(chunkEnds([], 2, model.config)).toEqual([]);
  });

  it("cuts by patches where images are large: 22 of 24.4 MB fit into 537", () => {
    const prompts = Array.from({ length: 50 }, large);
    expect(chunkEnds(prompts, 64, model.config)).toEqual([22, 44, 50]);
    expect(chunkEnds([...words(3), ...prompts], 64, model.config)[0]).toBe(25);
  });
});
