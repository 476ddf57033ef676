import { describe, expect, it } from "vitest";
import { DataError, ModelError } from "../../src/core/errors.js";
import { createChatTemplate } from "../../src/model/chatTemplate.js";
import { loadProcessor } from "../../src/model/processor.js";
import { buildPrompt, checkImageTokens, promptText } from "../../src/model/prompt.js";
import { goldenImage, MODEL_DIR, processorGolden } from "./processorGolden.js";

const processor = await loadProcessor(MODEL_DIR);
const kept = goldenImage("kept-84x112.png");

describe("buildPrompt", () => {
  it.each(processorGolden().prompts)("$text with $images has the tokens of transformers", async (row) => {
    const images = row.images.map(goldenImage);
    const prompt = await buildPrompt(processor, { text: row.text, images }, "row");
    expect([...prompt.tokens]).toEqual(row.tokens);
    expect(prompt.images).toHaveLength(images.length);
  });

  it("an image of 84 × 112 pixels takes 3 · 4 tokens", async () => {
    const { tokens, images } = await buildPrompt(processor, { text: "<image>", images: [kept] }, "row");
    expect(images[0]?.grid).toEqual({ t: 1, h: 8, w: 6 });
    expect(tokens.filter((token) => token === processor.imageToken)).toHaveLength(12);
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

describe("checkImageTokens", () => {
  it("names the sample, both counts and the grids", async () => {
    const prompt = await buildPrompt(processor, { text: "<image>", images: [kept] }, "row");
    expect(() => checkImageTokens(prompt, processor, "row 9")).not.toThrow();
    const short = { ...prompt, tokens: prompt.tokens.slice(0, -20) };
    expect(() => checkImageTokens(short, processor, "row 9")).toThrow(
      /^row 9: invalid prompt: \d+ image tokens, 12 image features \(1×8×6\)$/,
    );
  });
});

describe("promptText", () => {
  it("drops empty words and keeps white space", () => {
    const text = promptText(processor, "<image><image> \n", "row");
    const image = "<|vision_start|><|image_pad|><|vision_end|>";
    expect(text).toContain(`<|im_start|>user\n${image}${image} \n<|im_end|>\n<|im_start|>assistant\n`);
  });
});
