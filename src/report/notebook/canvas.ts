/**
 * @module A stand-in for the browser's canvas, as far as Plotly's heatmaps use it: filled rectangles and pixels in, a
 * PNG address out.
 */
import { crc32, deflateSync } from "node:zlib";

interface Surface {
  readonly width: number;
  readonly height: number;
  /** RGBA, row by row. */
  readonly pixels: Uint8ClampedArray;
}

interface PixelBlock {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

/** The canvas elements of a window. */
export interface CanvasPrototype {
  width: number;
  height: number;
  getContext: unknown;
  toDataURL: unknown;
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

/** A PNG file of 8-bit RGBA pixels. Synchronous, because `toDataURL` is. */
export function encodePng({ width, height, pixels }: Surface): Buffer {
  const stride = 4 * width;
  const rows = Buffer.alloc((stride + 1) * height); // each row after a byte of filter type, 0: none
  for (let y = 0; y < height; y++) {
    rows.set(pixels.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 6, 0, 0, 0], 8); // 8 bits, RGBA, the standard's only compression and filter, no interlace
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

type Rgba = readonly [number, number, number, number];
const BLACK: Rgba = [0, 0, 0, 255];

/** `#rrggbb`, `rgb(…)` or `rgba(…)`; black for anything else, as a canvas starts. */
export function parseColour(text: string): Rgba {
  const hex = /^#([0-9a-f]{6})$/i.exec(text)?.[1];
  if (hex !== undefined) {
    const value = Number.parseInt(hex, 16);
    return [value >> 16, (value >> 8) & 255, value & 255, 255];
  }
  const [r, g, b, a = 1] = /^rgba?\(([^)]+)\)$/.exec(text)?.[1]?.split(",").map(Number) ?? [];
  return r === undefined || g === undefined || b === undefined ? BLACK : [r, g, b, 255 * a];
}

interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function fill({ width, height, pixels }: Surface, area: Rectangle, colour: Rgba): void {
  const left = Math.max(0, Math.round(area.x));
  const right = Math.min(width, Math.round(area.x + area.width));
  const top = Math.max(0, Math.round(area.y));
  const bottom = Math.min(height, Math.round(area.y + area.height));
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) pixels.set(colour, 4 * (y * width + x));
  }
}

function put(surface: Surface, block: PixelBlock, left: number, top: number): void {
  for (let y = 0; y < block.height; y++) {
    for (let x = 0; x < block.width; x++) {
      const [toX, toY] = [left + x, top + y];
      if (toX < 0 || toY < 0 || toX >= surface.width || toY >= surface.height) continue;
      const from = 4 * (y * block.width + x);
      surface.pixels.set(block.data.subarray(from, from + 4), 4 * (toY * surface.width + toX));
    }
  }
}

function contextOf(canvas: CanvasPrototype, surface: Surface) {
  const nothing = () => undefined;
  return {
    canvas,
    fillStyle: "#000000",
    font: "12px sans-serif",
    createImageData: (width: number, height: number): PixelBlock => ({
      width,
      height,
      data: new Uint8ClampedArray(4 * width * height),
    }),
    putImageData: (block: PixelBlock, left: number, top: number) => put(surface, block, left, top),
    fillRect(...[x, y, width, height]: readonly [number, number, number, number]) {
      fill(surface, { x, y, width, height }, parseColour(this.fillStyle));
    },
    clearRect: () => surface.pixels.fill(0),
    measureText: (text: string) => ({ width: 6.7 * text.length }),
    drawImage: nothing,
    save: nothing,
    restore: nothing,
    scale: nothing,
    translate: nothing,
  };
}

/** Gives a window's canvas elements a surface to draw on. */
export function installCanvas(prototype: CanvasPrototype): void {
  const surfaces = new WeakMap<CanvasPrototype, Surface>();
  const surfaceOf = (canvas: CanvasPrototype): Surface => {
    const { width, height } = canvas;
    const known = surfaces.get(canvas);
    if (known?.width === width && known.height === height) return known;
    const fresh = { width, height, pixels: new Uint8ClampedArray(4 * width * height) };
    surfaces.set(canvas, fresh);
    return fresh;
  };
  prototype.getContext = function (this: CanvasPrototype) {
    return contextOf(this, surfaceOf(this));
  };
  prototype.toDataURL = function (this: CanvasPrototype) {
    return `data:image/png;base64,${encodePng(surfaceOf(this)).toString("base64")}`;
  };
}
