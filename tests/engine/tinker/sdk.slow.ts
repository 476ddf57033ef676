import { execFile, spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { WIRE_SDK_VERSION } from "../../../src/engine/tinker/wire.js";
import { startProgram } from "../../helpers/program.js";
import { temporaryFolder } from "../../support/fakeModel.js";

const SCRIPT = fileURLToPath(new URL("../../support/tinkerSdk.py", import.meta.url));

/** A Python with the official SDK, or undefined: then say so and skip. @throws Error when it has another version */
function sdkPython(): string | undefined {
  const python = process.env["SHAREGRPO_TINKER_PYTHON"];
  if (!python) return undefined;
  const code = "import importlib.metadata as m; print(m.version('tinker'))";
  const found = spawnSync(python, ["-c", code], { encoding: "utf8" }).stdout?.trim();
  if (found !== WIRE_SDK_VERSION) {
    throw new Error(`${python}: has tinker ${found || "not at all"}; this test is for ${WIRE_SDK_VERSION}`);
  }
  return python;
}

const python = sdkPython();

describe.skipIf(!python)("sharegrpo serve --tinker", () => {
  it("lets the official SDK train and sample the bundled policy on an image", {
    timeout: 300_000,
  }, async () => {
    const image = join(await temporaryFolder(), "red.png");
    const red = { create: { width: 56, height: 56, channels: 3, background: "red" } } as const;
    await writeFile(image, await sharp(red).png().toBuffer());
    const server = startProgram(["serve", "--tinker", "--port", "0"]);
    try {
      const url = await new Promise<string>((resolve) => {
        server.stdout.once("data", (text: Buffer) => resolve(text.toString().trim()));
      });
      const { stdout } = await promisify(execFile)(python ?? "", [SCRIPT, url, image], { timeout: 240_000 });
      const { models, losses, tokens } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as {
        models: string[];
        losses: number[];
        tokens: number[][];
      };
      expect(models).toEqual(["sharegrpo/tiny"]);
      expect(losses.at(-1)).toBeLessThan(0.7 * (losses[0] ?? 0));
      // Greedy answers to one prompt are one answer.
      expect(tokens[0]).toEqual(tokens[1]);
      expect(tokens[0]?.length).toBeGreaterThan(0);
    } finally {
      server.kill("SIGINT");
    }
  });
});
