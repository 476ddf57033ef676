import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { DataError } from "../../../src/core/errors.js";
import { checkPixels, encodePng, imageBytes, imageSize, readImage } from "../../../src/core/image/decode.js";
import { temporaryFolder } from "../../support/fakeModel.js";
import { imageCase, readable, refused, sourceOf } from "./imagesGolden.js";

describe("readImage", () => {
  it.each(readable)("$name: has the bytes of Pillow and transformers", async (one) => {
    const { width, height, data } = await readImage(sourceOf(one), one.name);
    expect([width, height]).toEqual([one.width, one.height]);
    expect(Buffer.from(data).toString("base64")).toBe(one.rgb);
  });

  it.each(refused)("$name: is refused, as by Pillow", async (one) => {
    await expect(readImage(sourceOf(one), "line 3")).rejects.toThrow(
      /^line 3: cannot read image of \d+ bytes/,
    );
  });

  it("reads grey of 16 bits by its high byte, where Pillow clips: 0x1234 → 0x12", async () => {
    const grey = sharp(Uint16Array.of(0x1234, 0xff00, 0x00ff), { raw: { width: 3, height: 1, channels: 1 } });
    const png = await grey.toColourspace("grey16").png().toBuffer();
    const { data } = await readImage({ kind: "bytes", bytes: png }, "test");
    expect([...data]).toEqual([0x12, 0x12, 0x12, 0xff, 0xff, 0xff, 0, 0, 0]);
  });

  it("names a file that is missing, and one that is no image", async () => {
    const missing = readImage({ kind: "path", path: "/nowhere/a.png" }, "question 7");
    await expect(missing).rejects.toThrow(DataError);
    await expect(missing).rejects.toThrow(
      /^question 7: cannot read image \/nowhere\/a\.png: ENOENT.*; save it again/,
    );
    const path = join(await temporaryFolder(), "words.png");
    await writeFile(path, "words");
    await expect(readImage({ kind: "path", path }, "row 1")).rejects.toThrow(
      `row 1: cannot read image ${path}: `,
    );
  });
});

describe("imageSize", () => {
  it.each(readable)("$name: is the size that the pixels have", async (one) => {
    expect(await imageSize(sourceOf(one))).toEqual({ width: one.width, height: one.height });
  });

  it("is a DataError for what has no header", async () => {
    const words = imageSize({ kind: "bytes", bytes: imageCase("words.png") });
    await expect(words).rejects.toThrow(/^cannot read image of 15 bytes: /);
    await expect(words).rejects.toThrow(DataError);
    await expect(imageSize({ kind: "path", path: "/nowhere/a.png" })).rejects.toThrow(
      /^cannot read image \/nowhere\/a\.png: ENOENT/,
    );
  });
});

describe("checkPixels", () => {
  it("accepts what can be read and refuses what cannot, in the same words", async () => {
    for (const one of [...readable, ...refused]) {
      const fault = (error: Error) => error.message;
      const read = await readImage(sourceOf(one), one.name).then(() => "read", fault);
      expect(await checkPixels(sourceOf(one), one.name).then(() => "read", fault)).toBe(read);
    }
  });
});

describe("encodePng", () => {
  it("keeps every pixel", async () => {
    const image = await readImage({ kind: "bytes", bytes: imageCase("subsampling2.jpg") }, "test");
    const bytes = await encodePng(image);
    expect(await readImage({ kind: "bytes", bytes }, "test")).toEqual(image);
  });
});

describe("imageBytes", () => {
  it("are a file's as stored, and a missing file is named", async () => {
    const path = join(await temporaryFolder(), "a.bmp");
    await writeFile(path, imageCase("24.bmp"));
    expect(new Uint8Array(await imageBytes({ kind: "path", path }))).toEqual(imageCase("24.bmp"));
    await expect(imageBytes({ kind: "path", path: "/nowhere/a.png" })).rejects.toThrow(
      /^\/nowhere\/a\.png: cannot read the image: ENOENT/,
    );
  });
});
