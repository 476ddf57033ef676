import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { ConfigError, ServerError } from "../../../src/core/errors.js";
import { examineOpenAi } from "../../../src/engine/openAi/examine.js";
import {
  askJson,
  describeServer,
  isOlder,
  requireServer,
  SERVERS,
  whoAnswers,
} from "../../../src/engine/openAi/server.js";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Answer {
  readonly status?: number;
  readonly text: string;
}

/** A server with these paths; everything else is 404. What was asked stands in `asked`. */
async function serve(answers: Readonly<Record<string, string | Answer>>) {
  const asked: { path: string; method: string; key: string | undefined; body: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    const { url: path = "", method = "", headers } = request;
    asked.push({ path, method, key: headers.authorization, body });
    const found = answers[path];
    const { status = 200, text } =
      typeof found === "string" ? { text: found } : (found ?? { status: 404, text: "" });
    response.writeHead(status).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  return { base: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`), asked };
}

const VLLM = { "/version": '{"version": "0.33.0"}' };
const SGLANG = {
  "/server_info": '{"version": "0.5.23", "internal_states": [{}]}',
  "/version": '{"version": "0.5.23"}',
};
const LLAMA = { "/props": '{"build_info": "b11549-abc", "total_slots": 1}' };

describe("whoAnswers", () => {
  it.each([
    ["vLLM", VLLM, { kind: "vllm", version: "0.33.0" }],
    [
      "SGLang, which says its version in vLLM's place, too",
      SGLANG,
      { kind: "sglang", version: "0.5.23", isDeterministic: false, hasAdapters: false },
    ],
    ["llama.cpp", LLAMA, { kind: "llama", version: "b11549-abc" }],
    ["nobody known", {}, undefined],
    ["a page", { "/version": "<html>", "/props": "<html>" }, undefined],
    ["a version that is no text", { "/version": '{"version": 33}' }, undefined],
    [
      "an error with a version in it",
      { "/version": { status: 500, text: '{"version": "0.33.0"}' } },
      undefined,
    ],
  ])("knows %s", async (_, answers, found) => {
    expect(await whoAnswers(await serve(answers))).toEqual(found ? { server: found } : {});
  });

  it("asks beside the API, with the key", async () => {
    const { base, asked } = await serve(VLLM);
    await whoAnswers({ base, key: "k" });
    expect(asked.map(({ path, method, key }) => [path, method, key])).toEqual([
      ["/server_info", "GET", "Bearer k"],
      ["/version", "GET", "Bearer k"],
    ]);
  });

  it("says who is not there", async () => {
    await expect(whoAnswers({ base: new URL("http://127.0.0.1:1/v1") })).rejects.toThrow(ServerError);
  });
});

describe("isOlder", () => {
  it.each([
    ["vllm", "0.33.0", false],
    ["vllm", "0.33.1", false],
    ["vllm", "0.33", false],
    ["vllm", "1.0.0", false],
    ["vllm", "0.33.0rc2", false],
    ["vllm", "0.33.0.dev5+cu128", false],
    ["vllm", "0.100.0", false],
    ["vllm", "0.32.9", true],
    ["vllm", "0.9.2", true],
    ["vllm", "0.4", true],
    ["vllm", "unknown", true],
    ["sglang", "0.5.22.post3", true],
    ["sglang", "0.5.23", false],
    ["sglang", "0.6", false],
    ["llama", "b1", false],
  ] as const)("%s %s: %s", (kind, version, older) => {
    expect(isOlder({ kind, version })).toBe(older);
  });
});

describe("describeServer", () => {
  it.each([
    ["vllm", "0.33.0", "vLLM 0.33.0"],
    ["vllm", "0.33.0rc2", "vLLM 0.33.0rc2"],
    ["vllm", "0.8.5", "vLLM 0.8.5"],
    ["vllm", "0.33.1", "vLLM 0.33.1 (newer than 0.33.0, the newest known here)"],
    ["vllm", "1.0", "vLLM 1.0 (newer than 0.33.0, the newest known here)"],
    ["sglang", "0.5.23", "SGLang 0.5.23"],
    ["sglang", "0.6.0", "SGLang 0.6.0 (newer than 0.5.23, the newest known here)"],
    ["llama", "b99999", "llama.cpp b99999"],
  ] as const)("%s %s: %s", (kind, version, said) => {
    expect(describeServer({ kind, version })).toBe(said);
  });
});

describe("requireServer", () => {
  it("gives the server that takes tokens", async () => {
    expect(await requireServer(await serve(VLLM))).toEqual({ kind: "vllm", version: SERVERS.vllm.known });
  });

  it.each([
    ["an unknown one", {}, /unknown server: tokens are taken by vLLM .*, SGLang .*, llama\.cpp .* or newer/],
    [
      "an older one",
      { "/version": '{"version": "0.8.5"}' },
      /unsupported version: vLLM 0\.8\.5: its token route is that of/,
    ],
    [
      "one that asks for a key",
      { "/props": { status: 401, text: '{"error": "no key"}' } },
      /asks for another key before it says what it is \(at \/props\): check the key/,
    ],
  ])("refuses %s by address", async (_, answers, message) => {
    const server = await serve(answers);
    const asking = requireServer(server);
    await expect(asking).rejects.toThrow(ConfigError);
    await expect(asking).rejects.toThrow(message);
    await expect(asking).rejects.toThrow(server.base.href);
  });
});

describe("askJson", () => {
  const schema = z.object({ n: z.number() });
  it("posts a body, and is undefined for whatever is not this shape with status 200", async () => {
    const { base, asked } = await serve({
      "/a": '{"n": 1, "more": 2}',
      "/b": '{"n": "1"}',
      "/c": { status: 201, text: '{"n": 1}' },
    });
    const at = (path: string) => new URL(path, base);
    expect(await askJson({ base }, at("/a"), schema, { x: 1 })).toEqual({ n: 1 });
    expect(asked[0]).toMatchObject({ method: "POST", body: '{"x":1}', key: undefined });
    for (const path of ["/b", "/c", "/none"])
      expect(await askJson({ base }, at(path), schema)).toBeUndefined();
  });
});

describe("examineOpenAi", () => {
  const MODELS = { "/v1/models": '{"data": [{"id": "m"}]}' };
  /** Findings by name. */
  async function found(answers: Readonly<Record<string, string | Answer>>) {
    const findings = await examineOpenAi(await serve(answers));
    return Object.fromEntries((findings ?? []).map(({ name, isFine, note }) => [name, [isFine, note]]));
  }

  it("is undefined where nothing speaks the protocol, and a finding where nobody is", async () => {
    expect(await examineOpenAi(await serve({}))).toBeUndefined();
    expect(await examineOpenAi({ base: new URL("http://127.0.0.1:1/v1") })).toEqual([
      { name: "server", isFine: false, note: expect.stringContaining("cannot be reached") },
    ]);
  });

  it("finds what vLLM takes by its routes", async () => {
    const all = await found({
      ...MODELS,
      ...VLLM,
      "/inference/v1/generate": { status: 400, text: "" },
      "/v1/load_lora_adapter": { status: 422, text: "" },
    });
    expect([all["tokens"]?.[0], all["adapter swap"]?.[0]]).toEqual([true, true]);
    const none = await found({ ...MODELS, ...VLLM });
    expect(none["tokens"]).toEqual([false, expect.stringContaining("--enable-scale-out")]);
    expect(none["adapter swap"]).toEqual([false, expect.stringContaining("--enable-lora")]);
    const old = await found({ ...MODELS, "/version": '{"version": "0.8"}' });
    expect(old["version"]).toEqual([false, expect.stringContaining("vLLM 0.8: its token route is that of")]);
    const newer = await found({ ...MODELS, "/version": '{"version": "0.40.1"}' });
    expect(newer["version"]).toEqual([true, "vLLM 0.40.1 (newer than 0.33.0, the newest known here)"]);
  });

  it.each<[string, object, Record<string, unknown[]>]>([
    [
      "everything",
      { text: "x", token_ids: [1, 2], prompt_token_ids: [1, 2, 3], logprobs: {} },
      { "token prompts": [true], "prompt read back": [true], "token answers": [true], "log-probs": [true] },
    ],
    [
      "tokens of its own before the prompt",
      { text: "x", prompt_token_ids: [0, 1, 2, 3] },
      { "prompt read back": [false, expect.stringContaining("sent 1 2 3, read 0 1 2 3")] },
    ],
    [
      "text alone",
      { text: "x", token_ids: null, logprobs: null },
      {
        "token prompts": [true],
        "prompt read back": [false, expect.stringContaining("does not say which tokens")],
        "token answers": [false],
        "log-probs": [false, "not told"],
      },
    ],
  ])("of a server that gives %s", async (_, choice, expected) => {
    const all = await found({ ...MODELS, "/v1/completions": JSON.stringify({ choices: [choice] }) });
    for (const [name, finding] of Object.entries(expected)) {
      expect(all[name]?.slice(0, finding.length), name).toEqual(finding);
    }
  });

  it("does not take a missing key for a missing route", async () => {
    const all = await found({ ...MODELS, "/v1/completions": { status: 401, text: "no key" } });
    expect(all["token prompts"]).toEqual([
      false,
      expect.stringMatching(/^status 401 at \/completions: set SHAREGRPO_ENGINE_KEY/),
    ]);
  });

  it("knows transformers' server by its own paths, a chat server by none, and one without models", async () => {
    const api = { "/openapi.json": '{"paths": {"/load_model": {}}}' };
    expect((await found({ ...MODELS, ...api }))["program"]?.[1]).toMatch(/^transformers serve/);
    const plain = await found(MODELS);
    expect(plain["token prompts"]).toEqual([false, expect.stringContaining("not taken by /completions")]);
    const empty = await found({ "/v1/models": '{"data": []}' });
    expect(empty["models"]).toEqual([false, "none"]);
    expect(empty["token prompts"]).toBeUndefined();
  });
});
