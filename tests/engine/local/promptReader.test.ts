import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DataError, ModelError } from "../../../src/core/errors.js";
import { imageBytes } from "../../../src/core/image/decode.js";
import { createPromptReader } from "../../../src/engine/local/promptReader.js";
import { processImage } from "../../../src/model/imageProcessor.js";
import { loadProcessor } from "../../../src/model/processor.js";
import { buildPrompt } from "../../../src/model/prompt.js";
import type { ImageSource, Prompt } from "../../../src/records.js";
import { goldenImage, MODEL_DIR } from "../../model/processorGolden.js";

const processor = await loadProcessor(MODEL_DIR);
const image = goldenImage("kept-84x112.png");
const ask = (text: string, images: readonly ImageSource[]) =>
  buildPrompt(processor, { text, images }, "row 4");

describe("createPromptReader", () => {
  it("gives the patches of the image processor, and one image token per merged patch", async () => {
    const [patched] = await createPromptReader(processor)([await ask("<image>how many?", [image])]);
    expect(patched?.images).toEqual([await processImage(image, processor.image, "row")]);
    const held = patched?.tokens.filter((token) => token === processor.imageToken);
    expect(held).toHaveLength(12);
  });

  it("decodes an image once while there is room, and again when there is none", async () => {
    const folder = await mkdtemp(join(tmpdir(), "reader-"));
    const path = join(folder, "image.png");
    await writeFile(path, await imageBytes(image));
    const prompts = [await ask("<image>one?", [{ kind: "path", path }])];
    const [keeping, forgetful] = [createPromptReader(processor), createPromptReader(processor, 0)];
    const [first] = await keeping(prompts);
    await forgetful([...prompts, await ask("<image>", [image])]);
    await rm(folder, { recursive: true });
    expect(await keeping(prompts)).toEqual([first]);
    await expect(forgetful(prompts)).rejects.toThrow(DataError);
  });

  it("names the sample whose image cannot be decoded", async () => {
    const whole = await imageBytes(image);
    const cut: ImageSource = { kind: "bytes", bytes: whole.slice(0, whole.length >> 1) };
    const prompt = await ask("<image>how many?", [cut]);
    await expect(createPromptReader(processor)([prompt])).rejects.toThrow(/^row 4: /);
  });

  it("refuses a prompt whose tokens do not fit its image, with both counts and the grid", async () => {
    const prompt = await ask("<image>", [image]);
    const pieces = prompt.pieces.map((piece) => (piece.kind === "image" ? { ...piece, tokens: 7 } : piece));
    const wrong: Prompt = { ...prompt, pieces };
    await expect(createPromptReader(processor)([wrong])).rejects.toThrow(ModelError);
    await expect(createPromptReader(processor)([wrong])).rejects.toThrow(
      "row 4: invalid prompt: 7 image tokens, 12 image features (1×8×6)",
    );
  });
});
