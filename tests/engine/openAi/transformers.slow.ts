import { spawn } from "node:child_process";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { addEvaluate } from "../../../src/cli/evaluate.js";
import { examineAddress } from "../../../src/engine/examine.js";
import { modelFolder } from "../../../src/model/load.js";
import { runCommand } from "../../helpers/command.js";
import { freePort } from "../../support/skyrl.js";

/** A Python with transformers (5.24.0), torch (2.15), torchvision, fastapi, uvicorn and openai. */
const python = process.env["SHAREGRPO_TRANSFORMERS_PYTHON"];
const MODEL = resolve(modelFolder("tiny"));

interface Row {
  readonly index: string;
  readonly prediction: string;
  readonly thinking?: string;
  readonly promptTokens: number;
  readonly tokens: number;
}

async function answers(...flags: readonly string[]): Promise<Row[]> {
  const out = await mkdtemp(join(tmpdir(), "transformers-"));
  const rows = ["--benchmarks", "MMStar", "--data", "samples", "--max-tokens", "96"];
  await runCommand(addEvaluate, "evaluate", ...rows, ...flags, "--out", out);
  const lines = (await readFile(join(out, "predictions", "MMStar.jsonl"), "utf8")).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Row).sort((a, b) => Number(a.index) - Number(b.index));
}

/** @param hasEnded what the server said when it ended, if it did */
async function untilItAnswers(url: string, hasEnded: () => string | undefined): Promise<void> {
  for (let tries = 0; tries < 240; tries++) {
    const said = hasEnded();
    if (said !== undefined) throw new Error(`transformers serve ended: ${said.trim().slice(-300)}`);
    const isThere = await fetch(`${url}/models`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isThere) return;
    await wait(500);
  }
  throw new Error(`${url}: did not start`);
}

describe.skipIf(!python)("a real transformers server", () => {
  it("gives the bundled policy's greedy answers to pictures, prompts of the same length, and is recognised", {
    timeout: 600_000,
  }, async () => {
    const port = await freePort();
    const program = join(dirname(python ?? ""), "transformers");
    const server = spawn(program, ["serve", MODEL, "--device", "cpu", "--port", String(port)], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, HF_HUB_OFFLINE: "1" },
    });
    let said = "";
    server.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = `${said}${text}`.slice(-1000);
    });
    try {
      const url = `http://localhost:${port}/v1`;
      await untilItAnswers(url, () => (server.exitCode === null ? undefined : said));
      const found = await examineAddress({ url });
      expect(found.find(({ name }) => name === "program")?.note).toMatch(
        /transformers serve: chats with images/,
      );
      expect(found.at(-1)).toMatchObject({
        ...{ name: "images", isFine: true },
        note: "taken by chats: one of 224 × 224 pixels adds 66 tokens",
      });
      const there = await answers("--model", url, "--model-name", MODEL);
      const here = await answers("--model", "tiny");
      expect(there.map(({ promptTokens, tokens }) => [promptTokens, tokens])).toEqual(
        here.map(({ promptTokens, tokens }) => [promptTokens, tokens]),
      );
      // The server keeps the thinking apart, where it finds one.
      const whole = ({ thinking, prediction }: Row) =>
        (thinking === undefined ? prediction : `<think>${thinking}</think>${prediction}`).replace(/\s+/g, "");
      expect(there.map(whole)).toEqual(here.map(whole));
      expect(there).toHaveLength(15);
    } finally {
      server.kill("SIGKILL");
    }
  });
});
