import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { addEvaluate } from "../../../src/cli/evaluate.js";
import { resolveConfig } from "../../../src/config/load.js";
import type { Engine } from "../../../src/engine/engine.js";
import { examineAddress } from "../../../src/engine/examine.js";
import { loadEngine } from "../../../src/engine/local/engine.js";
import { localSettings } from "../../../src/engine/local/settings.js";
import type { Server } from "../../../src/engine/openAi/server.js";
import { type TokenCall, tokenExchange } from "../../../src/engine/openAi/tokenRoutes.js";
import { modelFolder } from "../../../src/model/load.js";
import { loadProcessor } from "../../../src/model/processor.js";
import { runCommand } from "../../helpers/command.js";
import { BASE_MODEL } from "../../support/samplerDouble.js";
import { type SglangOptions, startSglang } from "../../support/sglangDouble.js";
import { startVllm, type VllmOptions } from "../../support/vllmDouble.js";

const SGLANG: Server = { kind: "sglang", version: "0.5.23" };
const LLAMA: Server = { kind: "llama", version: "b11549-0" };
const CALL: TokenCall = {
  model: "m",
  prompt: {
    ...{ short: [1, 9, 2], expanded: [1, 9, 9, 2], imageTokens: 2, images: ["data:image/png;base64,AA=="] },
    processor: "folder",
  },
  responses: 2,
  sampling: { temperature: 0.7, topP: 1, topK: 0, repetitionPenalty: 1, maxTokens: 3, seeds: [5, 6] },
};
const TEXT: TokenCall = {
  ...{ ...CALL, responses: 1 },
  prompt: { short: [1, 2], expanded: [1, 2], imageTokens: 0, images: [], processor: "folder" },
};
const sglangAnswer = (prompt: number[]) => ({
  ...{ text: "x", output_ids: [4, 5], prompt_token_ids: prompt },
  meta_info: {
    finish_reason: { type: "length", length: 2 },
    output_token_logprobs: [
      [-0.5, 4, null],
      [-0.25, 5, null],
    ],
  },
});

