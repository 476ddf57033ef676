import { existsSync } from "node:fs";
import { appendFile, copyFile, rename, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/core/errors.js";
import { compiledProgram } from "../../../src/core/files/compiledProgram.js";
import { fileState } from "../../../src/core/files/fileState.js";
import { packageRoot } from "../../../src/core/files/packageRoot.js";
import { temporaryFolder } from "../../support/fakeModel.js";

describe("fileState", () => {
  it("is the same while nothing is done to a file, and undefined where there is none", async () => {
    const path = join(await temporaryFolder(), "a");
    expect(await fileState(path)).toBeUndefined();
    await writeFile(path, "text");
    expect(await fileState(path)).toBe(await fileState(path));
    expect(await fileState(join(path, "below"))).toBeUndefined();
  });

  it.each([
    ["more bytes", (path: string) => appendFile(path, "more")],
    [
      "other bytes of the same number and date",
      async (path: string) => {
        const date = new Date(1e12);
        await writeFile(path, "next");
        await utimes(path, date, date);
      },
    ],
    [
      "another file in its place, of the same content and date",
      async (path: string) => {
        await copyFile(path, `${path}.copy`);
        await utimes(`${path}.copy`, new Date(1e12), new Date(1e12));
        await rename(`${path}.copy`, path);
      },
    ],
  ])("changes with %s", async (_, change) => {
    const path = join(await temporaryFolder(), "a");
    await writeFile(path, "text");
    await utimes(path, new Date(1e12), new Date(1e12));
    const before = await fileState(path);
    // Two changes within one tick of the file system's clock would look alike.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await change(path);
    expect(await fileState(path)).not.toBe(before);
  });
});

describe("packageRoot and compiledProgram", () => {
  it("find this package and its programs", () => {
    expect(existsSync(join(packageRoot(), "src", "core", "files", "packageRoot.ts"))).toBe(true);
    expect(compiledProgram("src/cli/main.js")).toBe(join(packageRoot(), "dist", "src", "cli", "main.js"));
  });

  it("say what to do about a program that is not built", () => {
    expect(() => compiledProgram("src/cli/none.js")).toThrow(ConfigError);
    expect(() => compiledProgram("src/cli/none.js")).toThrow(/none\.js: missing: run `npm run build` first$/);
  });
});
