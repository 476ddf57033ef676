import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { addServe } from "../../src/cli/serve.js";
import { connectTinker } from "../../src/engine/tinker/client.js";
import { runCommand } from "../helpers/command.js";
import { startProgram } from "../helpers/program.js";

describe("sharegrpo serve", () => {
  it("asks for the protocol by name", async () => {
    await expect(runCommand(addServe, "serve")).rejects.toThrow(
      "serve: missing protocol: write `sharegrpo serve --tinker`",
    );
  });

  it("prints its address on loopback, answers there, and ends with Ctrl-C", {
    timeout: 120_000,
  }, async () => {
    const server = startProgram(["serve", "--tinker", "--port", "0", "--max-samples", "2"]);
    const [text] = (await once(server.stdout, "data")) as [Buffer];
    const url = text.toString().trim();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const said: string[] = [];
    const client = await connectTinker({ url, onMessage: (message) => void said.push(message) });
    expect(client.capabilities.supported_models).toEqual([{ model_name: "sharegrpo/tiny" }]);
    expect(said).toEqual(["sharegrpo: all weights are trained, whatever the rank of the adapter asked for"]);
    const asked = client.sample({
      ...{ prompt: { chunks: [{ type: "encoded_text", tokens: [4] }] }, samples: 3 },
      ...{
        params: { max_tokens: 1, temperature: 1, top_p: 1, top_k: -1 },
        of: { base_model: "sharegrpo/tiny" },
      },
    });
    await expect(asked).rejects.toThrow("status 422: num_samples: above this server's limit of 2");
    client.close();
    server.kill("SIGINT");
    const [code] = (await once(server, "exit")) as [number | null];
    expect(code).toBe(0);
  });
});
