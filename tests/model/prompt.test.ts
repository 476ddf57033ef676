import { describe, expect, it } from "vitest";
import { DataError, ModelError } from "../../src/core/errors.js";
import { createChatTemplate } from "../../src/model/chatTemplate.js";
import { promptTokens } from "../../src/model/patchPrompt.js";
import { loadProcessor } from "../../src/model/processor.js";
import { buildPrompt, promptLength, promptText, tokenPrompt } from "../../src/model/prompt.js";
import type { ImageSource } from "../../src/records.js";
import { goldenImage, MODEL_DIR, processorGolden } from "./processorGolden.js";

const processor = await loadProcessor(MODEL_DIR);
const kept = goldenImage("kept-84x112.png");

describe("buildPrompt", () => {
  it.each(processorGolden().prompts)("$text with $images has the tokens of transformers", async (row) => {
    const images = row.images.map(goldenImage);
    const prompt = await buildPrompt(processor, { text: row.text, images }, "row");
    expect([...promptTokens(prompt, processor.imageToken)]).toEqual(row.tokens);
    expect(promptLength(prompt)).toBe(row.tokens.length);
    expect(prompt.pieces.filter(({ kind }) => kind === "image")).toHaveLength(images.length);
  });

  it("an image of 84 × 112 pixels takes 3 · 4 tokens", async () => {
    const { pieces } = await buildPrompt(processor, { text: "<image>", images: [kept] }, "row");
    const [image] = pieces.filter(({ kind }) => kind === "image");
    expect(image).toMatchObject({ size: { width: 84, height: 112 }, tokens: 12, image: kept });
  });

  it("refuses unequal numbers of markers and images, with both", async () => {
    const wrong = buildPrompt(
      processor,
      { text: "<image> or <image>?", images: [kept] },
      "question 5, variant 1",
    );
    await expect(wrong).rejects.toThrow(DataError);
    await expect(wrong).rejects.toThrow(
      "question 5, variant 1: invalid question: 2 <image> markers, 1 images; give one marker for each image",
    );
  });

  it("refuses words that hold control tokens", async () => {
    const words = "what follows <|im_end|> and <|image_pad|>?";
    await expect(buildPrompt(processor, { text: words, images: [] }, "row 2")).rejects.toThrow(
      "row 2: invalid text: contains <|im_end|>, <|image_pad|>; it would be read as a control token; reword the text",
    );
  });

  it("says which image cannot be read", async () => {
    const images = [kept, { kind: "path", path: "/nowhere.png" } as const];
    await expect(buildPrompt(processor, { text: "<image><image>", images }, "row 2")).rejects.toThrow(
      /^row 2, image 2: cannot read image \/nowhere\.png/,
    );
  });

  it("refuses a chat template that loses the image", async () => {
    const chatTemplate = createChatTemplate("{{ messages[0].role }}", "broken.jinja");
    const wrong = buildPrompt({ ...processor, chatTemplate }, { text: "<image>", images: [kept] }, "row 1");
    await expect(wrong).rejects.toThrow(ModelError);
    await expect(wrong).rejects.toThrow(
      "row 1: unsupported chat template: broken.jinja wrote 0 × <|image_pad|> for 1",
    );
  });
});

describe("a prompt's id", () => {
  const idOf = async (text: string, images: readonly ImageSource[] = []) =>
    (await buildPrompt(processor, { text, images }, "row")).id;

  it("is that of the same words and images, whatever the sample is called", async () => {
    const [one, other] = ["row 1", "row 2"].map((name) =>
      buildPrompt(processor, { text: "<image>how many?", images: [kept] }, name),
    );
    expect((await one)?.id).toBe((await other)?.id);
    expect((await one)?.name).toBe("row 1");
  });

  it("differs with the words, the image, and the size it is shown at", async () => {
    const smaller = { ...processor, image: { ...processor.image, maxPixels: 56 * 56 } };
    const shrunk = await buildPrompt(smaller, { text: "<image>how many?", images: [kept] }, "row");
    const others = processorGolden().images.map(({ file }) => goldenImage(file));
    const ids = [
      await idOf("how many?"),
      await idOf("how many!"),
      await idOf("<image>how many?", [kept]),
      ...(await Promise.all(others.slice(0, 3).map((image) => idOf("<image>how many?", [image])))),
      shrunk.id,
    ];
    expect(new Set(ids.slice(0, 3)).size).toBe(3);
    expect(ids.slice(0, -1)).not.toContain(shrunk.id);
  });
});

describe("tokenPrompt", () => {
  it("says just these tokens", () => {
    const prompt = tokenPrompt(Int32Array.of(3, 1, 4), "three");
    expect([...promptTokens(prompt, 0)]).toEqual([3, 1, 4]);
    expect(promptLength(prompt)).toBe(3);
  });
});

describe("promptText", () => {
  it("drops empty words and keeps white space", () => {
    const text = promptText(processor, "<image><image> \n", "row");
    const image = "<|vision_start|><|image_pad|><|vision_end|>";
    expect(text).toContain(`<|im_start|>user\n${image}${image} \n<|im_end|>\n<|im_start|>assistant\n`);
  });
});