describe("tokenExchange(…)", () => {
  it("speaks SGLang's /generate: one placeholder an image, all of sampling said", () => {
    const { path, body, read } = tokenExchange(SGLANG, CALL);
    expect(path).toBe("/generate");
    expect(JSON.parse(body)).toEqual({
      input_ids: [1, 9, 2],
      image_data: ["data:image/png;base64,AA=="],
      return_logprob: true,
      return_prompt_token_ids: true,
      stream: false,
      sampling_params: {
        ...{ n: 2, temperature: 0.7, top_p: 1, top_k: -1, repetition_penalty: 1, max_new_tokens: 3 },
        sampling_seed: 5,
      },
    });
    const response = { tokens: [4, 5], logProbs: [-0.5, -0.25], stopReason: "length" };
    const both = JSON.stringify([sglangAnswer([1, 9, 9, 2]), sglangAnswer([1, 9, 9, 2])]);
    expect(read(both)).toEqual({ responses: [response, response] });
  });

  it("asks deterministic SGLang for one response a request, each with its seed, or all would be the same", () => {
    const { body } = tokenExchange({ ...SGLANG, isDeterministic: true }, { ...CALL, isAdapter: true });
    expect(JSON.parse(body)).toMatchObject({
      lora_path: "m",
      input_ids: [
        [1, 9, 2],
        [1, 9, 2],
      ],
      image_data: [["data:image/png;base64,AA=="], ["data:image/png;base64,AA=="]],
      sampling_params: [
        { n: 1, sampling_seed: 5 },
        { n: 1, sampling_seed: 6 },
      ],
    });
    const one = tokenExchange({ ...SGLANG, isDeterministic: true }, TEXT);
    expect(JSON.parse(one.body)).toMatchObject({ input_ids: [1, 2], sampling_params: { sampling_seed: 5 } });
  });

  it("does not take a response that was given up for one that ended", () => {
    const { read } = tokenExchange(SGLANG, TEXT);
    const whole = sglangAnswer([1, 2]);
    const finish_reason = { type: "abort", message: "Abort in waiting queue" };
    const aborted = { ...whole, meta_info: { ...whole.meta_info, finish_reason } };
    expect(read(JSON.stringify(aborted))).toEqual({
      kind: "broken",
      problem: "SGLang 0.5.23 gave a response up (Abort in waiting queue); see its log",
    });
  });

  it("refuses an answer to another prompt with both lengths, and says what decides an image's tokens", () => {
    const { read } = tokenExchange(SGLANG, CALL);
    const answer = read(JSON.stringify([sglangAnswer([1, 9, 2]), sglangAnswer([1, 9, 2])]));
    expect(answer).toMatchObject({ kind: "refused" });
    expect(answer).toHaveProperty(
      "problem",
      "SGLang 0.5.23 read 3 prompt tokens where 4, 2 of them of images, were meant: its processor is not the one named here (folder); if only images differ, start it with --mm-process-config and the min_pixels and max_pixels of the processor here",
    );
  });

  it("refuses fewer responses, missing log-probs, and what is no answer", () => {
    const { read } = tokenExchange(SGLANG, CALL);
    const whole = sglangAnswer([1, 9, 9, 2]);
    const halved = { ...whole, meta_info: { ...whole.meta_info, output_token_logprobs: [[-1, 4, null]] } };
    expect(read(JSON.stringify(whole))).toEqual({
      problem: "SGLang 0.5.23 gave 1 responses, 2 were asked for",
    });
    expect(read(JSON.stringify([whole, halved]))).toEqual({
      problem: "SGLang 0.5.23 gave 2 tokens and 1 log-probs",
    });
    expect(read("busy")).toHaveProperty("problem", expect.stringContaining("not JSON"));
  });

  it("asks llama.cpp for text alone, and compares how many tokens it read", () => {
    expect(() => tokenExchange(LLAMA, CALL)).toThrow(/llama\.cpp takes no images beside tokens/);
    const { read } = tokenExchange(LLAMA, TEXT);
    const answer = (tokens_evaluated: number) =>
      JSON.stringify({
        ...{ tokens: [7], tokens_evaluated, stop_type: "eos" },
      });
    expect(read(answer(2))).toEqual({ responses: [{ tokens: [7], stopReason: "eos" }] });
    expect(read(answer(3))).toHaveProperty(
      "problem",
      expect.stringContaining("read 3 prompt tokens where 2 were meant"),
    );
  });
});

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});
const MODEL = modelFolder("tiny");
const ADAPTER = { lora: { rank: 4 } };

async function serve(options: Partial<VllmOptions> = {}): Promise<string> {
  const engine: Engine = await loadEngine({
    ...{ model: MODEL, local: localSettings(resolveConfig({}, "test")) },
  });
  open.push(engine);
  const server = await startVllm({ processor: await loadProcessor(MODEL), engine, ...options });
  open.push(server);
  return server.url;
}

const FLAGS = ["--benchmarks", "MMStar", "--data", "samples", "--limit", "4", "--max-tokens", "24"];

async function serveSglang(options: Partial<SglangOptions> = {}) {
  const engine = await loadEngine({ model: MODEL, local: localSettings(resolveConfig(ADAPTER, "test")) });
  open.push(engine);
  const server = await startSglang({ processor: await loadProcessor(MODEL), engine, ...options });
  open.push(server);
  return { engine, server };
}

async function evaluated(...flags: readonly string[]) {
  const out = await mkdtemp(join(tmpdir(), "token-evaluate-"));
  const { said, printed } = await runCommand(addEvaluate, "evaluate", ...FLAGS, ...flags, "--out", out);
  const lines = (await readFile(join(out, "predictions", "MMStar.jsonl"), "utf8")).trim().split("\n");
  const rows = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return {
    said,
    printed,
    answers: rows.map(({ index, prediction, tokens }) => ({ index, prediction, tokens })),
  };
}

