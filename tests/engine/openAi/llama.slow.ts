import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createChatClient } from "../../../src/core/chat/openai.js";
import { examineAddress } from "../../../src/engine/examine.js";
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
    const server = spawn(python ?? "", [SCRIPT, file, String(port)], { stdio: ["ignore", "pipe", "ignore"] });
    try {
      const [text] = (await once(server.stdout, "data")) as [Buffer];
      const url = `${text.toString().trim()}/v1`;
      const found = await examineAddress({ url });
      expect(found.map(({ name, isFine }) => `${name}: ${isFine}`)).toEqual([
        "server: true",
        "models: true",
        "token prompts: true",
        "prompt read back: false",
        "token answers: false",
        "log-probs: true",
      ]);
      const client = createChatClient({ baseUrls: [url], model: "toy.gguf" });
      const reply = await client.complete([{ role: "user", content: "one two" }], {
        maxTokens: 4,
        temperature: 1,
      });
      expect(reply.usage.completionTokens).toBeGreaterThan(0);
    } finally {
      server.kill("SIGKILL");
    }
  });
});
