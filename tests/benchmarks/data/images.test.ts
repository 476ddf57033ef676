import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import {
  decodeBase64,
  imageFiles,
  imageKind,
  keepImage,
  readImageCell,
} from "../../../benchmarks/data/images.js";
import { CheckpointError, DataError } from "../../../src/core/errors.js";
import { temporaryFolder } from "../../support/fakeModel.js";

let dir: string;
beforeAll(async () => {
  dir = await temporaryFolder();
});

const LONG = "iVBORw0KGgo".repeat(10);

describe("readImageCell", () => {
  it("takes a short cell for another row's index (VLMEvalKit: at most 64 signs), a long one for an image", () => {
    expect(readImageCell(" 12 ", "row 1")).toEqual({ kind: "reference", index: "12" });
    expect(readImageCell("x".repeat(64), "row 1")).toMatchObject({ kind: "reference" });
    expect(readImageCell("x".repeat(65), "row 1")).toEqual({ kind: "base64", texts: ["x".repeat(65)] });
  });

  it("takes a Python list for several", () => {
    expect(readImageCell(`['${LONG}', "${LONG}"]`, "row 1")).toEqual({ kind: "base64", texts: [LONG, LONG] });
  });

  it.each([
    [`['${LONG}', None]`, "row 1: invalid list: expected a Python list of strings"],
    [`['${LONG}', '${LONG}]`, "row 1: invalid list"],
    [`[${" ".repeat(70)}]`, "row 1: invalid list: empty"],
  ])("refuses %s by row", (cell, message) => {
    expect(() => readImageCell(cell, "row 1")).toThrow(DataError);
    expect(() => readImageCell(cell, "row 1")).toThrow(message);
  });
});

describe("decodeBase64", () => {
  it("gives back what was encoded, with padding, without, in lines, and as a data URL", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        const text = Buffer.from(bytes).toString("base64");
        const lines = text.replace(/.{20}/g, "$&\n");
        const ways = [text, text.replace(/=+$/, ""), lines, `data:image/png;base64,${text}`];
        for (const way of ways) expect(Buffer.from(decodeBase64(way, "x"))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it.each([
    ["nothing", ""],
    ["padding alone", "===="],
    ["a sign of another alphabet", "iVBO#Rw0KGgo"],
    ["words", "this is no image!"],
    ["a text that was cut off within a byte", "iVBOR"],
    ["a data URL of nothing", "data:image/png;base64,"],
  ])("refuses %s by row", (_, text) => {
    expect(() => decodeBase64(text, "row 7")).toThrow(DataError);
    expect(() => decodeBase64(text, "row 7")).toThrow("row 7: invalid image: not base64");
  });
});

describe("imageKind", () => {
  it.each([
    ["png", "\u0089PNG\r\n\u001a\n"],
    ["jpg", "\u00ff\u00d8\u00ff\u00e0"],
    ["gif", "GIF89a"],
    ["webp", "RIFF1234WEBP"],
    ["bmp", "BM12"],
    ["img", "\u0000\u0001"],
    ["img", ""],
    ["img", "\u0089P"],
  ])("is %s for bytes that begin with %j", (kind, start) => {
    expect(imageKind(Buffer.from(start, "latin1"))).toBe(kind);
  });
});

describe("keepImage", () => {
  const bytes = new Uint8Array(Buffer.from("\u0089PNG....", "latin1"));

  it("keeps bytes in memory without a folder, and one file a digest with one", async () => {
    expect(await keepImage(bytes, undefined)).toEqual({ kind: "bytes", bytes });
    const folder = join(dir, "kept");
    const [one, again] = [await keepImage(bytes, folder), await keepImage(bytes, folder)];
    expect(one).toEqual(again);
    const names = await readdir(folder);
    expect(names).toHaveLength(1);
    expect(names[0]).toMatch(/^[\da-f]{32}\.png$/);
    expect(await readFile(join(folder, names[0] as string))).toEqual(Buffer.from(bytes));
    await keepImage(Uint8Array.of(1, 2), folder);
    expect(await readdir(folder)).toHaveLength(2);
  });

  it("writes one again that was cut off, and leaves a whole one alone", async () => {
    const folder = join(dir, "again");
    const kept = await keepImage(bytes, folder);
    if (kept.kind !== "path") throw new Error("no file");
    const before = await stat(kept.path, { bigint: true });
    await keepImage(bytes, folder);
    expect((await stat(kept.path, { bigint: true })).mtimeNs).toBe(before.mtimeNs);
    await writeFile(kept.path, bytes.subarray(0, 3));
    await keepImage(bytes, folder);
    expect(await readFile(kept.path)).toEqual(Buffer.from(bytes));
  });

  it("says what cannot be written", async () => {
    await writeFile(join(dir, "taken"), "");
    await expect(keepImage(bytes, join(dir, "taken"))).rejects.toThrow(CheckpointError);
  });
});

describe("imageFiles", () => {
  it("are files of the image folder, one or several, which need not be there yet", async () => {
    const folder = join(dir, "images");
    await mkdir(folder);
    const path = (name: string) => ({ kind: "path", path: join(folder, name) });
    expect(imageFiles("a.png", folder, "row 1")).toEqual([path("a.png")]);
    expect(imageFiles("['a.png', 'sub/b.png']", folder, "row 1")).toEqual([path("a.png"), path("sub/b.png")]);
    await symlink(folder, join(dir, "images-by-link"));
    expect(imageFiles("a.png", join(dir, "images-by-link"), "row 1")).toHaveLength(1);
  });

  it.each(["../secret.png", "/etc/passwd", "['a.png', '../b.png']", "", "sub/../../x"])(
    "%j leads outside and is refused by row",
    (cell) => {
      const folder = join(dir, "images");
      expect(() => imageFiles(cell, folder, "row 7")).toThrow(DataError);
      expect(() => imageFiles(cell, folder, "row 7")).toThrow(`image_path must name files inside ${folder}`);
    },
  );
});