describe("evaluate --processor", () => {
  it("answers pictures by tokens as the policy here does, and says the limits of images", {
    timeout: 120_000,
  }, async () => {
    const url = await serve();
    const server = ["--model", url, "--model-name", BASE_MODEL];
    const there = await evaluated(...server, "--processor", "tiny");
    expect(there.said).toMatch(/vLLM 0\.33\.0: prompts as tokens by .*images of \d+ to \d+ pixels/);
    const here = await evaluated("--model", "tiny");
    const byIndex = (answers: typeof here.answers) =>
      [...answers].sort((a, b) => String(a.index).localeCompare(String(b.index)));
    expect(byIndex(there.answers)).toEqual(byIndex(here.answers));
  });

  it("asks SGLang for the adapter that is named, and for the model where that is", {
    timeout: 120_000,
  }, async () => {
    const { engine, server } = await serveSglang();
    const folder = await mkdtemp(join(tmpdir(), "adapter-"));
    await engine.learner.save(folder, "weights");
    const body = JSON.stringify({ lora_name: "mine", lora_path: folder });
    await fetch(server.url.replace("/v1", "/load_lora_adapter"), { method: "POST", body });
    const ask = (name: string) =>
      evaluated("--model", server.url, "--model-name", name, "--processor", "tiny");
    const there = await ask(BASE_MODEL);
    expect(there.said).toMatch(/SGLang 0\.5\.23: prompts as tokens by/);
    expect(there.answers).toHaveLength(4);
    const asked = () =>
      server.calls.filter(({ path }) => path === "/generate").map((call) => call.body.lora_path);
    expect(new Set(asked())).toEqual(new Set([undefined]));
    // A fresh adapter adds nothing.
    const byIndex = (answers: typeof there.answers) =>
      [...answers].sort((a, b) => String(a.index).localeCompare(String(b.index)));
    expect(byIndex((await ask("mine")).answers)).toEqual(byIndex(there.answers));
    expect(asked().slice(4)).toEqual(["mine", "mine", "mine", "mine"]);
  });

  it("stops where the server reads another prompt", { timeout: 120_000 }, async () => {
    const url = await serve({ misread: (tokens) => [...tokens, 1] });
    const server = ["--model", url, "--model-name", BASE_MODEL, "--processor", "tiny"];
    await expect(evaluated(...server)).rejects.toThrow(
      /of them of images, were meant.*--mm-processor-kwargs/,
    );
  });
});

describe("examineAddress(…)", () => {
  it("says of vLLM its version, that it takes tokens, and that adapters can be swapped", async () => {
    const url = await serve();
    const found = await examineAddress({ url });
    expect(found.map(({ name, isFine, note }) => `${isFine ? "✓" : "–"} ${name}: ${note}`)).toEqual(
      expect.arrayContaining([
        "✓ version: vLLM 0.33.0",
        "✓ tokens: taken and given by /inference/v1/generate, images included",
        "✓ adapter swap: yes: rollout.server samples with an adapter that is trained here",
      ]),
    );
    const old = await examineAddress({ url: await serve({ version: "0.20.0" }) });
    expect(old).toContainEqual({
      ...{ name: "version", isFine: false },
      note: "vLLM 0.20.0: its token route is that of 0.33.0",
    });
  });

  it("says of SGLang whether it has adapters and keeps seeds", async () => {
    const lines = async (options: Partial<SglangOptions>) => {
      const { server } = await serveSglang(options);
      const found = await examineAddress({ url: server.url });
      return found.map(({ name, isFine, note }) => `${isFine ? "✓" : "–"} ${name}: ${note}`);
    };
    expect(await lines({ isDeterministic: true })).toEqual(
      expect.arrayContaining([
        "✓ version: SGLang 0.5.23",
        "✓ tokens: taken and given by /generate, images included",
        "✓ adapter swap: yes: rollout.server samples with an adapter that is trained here",
        "✓ seeds: kept: the same seed draws the same response",
      ]),
    );
    const plain = await lines({ hasNoLora: true });
    expect(plain).toContain("– adapter swap: no: start it with --enable-lora");
    expect(plain).toContainEqual(
      expect.stringMatching(/^– seeds: not looked at: .*--enable-deterministic-inference/),
    );
  });
});
