import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CheckpointError } from "../../../src/core/errors.js";
import { makeFolder, syncPath, writeError, writeFileAtomic } from "../../../src/core/files/atomic.js";

const folder = () => mkdtemp(join(tmpdir(), "sharegrpo-atomic-"));

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: refused, write`), { code });
}

describe("writeFileAtomic", () => {
  it("replaces text and bytes and leaves nothing beside them", async () => {
    const dir = await folder();
    await writeFileAtomic(join(dir, "a.json"), "old");
    await writeFileAtomic(join(dir, "a.json"), new Uint8Array([110, 101, 119]));
    expect(await readFile(join(dir, "a.json"), "utf8")).toBe("new");
    expect(await readdir(dir)).toEqual(["a.json"]);
  });

  it("removes its temporary file and keeps what was there when the rename fails", async () => {
    const dir = await folder();
    await mkdir(join(dir, "taken"));
    await writeFile(join(dir, "taken", "inside"), "kept");
    await expect(writeFileAtomic(join(dir, "taken"), "x")).rejects.toThrow(CheckpointError);
    expect(await readdir(dir)).toEqual(["taken"]);
    expect(await readFile(join(dir, "taken", "inside"), "utf8")).toBe("kept");
  });

  it("names the folder, the file and the cure when the folder is missing", async () => {
    const path = join(await folder(), "missing", "a.json");
    await expect(writeFileAtomic(path, "x")).rejects.toThrow(
      /missing: cannot write a\.json: ENOENT.*; create the folder or choose another --out$/,
    );
  });

  // /dev/full refuses every write with ENOSPC, as a full disk does.
  it.skipIf(!existsSync("/dev/full"))("reports a full disk as such", async () => {
    const cause = await writeFile("/dev/full", "x").catch((error: unknown) => error);
    expect(writeError("/runs/a/metrics.jsonl", cause).message).toMatch(
      /^\/runs\/a: cannot write metrics\.jsonl: ENOSPC.*; free space or choose another --out$/,
    );
  });
});

describe("makeFolder", () => {
  it("makes the folder and those above it, and leaves one that is there as it is", async () => {
    const dir = join(await folder(), "a", "b");
    await makeFolder(dir);
    await writeFile(join(dir, "kept"), "");
    await makeFolder(dir);
    expect(await readdir(dir)).toEqual(["kept"]);
  });

  it("refuses a file in the place of the folder, or of one above it", async () => {
    const dir = await folder();
    await writeFile(join(dir, "file"), "");
    const cure =
      /cannot write (file|below): (EEXIST|ENOTDIR).*; a file is in the folder's place: choose another/;
    await expect(makeFolder(join(dir, "file"))).rejects.toThrow(cure);
    await expect(makeFolder(join(dir, "file", "below"))).rejects.toThrow(cure);
  });

  // Nobody may make folders there, not even root.
  it.skipIf(!existsSync("/proc/self"))("ends where the system will not have it", async () => {
    await expect(makeFolder("/proc/runs/a")).rejects.toThrow(CheckpointError);
  });
});

describe("writeError", () => {
  it.each([
    ["ENOSPC", "free space or choose another --out"],
    ["EDQUOT", "free space or choose another --out"],
    ["EACCES", "allow writing there or choose another --out"],
    ["EROFS", "allow writing there or choose another --out"],
    ["ENOTDIR", "a file is in the folder's place: choose another --out"],
  ])("%s is cured by: %s", (code, cure) => {
    const error = writeError("/runs/a/state.json", failure(code));
    expect(error.message).toBe(`/runs/a: cannot write state.json: ${code}: refused, write; ${cure}`);
    expect(error.cause).toBeInstanceOf(Error);
  });
});

describe("syncPath", () => {
  it("syncs a file and a folder, and refuses what is not there", async () => {
    const dir = await folder();
    await writeFile(join(dir, "a"), "x");
    await syncPath(join(dir, "a"));
    await syncPath(dir);
    await expect(syncPath(join(dir, "b"))).rejects.toThrow("ENOENT");
  });
});
