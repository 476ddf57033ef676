import { mkdir, mkdtemp, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { embedBytes, embedDecoded, embedImage, embedImages, imageType } from "../../src/report/images.js";

let dir: string;
let png: Buffer;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "images-"));
  const canvas = () => sharp({ create: { width: 3, height: 2, channels: 3, background: "red" } });
  png = await canvas().png().toBuffer();
  await mkdir(join(dir, "images"));
  await writeFile(join(dir, "images", "a.png"), png);
  await writeFile(join(dir, "images", "b.jpg"), await canvas().jpeg().toBuffer());
  await writeFile(join(dir, "images", "c.webp"), await canvas().webp().toBuffer());
  await writeFile(join(dir, "images", "page.png"), "<script>alert(1)</script>");
  await writeFile(join(dir, "images", "empty.png"), "");
});

describe("imageType", () => {
  it.each<readonly [source: string, bytes: readonly number[], type: string | undefined]>([
    ["PNG signature, RFC 2083", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a], "image/png"],
    ["JPEG start of image, ITU T.81", [0xff, 0xd8, 0xff, 0xe0], "image/jpeg"],
    ["GIF89a", [0x47, 0x49, 0x46, 0x38, 0x39, 0x61], "image/gif"],
    ["BMP", [0x42, 0x4d, 0, 0], "image/bmp"],
    ["an SVG drawing", [0x3c, 0x73, 0x76, 0x67], undefined],
    ["half a PNG signature", [0x89, 0x50], undefined],
    ["nothing", [], undefined],
  ])("of %s", (_, bytes, type) => {
    expect(imageType(Uint8Array.from(bytes))).toBe(type);
  });
});

describe("embedImage", () => {
  it.each([
    ["images/a.png", "image/png"],
    ["images/b.jpg", "image/jpeg"],
    ["images/c.webp", "image/webp"],
    ["images/../images/a.png", "image/png"],
  ])("gives %s as %s, by its bytes", async (name, type) => {
    const image = await embedImage(dir, name);
    expect(image).toMatchObject({ kind: "image", name });
    expect(image.kind === "image" && image.source.startsWith(`data:${type};base64,`)).toBe(true);
  });

  it.each([
    ["../secret.png", "lies outside the run folder"],
    ["images/../../secret.png", "lies outside the run folder"],
    ["/etc/hostname", "lies outside the run folder"],
    ["images/none.png", "file is missing"],
    ["images", "file is missing"],
    ["images/page.png", "not PNG, JPEG, GIF, WebP or BMP"],
    ["images/empty.png", "not PNG, JPEG, GIF, WebP or BMP"],
  ])("does not give %s: it %s", async (name, reason) => {
    expect(await embedImage(dir, name)).toEqual({ kind: "none", name, reason });
  });

  it("does not give a text for a picture, also behind a link", async () => {
    await symlink("/etc/hostname", join(dir, "images", "link.png"));
    expect(await embedImage(dir, "images/link.png")).toMatchObject({ kind: "none" });
  });
});

describe("embedImages", () => {
  it("reads each name once, and keeps what cannot be shown with its reason", async () => {
    const images = await embedImages(dir, ["images/a.png", "images/none.png", "images/a.png"]);
    expect([...images].map(([name, { kind }]) => [name, kind])).toEqual([
      ["images/a.png", "image"],
      ["images/none.png", "none"],
    ]);
  });
});

describe("embedBytes and embedDecoded", () => {
  it("give a drawing as PNG, and what browsers show as it is", async () => {
    const drawing = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>');
    const drawn = await embedBytes("d", { kind: "bytes", bytes: new Uint8Array(drawing) });
    expect(drawn).toMatchObject({ kind: "image", source: expect.stringMatching(/^data:image\/png;base64,/) });
    const same = await embedBytes("p", { kind: "bytes", bytes: new Uint8Array(png) });
    expect(same).toEqual({
      kind: "image",
      name: "p",
      source: `data:image/png;base64,${png.toString("base64")}`,
    });
    expect(await embedBytes("f", { kind: "path", path: join(dir, "images", "a.png") })).toMatchObject({
      kind: "image",
    });
  });

  it("say what cannot be shown", async () => {
    const bytes = new TextEncoder().encode("no picture");
    const cannot = { kind: "none", reason: "cannot be decoded" };
    expect(await embedBytes("x", { kind: "bytes", bytes })).toMatchObject(cannot);
    expect(await embedDecoded("x", { kind: "bytes", bytes })).toMatchObject(cannot);
    const missing = { kind: "path", path: join(dir, "none.png") } as const;
    expect(await embedBytes("x", missing)).toMatchObject({ kind: "none", reason: "file is missing" });
    expect(await embedDecoded("x", missing)).toMatchObject(cannot);
  });
});
