import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ServerError } from "../../../src/core/errors.js";
import { garbledError, statusError, withoutEchoes, wordsOf } from "../../../src/engine/tinker/answers.js";
import { CHUNK_LIMITS, chunksOf } from "../../../src/engine/tinker/chunks.js";
import { gradNormOf, outputsOf } from "../../../src/engine/tinker/outputs.js";
import type { Datum } from "../../../src/engine/tinker/wire.js";

const URL_ = new URL("http://me:pass@host:8000/api/v1/forward?key=1");

describe("wordsOf", () => {
  // FastAPI and pydantic, SkyRL's `error`, proxies' pages.
  it.each([
    ['{"detail": "Model not found"}', "Model not found"],
    ['{"error": "no room"}', "no room"],
    ['{"message": "over"}', "over"],
    ['{"detail": null}', '{"detail": null}'],
    ['{"error": {"code": 7}}', '{"code":7}'],
    [
      '{"detail": [{"loc": ["body", "adam_params", "lr"], "msg": "must be above 0", "input": [1, 2]}, {"msg": "bad"}]}',
      "adam_params.lr: must be above 0; request: bad",
    ],
    ["<html>\n <h1>Bad\tGateway</h1>", "a page: Bad Gateway"],
    ["null", "null"],
    ["", ""],
    ['"just words"', '"just words"'],
  ])("of %s are %s", (body, words) => {
    expect(wordsOf(body)).toBe(words);
  });
});

describe("withoutEchoes", () => {
  it("leaves out what a request held: lists of tokens, whole or cut off, and pictures", () => {
    const tokens = Array.from({ length: 20 }, (_, at) => at);
    expect(withoutEchoes(`bad tokens [${tokens.join(", ")}] there`)).toBe("bad tokens … there");
    expect(withoutEchoes(`bad tokens [${tokens.join(",")}`)).toBe("bad tokens …");
    expect(withoutEchoes(`bad weights [${tokens.map((t) => `-0.${t}`).join(", ")}]`)).toBe("bad weights …");
    expect(withoutEchoes(`image ${"iVBORw0KGgo".repeat(20)}== is none`)).toBe("image … is none");
  });

  it("keeps short lists, which are shapes, and words however long", () => {
    expect(withoutEchoes("expected [2, 3, 4], got [2, 3]")).toBe("expected [2, 3, 4], got [2, 3]");
    const sentence = "the quick brown fox ".repeat(5).trim();
    expect(withoutEchoes(sentence)).toBe(sentence);
  });

  it("is one line of at most 300 signs without control characters, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 2000, unit: "binary" }), (text) => {
        const shown = withoutEchoes(text);
        expect(shown.length).toBeLessThanOrEqual(301);
        expect(shown).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});

describe("statusError", () => {
  const reply = (status: number, text = "", headers: Record<string, string> = {}) => ({
    status,
    text,
    headers,
  });
  it.each([
    [400, "rejected", /see what the server says/],
    [401, "refused", /set SHAREGRPO_ENGINE_KEY to a key/],
    [402, "busy", /paused for billing/],
    [403, "refused", /set SHAREGRPO_ENGINE_KEY to a key/],
    [404, "rejected", /does not know what was asked for/],
    [405, "refused", /check engine\.url/],
    [408, "timeout", /see the server's log, or wait/],
    [409, "rejected", /another request was sent under this sequence number/],
    [410, "refused", /the session or the result is over/],
    [422, "rejected", /see what the server says/],
    [425, "busy", /run again later/],
    [429, "busy", /run again later/],
    [500, "broken", /--resume/],
    [503, "busy", /run again later/],
    [301, "garbled", /check that this is a Tinker server/],
    [204, "garbled", /check that this is a Tinker server/],
  ])("of %i is %s, with what to do", (status, kind, cure) => {
    const error = statusError(URL_, reply(status));
    expect(error).toBeInstanceOf(ServerError);
    expect(error.details).toMatchObject({ kind, status, url: "http://host:8000/api/v1/forward" });
    expect(error.message).toMatch(cure);
  });

  it("says how long it is to be left alone", () => {
    expect(statusError(URL_, reply(429, "", { "retry-after": "7" })).details.retryAfterMs).toBe(7000);
    expect(statusError(URL_, reply(429)).details.retryAfterMs).toBeUndefined();
  });

  it("and what is no answer name neither password nor query", () => {
    for (const error of [statusError(URL_, reply(500)), garbledError(URL_, "x: expected number")]) {
      expect(error.message).toContain("http://host:8000/api/v1/forward: ");
      expect(error.message).not.toMatch(/pass|key=1/);
    }
    expect(garbledError(URL_, "x: expected number").details.kind).toBe("garbled");
  });
});

const datum = (tokens: number, size = 0): Datum => ({
  model_input: { chunks: [{ type: "encoded_text", tokens: Array(size).fill(1) }] },
  loss_fn_inputs: { target_tokens: { data: Array(tokens).fill(7), dtype: "int64" } },
});

describe("chunksOf", () => {
  it("splits in order, never beyond the limits but for one sequence that is larger alone", () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 20 });
    fc.assert(
      fc.property(
        sizes,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 600 }),
        (given, datums, bytes) => {
          const data = given.map((size) => datum(1, size));
          const chunks = chunksOf(data, { datums, bytes });
          expect(chunks.flatMap((chunk) => chunk.data)).toEqual(data);
          for (const chunk of chunks) {
            expect(chunk.bytes).toBe(chunk.data.reduce((sum, each) => sum + JSON.stringify(each).length, 0));
            expect(chunk.data.length).toBeGreaterThan(0);
            expect(chunk.data.length).toBeLessThanOrEqual(datums);
            if (chunk.data.length > 1) expect(chunk.bytes).toBeLessThanOrEqual(bytes);
          }
          // None could have taken the first of the next.
          for (const [at, chunk] of chunks.slice(0, -1).entries()) {
            const next = JSON.stringify(chunks[at + 1]?.data[0]).length;
            expect(chunk.data.length === datums || chunk.bytes + next > bytes).toBe(true);
          }
        },
      ),
    );
  });

  it("takes what the SDK takes, and makes nothing of nothing", () => {
    expect(
      chunksOf(Array.from({ length: CHUNK_LIMITS.datums + 1 }, () => datum(1))).map(
        ({ data }) => data.length,
      ),
    ).toEqual([CHUNK_LIMITS.datums, 1]);
    expect(chunksOf([])).toEqual([]);
  });
});

