import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { dataUrl, parseReply, readJson, requestBody } from "../../../src/core/chat/chat.js";
import { DataError } from "../../../src/core/errors.js";
import { readImage } from "../../../src/core/image/decode.js";

const raw = { width: 2, height: 1, channels: 3 } as const;
const PIXELS = Uint8Array.of(255, 0, 0, 0, 0, 255);
const drawn = () => sharp(PIXELS, { raw });

/** A bitmap of 24 bits: rows from the bottom, blue first, padded to four bytes. */
function bitmap(): Uint8Array {
  const bytes = Buffer.alloc(54 + 8);
  bytes.write("BM");
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(2, 18);
  bytes.writeInt32LE(1, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  bytes.set([0, 0, 255, 255, 0, 0], 54);
  return bytes;
}

describe("dataUrl", () => {
  it.each([
    ["png", () => drawn().png().toBuffer()],
    ["jpeg", () => drawn().jpeg().toBuffer()],
    ["gif", () => drawn().gif().toBuffer()],
    ["webp", () => drawn().webp().toBuffer()],
  ] as const)("sends %s as it is", async (format, encode) => {
    const bytes = new Uint8Array(await encode());
    const url = await dataUrl({ kind: "bytes", bytes });
    expect(url).toBe(`data:image/${format};base64,${Buffer.from(bytes).toString("base64")}`);
  });

  it.each([
    ["tiff", async () => new Uint8Array(await drawn().tiff({ compression: "none" }).toBuffer())],
    ["bmp", async () => bitmap()],
  ] as const)("turns %s into PNG of the same pixels", async (_, encode) => {
    const url = await dataUrl({ kind: "bytes", bytes: await encode() });
    expect(url).toMatch(/^data:image\/png;base64,/);
    const bytes = new Uint8Array(Buffer.from(url.slice(url.indexOf(",") + 1), "base64"));
    expect((await readImage({ kind: "bytes", bytes })).data).toEqual(PIXELS);
  });

  it.each([
    ["no bytes", { kind: "bytes", bytes: new Uint8Array() }],
    ["text", { kind: "bytes", bytes: Buffer.from("no image") }],
    ["a RIFF that is no WebP", { kind: "bytes", bytes: Buffer.from("RIFF\0\0\0\0WAVEfmt ") }],
    ["a missing file", { kind: "path", path: "/none/there.png" }],
  ] as const)("refuses %s", async (_, image) => {
    await expect(dataUrl(image)).rejects.toThrow(DataError);
  });
});

describe("requestBody", () => {
  it("leaves out what is left to the server, and the number of the answer, which is ours", async () => {
    const body = await requestBody("m", [{ role: "user", content: "hi" }], { sample: 3 });
    expect(JSON.parse(body)).toEqual({
      model: "m",
      messages: [{ role: "user", content: "hi" }],
      stream: false,
    });
  });

  it("lets further fields replace ours, but never asks for a stream", async () => {
    const params = { temperature: 1, maxTokens: 5, extra: { temperature: 0.5, stream: true, min_p: 0.1 } };
    expect(JSON.parse(await requestBody("m", [], params))).toEqual({
      model: "m",
      messages: [],
      temperature: 0.5,
      max_tokens: 5,
      min_p: 0.1,
      stream: false,
    });
  });
});

const reply = (message: object, more: object = {}) =>
  JSON.stringify({ choices: [{ message, ...("finish_reason" in more ? more : {}) }], ...more });

describe("parseReply", () => {
  const none = { promptTokens: null, completionTokens: null };
  // OpenAI's reference (message.content null with tool calls, parts), vLLM (reasoning_content), SGLang and Ollama
  // (reasoning), llama.cpp (no usage).
  it.each<[string, string, object]>([
    ["text", reply({ content: "hi" }), { text: "hi" }],
    ["no text", reply({ content: null }), { text: "" }],
    ["nothing at all", reply({}), { text: "" }],
    [
      "parts",
      reply({ content: [{ type: "text", text: "a" }, { type: "refusal" }, { text: "b" }] }),
      { text: "ab" },
    ],
    ["no parts", reply({ content: [] }), { text: "" }],
    ["vLLM's thoughts", reply({ content: "a", reasoning_content: "t" }), { text: "a", reasoning: "t" }],
    ["SGLang's thoughts", reply({ content: "a", reasoning: "t" }), { text: "a", reasoning: "t" }],
    ["empty thoughts", reply({ content: "a", reasoning_content: "" }), { text: "a" }],
    [
      "why it ended",
      reply({ content: "a" }, { finish_reason: "length" }),
      { text: "a", finishReason: "length" },
    ],
    ["the model's own name", reply({ content: "a" }, { model: "m-7b" }), { text: "a", model: "m-7b" }],
    [
      "half of the usage",
      reply({ content: "a" }, { usage: { prompt_tokens: 7 } }),
      { text: "a", usage: { promptTokens: 7, completionTokens: null } },
    ],
    ["no usage", reply({ content: "a" }, { usage: null }), { text: "a", usage: none }],
  ])("reads %s", (_, text, found) => {
    expect(parseReply(text, "asked")).toEqual({ finishReason: null, usage: none, model: "asked", ...found });
  });

  it("takes the first of several choices", () => {
    const text = JSON.stringify({ choices: [{ message: { content: "a" } }, { message: { content: "b" } }] });
    expect(parseReply(text, "m")).toMatchObject({ text: "a" });
  });

  it.each([
    ["", "not JSON"],
    ["<html>", "not JSON"],
    ["null", "expected object"],
    ["[]", "expected object"],
    ["{}", "choices: "],
    ['{"choices": []}', "choices: "],
    ['{"choices": [{}]}', "choices.0.message: "],
    [reply({ content: 3 }), "choices.0.message.content: "],
    [reply({ content: "a" }, { usage: { prompt_tokens: "7" } }), "usage.prompt_tokens: "],
  ])("says what is wrong with %s", (text, what) => {
    const problem = parseReply(text, "m");
    expect(problem).toEqual({ problem: expect.stringMatching(/^the answer is no chat completion \(/) });
    expect(problem).toEqual({ problem: expect.stringContaining(what) });
  });
});

describe("readJson", () => {
  const schema = z.object({ n: z.number().transform((n) => 2 * n) });
  it("gives what the schema makes of it, or where it does not fit", () => {
    expect(readJson('{"n": 2, "more": 1}', schema, "no list")).toEqual({ data: { n: 4 } });
    expect(readJson('{"n": "2"}', schema, "no list")).toEqual({
      problem: expect.stringMatching(/^the answer is no list \(n: /),
    });
  });
});
