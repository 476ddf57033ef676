import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ModelError } from "../../src/core/errors.js";
import { BYTE_CHARACTERS, tokenBytes } from "../../src/model/byteLevel.js";
import { createTokenizer, loadTokenizer } from "../../src/model/tokenizer.js";
import { MODEL_DIR, processorGolden } from "./processorGolden.js";

const tokenizer = await loadTokenizer(MODEL_DIR);
const golden = processorGolden();
const fileJson = () => JSON.parse(readFileSync(`${MODEL_DIR}/tokenizer.json`, "utf8")) as { model: object };

describe("encode", () => {
  it.each(golden.strings)("gives $text the tokens that transformers gives", ({ text, tokens }) => {
    expect([...tokenizer.encode(text)]).toEqual(tokens);
  });

  it("decode(encode(text)) is the NFC form of any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text.normalize("NFC"));
      }),
    );
  });
});

describe("decode", () => {
  it.each(golden.decoded)("reads $tokens as transformers does", ({ tokens, text, skipped }) => {
    expect(tokenizer.decode(tokens)).toBe(text);
    expect(tokenizer.decode(tokens, { skipSpecial: true })).toBe(skipped);
  });

  it("keeps the thinking tags and drops the end token when special tokens are skipped", () => {
    const tokens = tokenizer.encode("<think>3</think> \\boxed{3}<|im_end|>");
    expect(tokenizer.decode(tokens, { skipSpecial: true })).toBe("<think>3</think> \\boxed{3}");
  });

  it("takes typed arrays and tokens beyond the vocabulary", () => {
    expect(tokenizer.decode(Int32Array.of(...tokenizer.encode("hi"), tokenizer.size + 3, -1))).toBe("hi");
  });
});

describe("decodeStream", () => {
  it("joined, its pieces are what decode gives, for any tokens", () => {
    const tokens = fc.array(fc.integer({ min: 0, max: tokenizer.size - 1 }));
    fc.assert(
      fc.property(tokens, fc.boolean(), (list, skipSpecial) => {
        const stream = tokenizer.decodeStream({ skipSpecial });
        const pieces = list.map((token) => stream.push(token));
        expect(pieces.join("") + stream.end()).toBe(tokenizer.decode(list, { skipSpecial }));
      }),
    );
  });

  it("waits for the rest of a character, and marks one that never comes", () => {
    // U+1F600 is f0 9f 98 80; no merge joins its bytes.
    const tokens = [...tokenizer.encode("😀")];
    expect(tokens).toHaveLength(4);
    const stream = tokenizer.decodeStream();
    expect(tokens.map((token) => stream.push(token))).toEqual(["", "", "", "😀"]);
    stream.push(tokens[0] as number);
    expect(stream.end()).toBe("\ufffd");
  });
});

describe("the tokenizer file", () => {
  it("names its size and special tokens", () => {
    expect(tokenizer.size).toBe(golden.size);
    expect(tokenizer.specialTokens.get("<|im_end|>")).toBe(tokenizer.encode("<|im_end|>")[0]);
    expect(tokenizer.specialTokens.has("<think>")).toBe(false);
  });

  it("is refused when it is missing", async () => {
    const refused = expect(loadTokenizer("/nowhere")).rejects;
    await refused.toThrow(ModelError);
    await expect(loadTokenizer("/nowhere")).rejects.toThrow(
      /^\/nowhere\/tokenizer\.json: missing file; copy it/,
    );
  });

  it("is refused, with the field, when it is not byte-level BPE", () => {
    const json = { ...fileJson(), model: { type: "Unigram", vocab: [] } };
    expect(() => createTokenizer(json, "here/tokenizer.json")).toThrow(
      /^here\/tokenizer\.json: unsupported content: model\.type: .*"BPE"/,
    );
  });
});

describe("the byte alphabet", () => {
  it("has 256 different characters and reads each back as its byte", () => {
    expect(new Set(BYTE_CHARACTERS).size).toBe(256);
    expect(BYTE_CHARACTERS.map((character) => [...tokenBytes(character)])).toEqual(
      Array.from({ length: 256 }, (_, byte) => [byte]),
    );
    expect(BYTE_CHARACTERS[0x20]).toBe("Ġ");
    expect(BYTE_CHARACTERS[0x0a]).toBe("Ċ");
    expect(BYTE_CHARACTERS[0xad]).toBe("Ń");
  });

  it("reads a token with another character as that character's UTF-8", () => {
    expect([...tokenBytes("a 日")]).toEqual([...new TextEncoder().encode("a 日")]);
  });
});
