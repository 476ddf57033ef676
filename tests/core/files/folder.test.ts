import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { CheckpointError } from "../../../src/core/errors.js";
import { createFolder, isThere, replaceFolder } from "../../../src/core/files/folder.js";
import { temporaryFolder } from "../../support/fakeModel.js";

let dir: string;
beforeEach(async () => {
  dir = await temporaryFolder();
});

const fill = (partial: string) => writeFile(join(partial, "a"), "text");

describe("createFolder", () => {
  it("makes the folder with what was filled in, and those above it", async () => {
    await createFolder(join(dir, "x", "y"), fill);
    expect(await readdir(join(dir, "x"))).toEqual(["y"]);
    expect(await readFile(join(dir, "x", "y", "a"), "utf8")).toBe("text");
  });

  it("means the same folder where a slash ends its name", async () => {
    await createFolder(`${join(dir, "x")}/`, fill);
    expect(await readdir(dir)).toEqual(["x"]);
    expect(await readdir(join(dir, "x"))).toEqual(["a"]);
    await expect(createFolder(`${join(dir, "x")}//`, fill)).rejects.toThrow("is there already");
  });

  it("fills a folder of another name: the name is there once all is", async () => {
    const out = join(dir, "x");
    await createFolder(out, async (partial) => {
      expect(partial).not.toBe(out);
      expect(await isThere(out)).toBe(false);
      await fill(partial);
    });
    expect(await isThere(out)).toBe(true);
  });

  it("clears away what a killed process left half-made", async () => {
    await mkdir(join(dir, "x.partial"));
    await writeFile(join(dir, "x.partial", "old"), "");
    await createFolder(join(dir, "x"), fill);
    expect(await readdir(dir)).toEqual(["x"]);
    expect(await readdir(join(dir, "x"))).toEqual(["a"]);
  });

  it.each([
    ["a folder", (path: string) => mkdir(path)],
    ["a file", (path: string) => writeFile(path, "mine")],
  ])("touches nothing and asks nobody where %s has the name", async (_, make) => {
    await make(join(dir, "x"));
    const filling = createFolder(join(dir, "x"), () => Promise.reject(new Error("asked")));
    await expect(filling).rejects.toThrow(CheckpointError);
    await expect(filling).rejects.toThrow(
      `${join(dir, "x")}: is there already; choose another --out or delete it`,
    );
    expect(await readdir(dir)).toEqual(["x"]);
  });

  it("leaves nothing and passes the error on when filling fails", async () => {
    const fault = new Error("no weights");
    const failing = createFolder(join(dir, "x"), async (partial) => {
      await fill(partial);
      throw fault;
    });
    await expect(failing).rejects.toBe(fault);
    expect(await readdir(dir)).toEqual([]);
  });

  it.each([
    ["a file above it", "file/x"],
    ["a name longer than the system takes", "n".repeat(300)],
  ])("says that it cannot be written: %s", async (_, name) => {
    await writeFile(join(dir, "file"), "");
    const making = createFolder(join(dir, name), fill);
    await expect(making).rejects.toThrow(CheckpointError);
    await expect(making).rejects.toThrow(/: cannot write .*; .*choose another --out/);
    expect(await readdir(dir)).toEqual(["file"]);
  });
});

describe("isThere", () => {
  it("knows files and folders, and nothing below a file", async () => {
    await writeFile(join(dir, "file"), "");
    expect(await Promise.all(["", "file", "none", "file/x"].map((name) => isThere(join(dir, name))))).toEqual(
      [true, true, false, false],
    );
  });
});

describe("replaceFolder", () => {
  it("puts what was filled in where nothing was, and in a former one's place once it is whole", async () => {
    const folder = join(dir, "x", "y");
    await replaceFolder(folder, fill);
    expect(await readdir(folder)).toEqual(["a"]);
    await replaceFolder(folder, async (partial) => {
      expect(await readFile(join(folder, "a"), "utf8")).toBe("text");
      await writeFile(join(partial, "b"), "new");
    });
    expect(await readdir(folder)).toEqual(["b"]);
    expect(await readdir(join(dir, "x"))).toEqual(["y"]);
  });

  it("leaves the former one, and nothing half-made, when filling fails", async () => {
    await replaceFolder(join(dir, "x"), fill);
    const failing = replaceFolder(join(dir, "x"), async (partial) => {
      await writeFile(join(partial, "b"), "half");
      throw new Error("no more");
    });
    await expect(failing).rejects.toThrow("no more");
    expect(await readdir(dir)).toEqual(["x"]);
    expect(await readdir(join(dir, "x"))).toEqual(["a"]);
  });
});
