import { describe, expect, it } from "vitest";
import { datumOf, responsePart } from "../../../src/engine/tinker/datum.js";

const text = (...tokens: number[]) => ({ type: "encoded_text", tokens }) as const;
const PICTURE = { type: "image", data: "AAAA", format: "png", expected_tokens: 3 } as const;

describe("datumOf", () => {
  it("shifts prompt and response by one: 4 + 3 tokens are 6 places, the response's from index 3", () => {
    const prompt = { chunks: [text(10, 20, 30, 40)], tokens: Int32Array.of(10, 20, 30, 40) };
    const datum = datumOf(prompt, Int32Array.of(7, 8, 2), { logProbs: [-1, -2, -3], advantages: [5, 5, 5] });
    expect(datum.model_input.chunks).toEqual([text(10, 20, 30, 40, 7, 8)]);
    const { target_tokens, weights, logprobs, advantages } = datum.loss_fn_inputs;
    expect(target_tokens).toEqual({ data: [20, 30, 40, 7, 8, 2], dtype: "int64", shape: [6] });
    expect(weights?.data).toEqual([0, 0, 0, 1, 1, 1]);
    expect(logprobs?.data).toEqual([0, 0, 0, -1, -2, -3]);
    expect(advantages?.data).toEqual([0, 0, 0, 5, 5, 5]);
  });

  it("has one chunk for a picture, and the image token with weight 0 at its places", () => {
    // 1 + 3 + 2 + response 2 = 8 tokens, 7 places
    const prompt = { chunks: [text(1), PICTURE, text(5, 6)], tokens: Int32Array.of(1, 9, 9, 9, 5, 6) };
    const datum = datumOf(prompt, Int32Array.of(7, 2));
    expect(datum.model_input.chunks).toEqual([text(1), PICTURE, text(5, 6, 7)]);
    expect(datum.loss_fn_inputs.target_tokens.data).toEqual([9, 9, 9, 5, 6, 7, 2]);
    expect(datum.loss_fn_inputs.weights?.data).toEqual([0, 0, 0, 0, 0, 1, 1]);
    expect(datum.loss_fn_inputs.advantages).toBeUndefined();
  });

  it("adds no empty chunk after a picture for a response of one token", () => {
    const prompt = { chunks: [text(1), PICTURE], tokens: Int32Array.of(1, 9, 9, 9) };
    expect(datumOf(prompt, Int32Array.of(7)).model_input.chunks).toEqual([text(1), PICTURE]);
  });

  it("changes neither the prompt's chunks nor the tokens", () => {
    const chunk = text(1, 2);
    datumOf({ chunks: [chunk], tokens: Int32Array.of(1, 2) }, Int32Array.of(3, 4));
    expect(chunk.tokens).toEqual([1, 2]);
  });

  it("refuses an empty response and values of another number", () => {
    const prompt = { chunks: [text(1)], tokens: Int32Array.of(1) };
    expect(() => datumOf(prompt, new Int32Array())).toThrow(
      "expected a prompt and a response, got 1 and 0 tokens",
    );
    expect(() => datumOf(prompt, Int32Array.of(3, 4), { advantages: [1] })).toThrow(
      "advantages: expected [2], one for each response token, got [1]",
    );
  });
});

describe("responsePart", () => {
  it("is what follows the prompt", () => {
    const prompt = { chunks: [text(10, 20, 30)], tokens: Int32Array.of(10, 20, 30) };
    expect([...responsePart(Float32Array.of(-1, -2, -3, -4, -5), prompt)]).toEqual([-3, -4, -5]);
  });
});