describe("outputsOf", () => {
  const output = (logprobs: number[], losses?: number[]) => ({
    logprobs: { data: logprobs },
    ...(losses ? { elementwise_loss: { data: losses } } : {}),
  });

  it("gives each sequence its log-probs, and losses where the server tells", () => {
    const found = outputsOf(
      [datum(2), datum(1)],
      { loss_fn_outputs: [output([-1, -2], [1, 2]), output([-3])] },
      "here",
    );
    expect(found).toEqual([
      { logProbs: Float32Array.of(-1, -2), losses: Float32Array.of(1, 2) },
      { logProbs: Float32Array.of(-3) },
    ]);
    expect(outputsOf([], { loss_fn_outputs: [] }, "here")).toEqual([]);
  });

  it.each([
    ["a sequence is missing", [output([-1])], "here: sent 2 sequences, got results of 1"],
    ["there is one too many", [output([-1]), output([-1]), output([-1])], "got results of 3"],
    [
      "one is cut",
      [output([-1]), output([])],
      "here: sequence 1: expected 1 log-probs, got 0: the server counts tokens",
    ],
    ["one is longer", [output([-1, -1]), output([-1])], "here: sequence 0: expected 1 log-probs, got 2"],
  ])("refuses results where %s", (_, loss_fn_outputs, message) => {
    const reading = () => outputsOf([datum(1), datum(1)], { loss_fn_outputs }, "here");
    expect(reading).toThrow(ServerError);
    expect(reading).toThrow(message);
  });
});

describe("gradNormOf", () => {
  it.each<[Record<string, unknown> | null | undefined, number | undefined]>([
    [{ grad_norm: 2 }, 2],
    [{ "optim/grad_norm": 3 }, 3],
    [{ "grad_norm:mean": 4 }, 4],
    [{ "skyrl.ai/grad_norm": 5 }, 5],
    [{ last_grad_norm_clipped: 6 }, undefined],
    [{ my_grad_norm: 7 }, 7],
    [{ mygrad_norm: 8 }, undefined],
    [{ grad_norm: "9" }, undefined],
    [{}, undefined],
    [null, undefined],
    [undefined, undefined],
  ])("of %j is %s", (metrics, norm) => {
    expect(gradNormOf(metrics)).toBe(norm);
  });
});
