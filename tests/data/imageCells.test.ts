import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { decodeBase64, readImages } from "../../src/data/imageCells.js";
import { imageCase } from "../core/image/imagesGolden.js";
import { temporaryFolder } from "../support/fakeModel.js";

let folder: string;
let png: Uint8Array;

beforeAll(async () => {
  folder = join(await temporaryFolder(), "images");
  await mkdir(join(folder, "in"), { recursive: true });
  const red = { create: { width: 30, height: 20, channels: 3, background: "red" } } as const;
  png = new Uint8Array(await sharp(red).png().toBuffer());
  await writeFile(join(folder, "in", "a.png"), png);
  await writeFile(join(folder, "..", "secret.png"), png);
  await symlink(join(folder, "..", "secret.png"), join(folder, "link.png"));
});

const asBytes = () => ({ images: [{ kind: "bytes", bytes: png }] });
const asPath = () => ({ images: [{ kind: "path", path: join(folder, "in", "a.png") }] });

describe("readImages(…)", () => {
  it("reads one image from every way to write it", () => {
    const base64 = Buffer.from(png).toString("base64");
    const cells = [
      png,
      [png],
      { bytes: png, path: null },
      [{ bytes: png, path: "ignored.png" }],
      base64,
      { bytes: base64 },
      `data:image/png;base64,${base64}`,
      [`data:image/png;charset=utf-8;base64,${base64}`],
    ];
    for (const cell of cells) {
      const read = readImages(cell, folder);
      expect(read).toHaveProperty("images.length", 1);
      const [image] = "images" in read ? read.images : [];
      expect(image?.kind === "bytes" && Buffer.from(image.bytes).equals(png)).toBe(true);
    }
    expect(readImages("in/a.png", folder)).toEqual(asPath());
    expect(readImages({ bytes: null, path: "in/a.png" }, folder)).toEqual(asPath());
    expect(readImages(join(folder, "in", "a.png"), folder)).toEqual(asPath());
  });

  it("knows base64 of every format that is read", () => {
    for (const name of ["rgb.png", "subsampling0.jpg", "moving.gif", "lossy.webp", "rgb.tiff", "24.bmp"]) {
      const bytes = imageCase(name);
      const read = readImages(Buffer.from(bytes).toString("base64"), folder);
      const [image] = "images" in read ? read.images : [];
      expect(image?.kind === "bytes" && Buffer.from(image.bytes).equals(bytes), name).toBe(true);
    }
  });

  it("keeps the order of several images, and none where there are none", () => {
    expect(readImages(["in/a.png", png], folder)).toEqual({
      images: [...asPath().images, ...asBytes().images],
    });
    for (const cell of [null, undefined, "", []]) expect(readImages(cell, folder)).toEqual({ images: [] });
  });

  it("copies bytes, so that what they were cut from can be freed", () => {
    const page = new Uint8Array(1000);
    page.set(png, 10);
    const read = readImages(page.subarray(10, 10 + png.length), folder);
    const [image] = "images" in read ? read.images : [];
    expect(image?.kind === "bytes" && image.bytes.buffer.byteLength).toBe(png.length);
  });

  it.each(["../secret.png", "in/../../secret.png", "/etc/passwd", "link.png", "..", "in/a.png\0.jpg", "."])(
    "refuses the path %j, which leads outside",
    (name) => {
      expect(readImages(name, folder)).toHaveProperty("problem");
      expect(readImages({ bytes: null, path: name }, folder)).toHaveProperty("problem");
    },
  );

  it.each([
    ["a web address", "https://example.org/a.png"],
    ["a file address", "file:///etc/passwd"],
    ["a number", 7],
    ["an empty struct", { bytes: null, path: null }],
    ["no bytes", new Uint8Array(0)],
    ["a list in a list", [["in/a.png"]]],
    ["broken base64", `data:image/png;base64,${"A".repeat(40)}*`],
  ])("says what is wrong with %s", (_name, cell) => {
    expect(readImages(cell, folder)).toHaveProperty("problem");
  });
});

describe("decodeBase64(…)", () => {
  it("undoes base64, with and without line breaks", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        const text = Buffer.from(bytes).toString("base64");
        expect(Uint8Array.from(decodeBase64(text) ?? [])).toEqual(bytes);
        expect(Uint8Array.from(decodeBase64(text.replace(/(.{10})/g, "$1\n")) ?? [])).toEqual(bytes);
      }),
    );
  });
});
