import { afterEach, describe, expect, it } from "vitest";
import { addDoctor } from "../../src/cli/doctor.js";
import { startTinkerServer } from "../../src/engine/tinker/serve/server.js";
import { startChatServer } from "../helpers/chatServer.js";
import { runCommand } from "../helpers/command.js";
import { startRayHead } from "../support/rayHead.js";
import { type ToyOptions, toyBackend } from "../support/toyBackend.js";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function doctor(url: string) {
  const { printed, code } = await runCommand(addDoctor, "doctor", "--engine", url);
  return { lines: printed.split("\n").map((line) => line.replace(/ {2,}/, " | ")), code };
}

async function toyServer(toy: ToyOptions = {}): Promise<string> {
  const server = await startTinkerServer({ backend: toyBackend(toy), version: "1.2.3" });
  open.push(server);
  return server.url;
}

describe("sharegrpo doctor --engine", () => {
  it("says in words what works on a Tinker-wire server", async () => {
    const url = await toyServer({ aggregation: "mean" });
    const { lines, code } = await doctor(url);
    expect(code).toBe(0);
    expect(lines).toEqual([
      `✓ server | ${url}/api/v1 (sharegrpo 1.2.3)`,
      "✓ models | toy/bigram-16",
      "✓ model | toy/bigram-16, adapter of rank 8",
      "✓ aggregation | mean over sequences of token means",
      "✓ repeated requests | known again: a lost answer is asked for again",
      "✓ loss cross_entropy | computed as named",
      "✓ loss importance_sampling | computed as named",
      "✓ loss ppo | computed as named",
      "✓ loss cispo | computed as named",
    ]);
  });

  it("names a loss that a server computes as another", async () => {
    const { lines } = await doctor(await toyServer({ lossAs: { ppo: "cross_entropy" } }));
    expect(lines).toContain("– loss ppo | the server computes something else under this name");
  });

  it("knows a Ray head", async () => {
    const head = await startRayHead({ states: ["SUCCEEDED"], logs: [""] });
    open.push(head);
    const { lines, code } = await doctor(head.url);
    expect(code).toBe(0);
    expect(lines[0]).toBe(`✓ server | ${head.url}, Ray 2.60.0`);
  });

  it("knows an OpenAI-compatible server, and that it takes no tokens", async () => {
    const server = await startChatServer({ answer: () => "1", models: ["a-model"] });
    open.push(server);
    const { lines } = await doctor(server.url);
    expect(lines[0]).toMatch(/^✓ server \| .*OpenAI-compatible$/);
    expect(lines[1]).toBe("✓ models | a-model");
    expect(lines[2]).toMatch(/^– token prompts \| not taken by \/completions: good for evaluate/);
  });

  it("says when nobody answers, or something else does, and exits with 1", async () => {
    const gone = await doctor("http://127.0.0.1:9");
    expect(gone).toMatchObject({ code: 1 });
    expect(gone.lines[0]).toMatch(/^– server \| .*ECONNREFUSED/);
    const other = await startChatServer({ answer: () => "1", models: null });
    open.push(other);
    const { lines, code } = await doctor(other.url.replace("/v1", ""));
    expect(code).toBe(1);
    expect(lines[0]).toMatch(/is no Tinker-wire server, no Ray dashboard and no OpenAI-compatible server/);
  });
});
