import { createHash } from "node:crypto";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPromptReader } from "../../../src/engine/local/promptReader.js";
import { type ImagePatches, processImage } from "../../../src/model/imageProcessor.js";
import { loadNetwork } from "../../../src/model/load.js";
import type { PatchedPrompt } from "../../../src/model/patchPrompt.js";
import { loadProcessor, type Processor } from "../../../src/model/processor.js";
import { buildPrompt } from "../../../src/model/prompt.js";
import { mropePositions } from "../../../src/model/transformer/rope.js";
import { golden } from "../../golden/load.js";
import { goldenFolder } from "../parity.js";
import { goldenImage, MODEL_DIR, type ProcessorGolden } from "../processorGolden.js";

interface Qwen3Golden extends Pick<ProcessorGolden, "chats" | "images"> {
  readonly prompts: readonly {
    readonly text: string;
    readonly images: readonly string[];
    readonly tokens: readonly number[];
    readonly grids: readonly (readonly number[])[];
    readonly positions: readonly number[];
  }[];
}

/** golden: benchmarks/measured/parity/qwen3vl.py */
const reference = golden<Qwen3Golden>("qwen3vl/processor/golden.json");

let dir: string;
let processor: Processor;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "qwen3vl-"));
  // The tokenizer is the other golden's; template and picture settings are Qwen3-VL's.
  await cp(MODEL_DIR, dir, { recursive: true });
  await cp(fileURLToPath(new URL("../../golden/qwen3vl/processor", import.meta.url)), dir, {
    recursive: true,
  });
  processor = await loadProcessor(dir);
});
afterAll(() => rm(dir, { recursive: true }));

/** Bytes that normalised patches came from. */
function bytesOf({ patches, grid }: ImagePatches): Uint8Array {
  const { mean, std } = processor.image;
  const perChannel = patches.length / (grid.h * grid.w) / 3;
  return Uint8Array.from(patches, (value, at) => {
    const channel = Math.floor(at / perChannel) % 3;
    return Math.round((value * (std[channel] as number) + (mean[channel] as number)) * 255);
  });
}

describe("Qwen3-VL's processor equals transformers'", () => {
  it("reads size.shortest_edge and longest_edge as the limits, and patches of 16 pixels", () => {
    expect(processor.image).toMatchObject({ patchSize: 16, mergeSize: 2, minPixels: 4096, maxPixels: 65536 });
  });

  it.each(reference.images)("pixels: $file", async ({ file, grid, sha256 }) => {
    const made = await processImage(goldenImage(file), processor.image, file);
    expect([made.grid.t, made.grid.h, made.grid.w]).toEqual(grid);
    expect(createHash("sha256").update(bytesOf(made)).digest("hex")).toBe(sha256);
  });

  it.each(reference.chats.map((chat, at) => [at, chat] as const))(
    "chat %d",
    (_at, { messages, open, closed }) => {
      expect(processor.chatTemplate.render(messages, true)).toBe(open);
      expect(processor.chatTemplate.render(messages, false)).toBe(closed);
    },
  );

  it.each(reference.prompts)(
    "tokens and positions: $text",
    async ({ text, images, tokens, grids, positions }) => {
      const built = await buildPrompt(processor, { text, images: images.map(goldenImage) }, "prompt");
      const [prompt] = (await createPromptReader(processor)([built])) as [PatchedPrompt];
      expect(Array.from(prompt.tokens)).toEqual(tokens);
      expect(prompt.images.map(({ grid: { t, h, w } }) => [t, h, w])).toEqual(grids);
      const { config } = await loadNetwork(goldenFolder("qwen3vl/tied"));
      const own = { ...config, tokens: { ...config.tokens, image: processor.imageToken } };
      const found = mropePositions(
        prompt.tokens,
        prompt.images.map(({ grid }) => grid),
        own,
      );
      expect(Array.from(found.positions)).toEqual(positions);
    },
  );
});
