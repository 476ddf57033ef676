/**
 * @module Windows and OS/2 bitmaps, which sharp does not read: 1 to 32 bits, palettes, bit fields, run lengths, either
 * row order.
 *
 * Source: Microsoft, "Bitmap Storage" and BITMAPV5HEADER; where that leaves a choice, Pillow's BmpImagePlugin: the
 * fourth byte of uncompressed 32-bit pixels is no transparency, that of bit fields is where a mask names it.
 */

import type { ImageSize } from "../../records.js";
import { DataError } from "../errors.js";

/** Decoded pixels, row by row from the top left. */
export interface DecodedBmp extends ImageSize {
  /** 4: with alpha. */
  readonly channels: 3 | 4;
  /** `[height, width, channels]` */
  readonly data: Uint8Array;
}

interface Header extends ImageSize {
  readonly isTopDown: boolean;
  readonly bits: number;
  readonly compression: number;
  /** Where pixels begin. */
  readonly offset: number;
  /** `[colours, bytes a colour]`, blue first. */
  readonly palette: Uint8Array;
  readonly paletteStep: 3 | 4;
  /** Red, green, blue, alpha. */
  readonly masks: readonly number[];
}

const FILE_HEADER = 14;
const CORE_HEADER = 12;
const INFO_HEADERS = [40, 52, 56, 64, 108, 124];
const [RAW, RLE8, RLE4, FIELDS, ALPHA_FIELDS] = [0, 1, 2, 3, 6];

/** Masks of pixels that name none, by bits. */
const USUAL_MASKS: Readonly<Record<number, readonly number[]>> = {
  16: [0x7c00, 0x3e0, 0x1f, 0],
  24: [0xff0000, 0xff00, 0xff, 0],
  32: [0xff0000, 0xff00, 0xff, 0],
};
/** What bit fields of nothing but zeros stand for. */
const EMPTY_MASKS = [0xff0000, 0xff00, 0xff, 0xff000000];

export function isBmp(bytes: Uint8Array): boolean {
  return bytes[0] === 0x42 && bytes[1] === 0x4d;
}

const refusal = (what: string) => new DataError(`BMP: ${what}`);
const CUT_OFF = "cut off: the file ends before its pixels do";

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function masksOf(view: DataView, headerSize: number, compression: number, bits: number): readonly number[] {
  if (compression !== FIELDS && compression !== ALPHA_FIELDS) return USUAL_MASKS[bits] ?? [];
  const hasAlpha = headerSize >= 56 || compression === ALPHA_FIELDS;
  if (view.byteLength < FILE_HEADER + 40 + (hasAlpha ? 16 : 12)) throw refusal(CUT_OFF);
  const masks = Array.from({ length: 4 }, (_, at) =>
    at === 3 && !hasAlpha ? 0 : view.getUint32(FILE_HEADER + 40 + 4 * at, true),
  );
  return masks.some((mask) => mask !== 0) ? masks : EMPTY_MASKS;
}

/** @throws DataError when it is cut off or of a kind that is not read */
function readHeader(bytes: Uint8Array): Header {
  const view = viewOf(bytes);
  const size = bytes.length >= FILE_HEADER + CORE_HEADER ? view.getUint32(FILE_HEADER, true) : 0;
  const isCore = size === CORE_HEADER;
  if (size === 0 || bytes.length < FILE_HEADER + size) throw refusal(CUT_OFF);
  if (!isCore && !INFO_HEADERS.includes(size)) throw refusal(`unsupported header of ${size} bytes`);
  const [short, int] = [(at: number) => view.getUint16(at, true), (at: number) => view.getInt32(at, true)];
  const [width, high] = isCore ? [short(18), short(20)] : [int(18), int(22)];
  const bits = short(isCore ? 24 : 28);
  const compression = isCore ? RAW : int(30);
  if (width <= 0 || high === 0) throw refusal(`invalid size: ${width} × ${high} pixels`);
  const hasTrailingMasks = size === 40 && (compression === FIELDS || compression === ALPHA_FIELDS);
  const paletteStart = FILE_HEADER + size + (hasTrailingMasks ? (compression === FIELDS ? 12 : 16) : 0);
  const colours = (isCore ? 0 : int(46)) || 1 << Math.min(bits, 8);
  const paletteStep = isCore ? 3 : 4;
  const paletteEnd = paletteStart + (bits <= 8 ? colours * paletteStep : 0);
  const stated = int(10);
  return {
    width,
    height: Math.abs(high),
    isTopDown: high < 0,
    bits,
    compression,
    // Some writers forget the palette in the offset.
    offset: bits <= 8 && stated === FILE_HEADER + size ? paletteEnd : stated,
    palette: bytes.subarray(paletteStart, paletteEnd),
    paletteStep,
    masks: masksOf(view, size, compression, bits),
  };
}

/** The size from the header. @throws DataError when there is none */
export function bmpSize(bytes: Uint8Array): ImageSize {
  const { width, height } = readHeader(bytes);
  return { width, height };
}

/** Bytes of a stored row: whole groups of four. */
const strideOf = ({ width, bits }: Header) => Math.ceil((width * bits) / 32) * 4;

