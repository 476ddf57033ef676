import sharp from "sharp";
import { describe, expect, it } from "vitest";
import {
  type CanvasPrototype,
  encodePng,
  installCanvas,
  parseColour,
} from "../../../src/report/notebook/canvas.js";

interface Canvas extends CanvasPrototype {
  getContext(): {
    fillStyle: string;
    fillRect(x: number, y: number, width: number, height: number): void;
    putImageData(
      block: { width: number; height: number; data: Uint8ClampedArray },
      x: number,
      y: number,
    ): void;
  };
  toDataURL(): string;
}

function canvasOf(width: number, height: number): Canvas {
  const canvas = { width, height, getContext: undefined, toDataURL: undefined };
  installCanvas(canvas);
  return canvas as CanvasPrototype as Canvas;
}

async function pixelsOf(address: string): Promise<number[][]> {
  const png = Buffer.from(address.replace("data:image/png;base64,", ""), "base64");
  const { data, info } = await sharp(png).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return Array.from({ length: info.width * info.height }, (_, at) => [...data.subarray(4 * at, 4 * at + 4)]);
}

describe("encodePng", () => {
  it("writes what another decoder reads, byte for byte", async () => {
    const pixels = Uint8ClampedArray.from({ length: 3 * 2 * 4 }, (_, at) => (at * 37) % 256);
    const png = encodePng({ width: 3, height: 2, pixels });
    expect([...(await sharp(png).raw().toBuffer())]).toEqual([...pixels]);
  });
});

describe("parseColour", () => {
  it.each([
    ["#ff8000", [255, 128, 0, 255]],
    ["rgb(1, 2, 3)", [1, 2, 3, 255]],
    ["rgba(1,2,3,0.5)", [1, 2, 3, 127.5]],
    ["a gradient", [0, 0, 0, 255]],
  ])("reads %s", (text, colour) => {
    expect(parseColour(text)).toEqual(colour);
  });
});

describe("a canvas", () => {
  it("fills rectangles, cut at its edges", async () => {
    const canvas = canvasOf(2, 2);
    const context = canvas.getContext();
    context.fillStyle = "#ff0000";
    context.fillRect(1, -5, 10, 6); // the upper right pixel
    const red = [255, 0, 0, 255];
    const clear = [0, 0, 0, 0];
    expect(await pixelsOf(canvas.toDataURL())).toEqual([clear, red, clear, clear]);
  });

  it("takes pixels, cut at its edges", async () => {
    const canvas = canvasOf(2, 1);
    const data = Uint8ClampedArray.of(1, 2, 3, 255, 4, 5, 6, 255);
    canvas.getContext().putImageData({ width: 2, height: 1, data }, 1, 0);
    expect(await pixelsOf(canvas.toDataURL())).toEqual([
      [0, 0, 0, 0],
      [1, 2, 3, 255],
    ]);
  });
});
