import { JSDOM } from "jsdom";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { readImage } from "../../src/core/image/decode.js";
import { dataPage } from "../../src/report/dataPage.js";
import { imageCase } from "../core/image/imagesGolden.js";

describe("dataPage(…)", () => {
  it("shows what the data says as text, and its images as images", async () => {
    const red = { create: { width: 8, height: 8, channels: 3, background: "red" } } as const;
    const bytes = new Uint8Array(await sharp(red).png().toBuffer());
    const hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>";
    const page = await dataPage({
      title: hostile,
      tables: [{ head: ["", "p50"], rows: [["pixels", "64"]] }],
      suggestions: [hostile],
      shown: {
        question: {
          id: hostile,
          text: hostile,
          images: [
            { kind: "bytes", bytes },
            { kind: "bytes", bytes: new TextEncoder().encode("no image") },
          ],
          gold: hostile,
          rewrites: [hostile],
          category: "all",
        },
        prompt: hostile,
        images: ["8 × 8 pixels, 1 tokens", "?"],
      },
    });
    const { document } = new JSDOM(page, { runScripts: "outside-only" }).window;
    expect(document.querySelectorAll("script")).toHaveLength(0);
    const images = [...document.querySelectorAll("img")];
    expect(images.map((image) => image.src.slice(0, 15))).toEqual(["data:image/png;"]);
    expect(document.querySelector("figcaption")?.textContent).toBe("8 × 8 pixels, 1 tokens");
    expect(document.querySelector(".missing")?.textContent).toContain("cannot be decoded");
    expect(document.querySelector("h1")?.textContent).toBe(hostile);
    expect(document.querySelector("pre")?.textContent).toBe(hostile);
  });

  it.each(["exif6.jpg", "alpha.png", "profile.png", "inks.jpg", "24.bmp"])(
    "shows the pixels of %s that the policy reads, whatever a browser makes of the file",
    async (name) => {
      const image = { kind: "bytes", bytes: imageCase(name) } as const;
      const question = {
        id: "1",
        text: "<image>",
        images: [image],
        gold: "1",
        rewrites: [],
        category: "all",
      };
      const shown = { question, prompt: "", images: [""] };
      const page = await dataPage({ title: name, tables: [], suggestions: [], shown });
      const [, base64 = ""] = /src="data:image\/png;base64,([^"]+)"/.exec(page) ?? [];
      const png = new Uint8Array(Buffer.from(base64, "base64"));
      const { data } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
      expect(new Uint8Array(data)).toEqual((await readImage(image)).data);
    },
  );
});