function requirePixels(bytes: Uint8Array, header: Header): void {
  const lastRow = Math.ceil((header.width * header.bits) / 8);
  const needed = header.offset + strideOf(header) * (header.height - 1) + lastRow;
  if (header.offset < FILE_HEADER || bytes.length < needed) throw refusal(CUT_OFF);
}

/** `[height, width]` Numbers of colours, as the rows are stored. */
function packedIndices(bytes: Uint8Array, header: Header): Uint8Array {
  requirePixels(bytes, header);
  const { width, height, bits, offset } = header;
  const indices = new Uint8Array(width * height);
  const perByte = 8 / bits;
  const stride = strideOf(header);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const byte = bytes[offset + y * stride + Math.floor(x / perByte)] as number;
      indices[to++] = (byte >> (8 - bits * ((x % perByte) + 1))) & ((1 << bits) - 1);
    }
  }
  return indices;
}

/** `[height, width]` Numbers of colours of run lengths; what the runs leave out is colour 0. */
function runLengthIndices(bytes: Uint8Array, { width, height, bits, offset }: Header): Uint8Array {
  const indices = new Uint8Array(width * height);
  const isNibbles = bits === 4;
  let [x, y, at] = [0, 0, offset];
  const put = (value: number) => {
    if (x < width && y < height) indices[y * width + x] = value;
    x++;
  };
  const nibble = (byte: number, k: number) => (isNibbles ? (k % 2 === 0 ? byte >> 4 : byte & 15) : byte);
  const next = () => {
    const byte = bytes[at++];
    if (byte === undefined) throw refusal(CUT_OFF);
    return byte;
  };
  const isWhole = () => y >= height || (y === height - 1 && x >= width);
  while (!(at >= bytes.length && isWhole())) {
    const count = next();
    const what = next();
    if (count > 0) for (let k = 0; k < count; k++) put(nibble(what, k));
    else if (what === 0) [x, y] = [0, y + 1];
    else if (what === 1) break;
    else if (what === 2) [x, y] = [x + next(), y + next()];
    else {
      const start = at;
      for (let k = 0; k < what; k++) {
        const byte = bytes[start + (isNibbles ? k >> 1 : k)];
        if (byte === undefined) throw refusal(CUT_OFF);
        put(nibble(byte, k));
      }
      const length = isNibbles ? Math.ceil(what / 2) : what;
      at = start + length + (length % 2);
    }
  }
  return indices;
}

/** Goes through the pixels, top row first. @param write pixel `at` of the stored order goes to `to` */
function inOrder(header: Header, channels: 3 | 4, write: (at: number, to: number) => void): void {
  const { width, height, isTopDown } = header;
  for (let y = 0; y < height; y++) {
    const row = isTopDown ? y : height - 1 - y;
    for (let x = 0; x < width; x++) write(row * width + x, (y * width + x) * channels);
  }
}

function paletteImage(bytes: Uint8Array, header: Header): DecodedBmp {
  const { width, height, compression, palette, paletteStep } = header;
  const indices = compression === RAW ? packedIndices(bytes, header) : runLengthIndices(bytes, header);
  const data = new Uint8Array(width * height * 3);
  inOrder(header, 3, (at, to) => {
    const colour = (indices[at] as number) * paletteStep;
    for (let c = 0; c < 3; c++) data[to + c] = palette[colour + 2 - c] ?? 0;
  });
  return { width, height, channels: 3, data };
}

/** Reads what a mask covers as 0 … 255. */
function fieldReader(mask: number): (pixel: number) => number {
  if (mask === 0) return () => 0;
  const shift = 31 - Math.clz32(mask & -mask);
  const most = mask >>> shift;
  return (pixel) => Math.trunc((((pixel & mask) >>> shift) * 255) / most);
}

function fieldImage(bytes: Uint8Array, header: Header): DecodedBmp {
  requirePixels(bytes, header);
  const { width, height, bits, offset, masks } = header;
  const stride = strideOf(header);
  const step = bits / 8;
  const channels = (masks[3] ?? 0) === 0 ? 3 : 4;
  const fields = masks.slice(0, channels).map(fieldReader);
  const data = new Uint8Array(width * height * channels);
  inOrder(header, channels, (at, to) => {
    const from = offset + Math.floor(at / width) * stride + (at % width) * step;
    let pixel = 0;
    for (let k = 0; k < step; k++) pixel |= (bytes[from + k] as number) << (8 * k);
    for (const [c, field] of fields.entries()) data[to + c] = field(pixel);
  });
  return { width, height, channels, data };
}

/**
 * @param mostPixels larger images are refused before memory is taken for them
 * @throws DataError when it is cut off or of a kind that is not read
 */
export function decodeBmp(bytes: Uint8Array, mostPixels: number): DecodedBmp {
  const header = readHeader(bytes);
  const { width, height, bits, compression } = header;
  if (width * height > mostPixels) throw refusal(`${width} × ${height} pixels are too many`);
  const isRunLength = (compression === RLE8 && bits === 8) || (compression === RLE4 && bits === 4);
  if (isRunLength || (compression === RAW && [1, 2, 4, 8].includes(bits))) return paletteImage(bytes, header);
  const isFields = compression === FIELDS || compression === ALPHA_FIELDS;
  if ((compression === RAW || isFields) && [16, 24, 32].includes(bits)) return fieldImage(bytes, header);
  throw refusal(`unsupported compression ${compression} of ${bits} bits`);
}
