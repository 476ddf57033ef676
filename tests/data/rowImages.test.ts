import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sha256 } from "../../src/core/files/digest.js";
import { fileState } from "../../src/core/files/fileState.js";
import { type GoodImages, seeImages } from "../../src/data/rowImages.js";
import type { ImageSource } from "../../src/records.js";
import { imageCase } from "../core/image/imagesGolden.js";
import { temporaryFolder } from "../support/fakeModel.js";

const bytesOf = (name: string): ImageSource => ({ kind: "bytes", bytes: imageCase(name) });
const none = (): GoodImages => new Map();

describe("seeImages(…)", () => {
  it("tells sizes as they are looked at, digests of the bytes, and which are files", async () => {
    const dir = await temporaryFolder();
    const path = join(dir, "turned.jpg");
    await writeFile(path, imageCase("exif6.jpg"));
    const seen = await seeImages([bytesOf("rgb.png"), { kind: "path", path }], "pixels", none());
    expect(seen).toEqual({
      sizes: [
        { width: 7, height: 5 },
        { width: 5, height: 7 },
      ],
      digests: [sha256(imageCase("rgb.png")), sha256(imageCase("exif6.jpg"))],
      files: [{ path, state: await fileState(path) }],
    });
  });

  it("sees nothing in a row without images", async () => {
    expect(await seeImages([], "pixels", none())).toEqual({ sizes: [], digests: [], files: [] });
  });

  it("decodes an image that several rows share once", async () => {
    const good = none();
    const seen = await seeImages([bytesOf("rgb.png"), bytesOf("rgb.png")], "pixels", good);
    expect([...good.keys()]).toEqual([sha256(imageCase("rgb.png"))]);
    // What is known to be good is taken as it is, even these bytes that are no image.
    const words = imageCase("words.png");
    good.set(sha256(words), { width: 3, height: 4 });
    expect(await seeImages([bytesOf("words.png")], "pixels", good)).toMatchObject({
      sizes: [{ width: 3, height: 4 }],
    });
    expect(seen).toMatchObject({ sizes: [{ width: 7 }, { width: 7 }] });
  });

  it.each([
    ["half.png", "pixels", "unusable image", /^cannot read image of \d+ bytes: /],
    ["cut.bmp", "pixels", "unusable image", /BMP: cut off/],
    ["words.png", "headers", "unusable image", /^cannot read image of 15 bytes: /],
  ] as const)("%s is no image by its %s", async (name, check, reason, detail) => {
    const good = none();
    const problem = await seeImages([bytesOf("rgb.png"), bytesOf(name)], check, good);
    expect(problem).toEqual({ reason, detail: expect.stringMatching(detail) });
    expect(good.has(sha256(imageCase(name)))).toBe(false);
  });

  it("believes the header of a file that is cut off behind it, where only headers are read", async () => {
    expect(await seeImages([bytesOf("half.png")], "headers", none())).toMatchObject({
      sizes: [{ width: 23, height: 17 }],
    });
  });

  it("refuses more pixels than are decoded, by the header alone", async () => {
    const huge = imageCase("24.bmp").slice();
    new DataView(huge.buffer).setInt32(18, 0x4000, true);
    new DataView(huge.buffer).setInt32(22, 0x4000, true);
    expect(await seeImages([{ kind: "bytes", bytes: huge }], "pixels", none())).toEqual({
      reason: "image too large to decode",
      detail: "16384 × 16384 pixels",
    });
  });

  it("names a file that is missing, and a folder in a file's place", async () => {
    const dir = await temporaryFolder();
    await mkdir(join(dir, "folder.png"));
    for (const [name, why] of [
      ["none.png", "ENOENT"],
      ["folder.png", "EISDIR"],
    ] as const) {
      const path = join(dir, name);
      expect(await seeImages([{ kind: "path", path }], "headers", none())).toEqual({
        reason: "unusable image",
        detail: expect.stringContaining(`${path}: cannot read the image: ${why}`),
      });
    }
  });
});
