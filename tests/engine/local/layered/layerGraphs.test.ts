import { describe, expect, it } from "vitest";
import { freeing, layerGraphs } from "../../../../src/engine/local/layered/layerGraphs.js";
import type { DecoderSizes } from "../../../../src/model/modelConfig.js";

/** Sizes of Qwen2.5-VL-3B's decoder layers, and of smaller ones: nothing is computed with them here. */
const LARGE = { hiddenSize: 2048, intermediateSize: 11_008 } as DecoderSizes;
const SMALL = { hiddenSize: 64, intermediateSize: 128 } as DecoderSizes;
const batch = (prompt: number, response: number) => ({
  packed: { promptTokens: { shape: [2, prompt] }, responseTokens: { shape: [2, 4, response] } },
});

/** The graphs that each of several passes is given. */
async function given(sizes: DecoderSizes, ...passes: readonly (readonly ReturnType<typeof batch>[])[]) {
  const graphs = layerGraphs(sizes);
  const found: object[] = [];
  for (const batches of passes) {
    await graphs.pass(batches, async (each) => {
      found.push(each);
    });
  }
  return found;
}

describe("layerGraphs", () => {
  it("keeps memory from layer to layer where layers are large and batches of one shape", async () => {
    const [one, same, several] = await given(
      LARGE,
      [batch(32, 16)],
      [batch(32, 16), batch(32, 16)],
      [batch(32, 16), batch(64, 16)],
    );
    expect(same).toBe(one);
    expect(several).not.toBe(one);
    const small = await given(SMALL, [batch(32, 16)], [batch(32, 16), batch(64, 16)]);
    expect(small[0]).toBe(small[1]);
  });

  it("passes on what ends a pass", async () => {
    const ended = layerGraphs(LARGE).pass([batch(32, 16)], () => Promise.reject(new Error("stopped")));
    await expect(ended).rejects.toThrow("stopped");
  });
});

describe("freeing", () => {
  it("frees after what is done, and after what fails", async () => {
    const said: string[] = [];
    const graph = { dispose: async () => void said.push("freed") };
    expect(await freeing([graph], async () => said.push("done"))).toBe(1);
    await expect(freeing([graph], () => Promise.reject(new Error("stopped")))).rejects.toThrow("stopped");
    expect(said).toEqual(["done", "freed", "freed"]);
  });
});
