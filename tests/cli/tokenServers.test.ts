import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { judgeFrom } from "../../src/cli/judge.js";
import { tokenWireFor } from "../../src/cli/tokenServers.js";
import { ConfigError, SharegrpoError } from "../../src/core/errors.js";
import { temporaryFolder, writeFakeModel } from "../support/fakeModel.js";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server that answers these paths with these texts, everything else with 404. */
async function serve(answers: Readonly<Record<string, string>>): Promise<string> {
  const server = createServer((request, response) => {
    const text = answers[request.url ?? ""];
    response.writeHead(text === undefined ? 404 : 200, { "content-type": "application/json" }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

const vllm = (version: string) => serve({ "/version": JSON.stringify({ version }), "/ping": "" });

function notes() {
  const said: string[] = [];
  const terminal = {
    onProgress: () => undefined,
    line: (text: string) => void said.push(text),
    retried: () => undefined,
    finish: () => undefined,
  };
  return { said, terminal };
}

async function model(): Promise<string> {
  const dir = await temporaryFolder();
  await writeFakeModel(dir);
  return dir;
}

describe("tokenWireFor", () => {
  it("asks nobody where no processor is named", async () => {
    expect(
      await tokenWireFor({ urls: ["http://127.0.0.1:9"], processor: undefined, key: undefined }, notes()),
    ).toBeUndefined();
  });

  it("says what server reads which tokens, and what images it must allow", async () => {
    const [url, folder, { said, terminal }] = [await vllm("0.33.0"), await model(), notes()];
    const limits = { minPixels: null, maxPixels: 50_176 };
    const wire = await tokenWireFor(
      { urls: [url, url], processor: folder, key: undefined, limits },
      { terminal },
    );
    expect(wire).toBeTypeOf("function");
    expect(said.at(-1)).toMatch(/^vLLM 0\.33\.0: prompts as tokens by .*; images of \d+ to 50176 pixels/);
  });

  it("says of a server that it is newer than those known", async () => {
    const [url, folder, { said, terminal }] = [await vllm("0.40.0"), await model(), notes()];
    await tokenWireFor({ urls: [url], processor: folder, key: undefined }, { terminal });
    expect(said.at(-1)).toMatch(/^vLLM 0\.40\.0 \(newer than 0\.33\.0, the newest known here\): prompts/);
  });

  it("refuses servers of two versions: their answers would not be comparable", async () => {
    const urls = [await vllm("0.33.0"), await vllm("0.34.0")];
    const asking = tokenWireFor({ urls, processor: await model(), key: undefined }, notes());
    await expect(asking).rejects.toThrow(ConfigError);
    await expect(asking).rejects.toThrow(/servers differ: vLLM 0\.33\.0, vLLM 0\.34\.0/);
  });

  it("refuses a server that is none of those known, and a folder that is no model's", async () => {
    const urls = [await serve({})];
    await expect(tokenWireFor({ urls, processor: await model(), key: undefined }, notes())).rejects.toThrow(
      SharegrpoError,
    );
    const dir = await temporaryFolder();
    await expect(tokenWireFor({ urls, processor: dir, key: undefined }, notes())).rejects.toThrow(
      `${dir}/tokenizer.json: missing file`,
    );
  });
});

describe("judgeFrom", () => {
  const context = { signal: new AbortController().signal, ...notes() };
  it("is nobody without --judge, and needs the model's name", async () => {
    expect(await judgeFrom({ judgeModel: "m" }, context)).toBeUndefined();
    await expect(judgeFrom({ judge: "http://127.0.0.1:9" }, context)).rejects.toThrow(
      "--judge: missing --judge-model",
    );
  });

  it("refuses an address that is none, and a folder of prompts that is not there", async () => {
    const flags = { judge: "nowhere", judgeModel: "m", judgeCache: `${await temporaryFolder()}/cache.jsonl` };
    await expect(judgeFrom(flags, context)).rejects.toThrow(ConfigError);
    await expect(judgeFrom({ ...flags, judgePrompts: "/none" }, context)).rejects.toThrow("/none");
  });
});
