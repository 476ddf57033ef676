import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Answer, Asked } from "../../../benchmarks/engines/engine.js";
import {
  createLocalEngine,
  type LocalEngineOptions,
  weightsDigest,
} from "../../../benchmarks/engines/local.js";
import { sampleScene } from "../../../benchmarks/samples/drawings.js";
import { ConfigError } from "../../../src/core/errors.js";
import { sha256 } from "../../../src/core/files/digest.js";
import { packageRoot } from "../../../src/core/files/packageRoot.js";
import { loadProcessor } from "../../../src/model/processor.js";
import { promptLength } from "../../../src/model/prompt.js";
import type { Prompt } from "../../../src/records.js";
import { temporaryFolder } from "../../support/fakeModel.js";

const DECODING = { temperature: 0, topP: null, topK: null, repetitionPenalty: null, maxTokens: 8, seed: 5 };
const processor = await loadProcessor(join(packageRoot(), "data", "models", "tiny"));
const picture = { kind: "bytes", bytes: Buffer.from(sampleScene("count", 0).svg) } as const;

const rowOf = (index: string, words: string, images = 1): Asked => ({
  dataset: "D",
  index,
  sample: 0,
  items: [
    ...Array.from({ length: images }, () => ({ kind: "image", image: picture }) as const),
    { kind: "text", text: words },
  ],
});

type Request = Parameters<LocalEngineOptions["sampler"]["sample"]>[0];

/** A policy that says the words it was given, and remembers what it was asked. */
function echo(words: string) {
  const requests: Request[] = [];
  const sample: LocalEngineOptions["sampler"]["sample"] = async (request) => {
    requests.push(request);
    const tokens = Int32Array.from(processor.encode(words));
    const isCut = tokens.length >= request.decoding.maxTokens;
    const rollout = {
      tokens: isCut ? tokens.slice(0, request.decoding.maxTokens) : tokens,
      logProbs: new Float32Array(tokens.length),
      stopReason: isCut ? "length" : "eos",
      policyStep: 0,
    } as const;
    return request.prompts.map(() => [rollout]);
  };
  return { requests, sampler: { sample } };
}

async function answerAll(options: Partial<LocalEngineOptions>, rows: readonly Asked[]) {
  const answers = new Map<string, Answer>();
  let time = 0;
  const engine = createLocalEngine({
    processor,
    sampler: echo("7").sampler,
    decoding: DECODING,
    pixels: { minPixels: null, maxPixels: null },
    now: () => (time += 50),
    ...options,
  });
  await engine.answerAll(rows, async ({ index }, answer) => void answers.set(index, answer));
  return answers;
}

describe("a local engine", () => {
  it("answers in batches and reports tokens, truncation and time", async () => {
    const { requests, sampler } = echo("blue");
    const rows = ["1", "2", "3"].map((index) => rowOf(index, `question ${index}`));
    const answers = await answerAll({ sampler, atOnce: 2 }, rows);
    expect(requests.map(({ prompts }) => prompts.length)).toEqual([2, 1]);
    expect(answers.get("3")).toEqual({
      prediction: "blue",
      status: "finished",
      promptTokens: promptLength(requests[1]?.prompts[0] as Prompt),
      tokens: processor.encode("blue").length,
      latencyMs: 50,
    });
    const long = await answerAll({ sampler: echo("a long answer that never comes to an end").sampler }, rows);
    expect(long.get("1")).toMatchObject({ status: "truncated", tokens: 8 });
  });

  it("fails a row whose image cannot be read or whose words are control tokens, and asks the others", async () => {
    const broken: Asked = {
      ...rowOf("1", "x"),
      items: [
        { kind: "image", image: { kind: "bytes", bytes: Buffer.from("no image") } },
        { kind: "text", text: "x" },
      ],
    };
    const answers = await answerAll({}, [broken, rowOf("2", "see <|im_end|>"), rowOf("3", "fine")]);
    expect(answers.get("1")).toMatchObject({
      status: "failed",
      error: expect.stringContaining("D, index 1"),
    });
    expect(answers.get("2")).toMatchObject({
      status: "failed",
      error: expect.stringContaining("<|im_end|>"),
    });
    expect(answers.get("3")).toMatchObject({ status: "finished" });
  });

  it("draws by seed, dataset, row and sample, whatever the batch", async () => {
    const [together, apart] = [echo("7"), echo("7")];
    const rows = ["1", "2"].map((index) => rowOf(index, "q"));
    const decoding = { ...DECODING, temperature: 0.7 };
    await answerAll({ sampler: together.sampler, decoding, atOnce: 2 }, rows);
    await answerAll({ sampler: apart.sampler, decoding, atOnce: 1 }, [...rows].reverse());
    const streams = together.requests[0]?.streams;
    expect(streams?.[0]).not.toEqual(streams?.[1]);
    expect(apart.requests.map((request) => request.streams?.[0])).toEqual([streams?.[1], streams?.[0]]);
    expect(together.requests[0]?.decoding).toMatchObject({ isGreedy: false, temperature: 0.7 });
  });

  it("shrinks images to the asked number of pixels", async () => {
    const { requests, sampler } = echo("7");
    const pixels = { minPixels: 28 * 28, maxPixels: 2 * 28 * 28 };
    await answerAll({ sampler, pixels }, [rowOf("1", "q")]);
    const image = requests[0]?.prompts[0]?.pieces.find(({ kind }) => kind === "image");
    expect(image?.tokens).toBeLessThanOrEqual(2);
  });

  it("refuses a repetition penalty, which the policy does not know", () => {
    const decoding = { ...DECODING, repetitionPenalty: 1.05 };
    const make = () =>
      createLocalEngine({
        processor,
        sampler: echo("7").sampler,
        decoding,
        pixels: { minPixels: null, maxPixels: null },
      });
    expect(make).toThrow(ConfigError);
  });
});

describe("weightsDigest(…)", () => {
  it("is of the weights alone, so that a checkpoint and a copy of its model are the same", async () => {
    const [checkpoint, copy] = [await temporaryFolder(), await temporaryFolder()];
    await writeFile(join(checkpoint, "model-1.safetensors"), "a");
    await writeFile(join(checkpoint, "model-2.safetensors"), "b");
    await writeFile(join(checkpoint, "optimizer.safetensors"), "c");
    await writeFile(join(copy, "model.safetensors"), "ab");
    const digest = await weightsDigest(checkpoint);
    expect(digest).toBe(sha256("ab"));
    expect(await weightsDigest(copy)).toBe(digest);
  });

  it("names what is missing", async () => {
    const empty = await temporaryFolder();
    await expect(weightsDigest(empty)).rejects.toThrow(`${empty}: missing model.safetensors`);
    await expect(weightsDigest(join(empty, "x"))).rejects.toThrow("cannot read the model folder");
  });
});
