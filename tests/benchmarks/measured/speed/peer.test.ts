import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { startPeer } from "../../../../benchmarks/measured/speed/peer.js";
import { BenchmarkError } from "../../../../src/core/errors.js";
import { temporaryFolder } from "../../../support/fakeModel.js";

const SCRIPT = { folder: "speed", args: ["--threads", "1"] } as const;

/** An interpreter that reads no Python: it says `first`, then answers each line by this program's `answer(request)`. */
async function interpreter(first: string, answer = "undefined"): Promise<string> {
  const path = join(await temporaryFolder(), "python");
  const program = `
const say = (text) => process.stdout.write(text + "\\n");
const answer = ${answer};
${first === "" ? "process.exit(0);" : `say(${JSON.stringify(first)});`}
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const found = answer(JSON.parse(line));
  if (found === undefined) process.exit(3);
  say(JSON.stringify(found));
});`;
  await writeFile(`${path}.cjs`, program);
  await writeFile(
    path,
    `#!/bin/sh\nexec ${JSON.stringify(process.execPath)} ${JSON.stringify(`${path}.cjs`)}\n`,
  );
  await chmod(path, 0o755);
  return path;
}

const GREETING = { python: "3.12.3", torch: "2.15.0", transformers: "5.23.0" };

async function started(answer: string) {
  const peer = await startPeer(await interpreter(JSON.stringify(GREETING), answer), SCRIPT);
  if ("missing" in peer) throw new Error(peer.missing);
  return peer;
}

describe.skipIf(process.platform === "win32")("startPeer", () => {
  it("says what answers, and which of the libraries it has", async () => {
    const peer = await started("(request) => ({ ms: request.ms })");
    expect(peer.versions).toBe("PyTorch 2.15.0, transformers 5.23.0, Python 3.12.3");
    expect(peer.has).toEqual({ transformers: true, trl: false });
    expect(await peer.time({ op: "step", ms: 12.5 })).toBe(12.5);
    peer.close();
  });

  it("asks one thing after the other and gives each its own answer", async () => {
    const peer = await started("(request) => ({ twice: 2 * request.n })");
    const schema = z.object({ twice: z.number() });
    for (const n of [1, 2, 3]) expect(await peer.call({ op: "double", n }, schema)).toEqual({ twice: 2 * n });
    peer.close();
  });

  it.each([
    ["a failure of the work", "() => ({ error: 'CUDA out of memory' })", "peer: step: CUDA out of memory"],
    ["the end of the process", "() => undefined", "peer: ended during step"],
  ])("passes on %s by name", async (_, answer, message) => {
    const peer = await started(answer);
    const asking = peer.time({ op: "step" });
    await expect(asking).rejects.toThrow(BenchmarkError);
    await expect(asking).rejects.toThrow(message);
    peer.kill();
  });

  it("can be ended while it works, and its call is refused", async () => {
    const peer = await started("() => { for (;;); }");
    const asking = peer.time({ op: "endless" });
    expect(peer.hasEnded()).toBe(false);
    peer.kill();
    await expect(asking).rejects.toThrow("peer: ended during endless");
    expect(peer.hasEnded()).toBe(true);
  });

  it.each([
    ["no such program", async () => "/none/python", /^\/none\/python does not start \(.*ENOENT.*\)$/],
    ["a program that ends at once", () => interpreter(""), / ended at once$/],
    [
      "one that lacks something",
      () => interpreter('{"python": "3.12", "missing": "no torch"}'),
      /^no torch$/,
    ],
  ])("says why there is none: %s", async (_, python, message) => {
    expect(await startPeer(await python(), SCRIPT)).toEqual({ missing: expect.stringMatching(message) });
  });
});
