import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseBaseUrl } from "../../../src/core/chat/chatServer.js";
import { createChatClient, createRequests } from "../../../src/core/chat/openai.js";
import { examineAddress } from "../../../src/engine/examine.js";
import { requireServer } from "../../../src/engine/openAi/server.js";
import { tokenExchange } from "../../../src/engine/openAi/tokenRoutes.js";
import { temporaryFolder } from "../../support/fakeModel.js";
import { freePort } from "../../support/skyrl.js";

/** A Python with `xllamacpp` (2026.10.11549), `gguf` and `numpy`. */
const python = process.env["SHAREGRPO_LLAMA_PYTHON"];
const SCRIPT = fileURLToPath(new URL("../../support/llamaServer.py", import.meta.url));

describe.skipIf(!python)("a real llama.cpp server", () => {
  it("is examined: takes tokens, tells log-probs, gives text only; and answers chats", {
    timeout: 120_000,
  }, async () => {
    const [file, port] = [join(await temporaryFolder(), "toy.gguf"), await freePort()];
    const running = spawn(python ?? "", [SCRIPT, file, String(port)], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    try {
      const [text] = (await once(running.stdout, "data")) as [Buffer];
      const url = `${text.toString().trim()}/v1`;
      const found = await examineAddress({ url });
      expect(found.map(({ name, isFine }) => `${name}: ${isFine}`)).toEqual([
        "server: true",
        "models: true",
        "version: true",
        "tokens: true",
        "token prompts: true",
        "prompt read back: false",
        "token answers: false",
        "log-probs: true",
        "images: false",
      ]);
      const client = createChatClient({ baseUrls: [url], model: "toy.gguf" });
      const reply = await client.complete([{ role: "user", content: "one two" }], {
        maxTokens: 4,
        temperature: 1,
      });
      expect(reply.usage.completionTokens).toBeGreaterThan(0);

      const server = await requireServer({ base: parseBaseUrl(url) });
      expect(server).toMatchObject({ kind: "llama", version: expect.stringMatching(/\d/) });
      const requests = createRequests({ baseUrls: [url], model: "toy.gguf", retries: 0 });
      const sample = (expanded: number[], seed: number) => {
        const prompt = { short: [1, 5, 6, 7], expanded, imageTokens: 0, images: [], processor: "toy" };
        const off = { topP: 1, topK: 0, repetitionPenalty: 1 };
        const sampling = { ...off, temperature: 1, maxTokens: 200, seed };
        return requests.send(async () =>
          tokenExchange(server, { model: "toy.gguf", prompt, responses: 1, sampling }),
        );
      };
      const sampled = await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => sample([1, 5, 6, 7], seed)));
      for (const { responses } of sampled) {
        const [{ tokens = [], stopReason = "eos" } = {}] = responses;
        // The end token is one of the response's.
        expect([tokens.at(-1) === 2, tokens.length]).toEqual(
          stopReason === "eos" ? [true, tokens.length] : [false, 200],
        );
      }
      expect(new Set(sampled.map(({ responses }) => responses[0]?.stopReason))).toContain("eos");
      await expect(sample([1, 5, 6], 1)).rejects.toThrow(
        /llama\.cpp .* read 4 prompt tokens where 3 were meant/,
      );
    } finally {
      running.kill("SIGKILL");
    }
  });
});
