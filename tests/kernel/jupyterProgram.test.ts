import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { describeJupyter, findJupyter } from "../../src/kernel/jupyter.js";
import { temporaryFolder } from "../support/fakeModel.js";

async function writeProgram(path: string, script: string): Promise<string> {
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

describe.skipIf(process.platform === "win32")("describeJupyter", () => {
  it("prefers JupyterLab, and takes the older Notebook where there is no Lab", async () => {
    const folder = await temporaryFolder();
    const both = await writeProgram(join(folder, "both"), 'echo "4.5.6"');
    expect(describeJupyter(both)).toEqual({ program: both, frontEnd: "lab", version: "4.5.6" });
    const old = await writeProgram(join(folder, "old"), '[ "$1" = notebook ] && echo "6.4.12"');
    expect(describeJupyter(old)).toEqual({ program: old, frontEnd: "notebook", version: "6.4.12" });
  });

  it("is undefined for a program that is missing or broken", async () => {
    const folder = await temporaryFolder();
    expect(describeJupyter(join(folder, "absent"))).toBeUndefined();
    expect(describeJupyter(await writeProgram(join(folder, "broken"), "exit 1"))).toBeUndefined();
  });

  it("is asked of the project's own environment first", async () => {
    const root = await temporaryFolder();
    await mkdir(join(root, ".venv", "bin"), { recursive: true });
    const own = await writeProgram(join(root, ".venv", "bin", "jupyter"), 'echo "4.0.0"');
    expect(findJupyter(root)?.program).toBe(own);
  });
});
