/**
 * @module The one decoder of images: upright RGB bytes of whatever format, as the published models' processor reads them
 * (Pillow, and `convert_to_rgb` of transformers 5.23). Plain images, variants, size limits and the check before training
 * all read through it.
 *
 * - Turned by EXIF, else XMP, orientation, as transformers' `load_image` and the `datasets` library turn them.
 * - Transparency is laid over white; releases of transformers up to 5.8 let hidden colours show.
 * - Colour profiles are ignored. CMYK becomes RGB by (255 − c)(255 − k) / 255, as in Pillow.
 * - Of animations and pages, the first.
 * - A cut-off file is refused, stray bytes between a JPEG's segments are not.
 *
 * Departures from Pillow
 * 1. Grey images of 16 bits are read by their high byte, like colours of 16 bits; Pillow clips them at 255, which leaves
 *    a white page.
 * 2. What the first frame of a GIF leaves uncovered is white; Pillow paints it in the first colour of the palette.
 * 3. Colours of AVIF differ by up to 6 of 255 where they are stored at half the size.
 */
import { readFile } from "node:fs/promises";
import sharp, { type Metadata, type Sharp } from "sharp";
import type { ImageSize, ImageSource } from "../../records.js";
import { DataError, messageOf } from "../errors.js";
import { bmpSize, decodeBmp, isBmp } from "./bmp.js";
import { CHANNELS, type Orientation, oriented, orientedSize, type RgbImage } from "./rgb.js";

/** What is decoded at most; larger ones are refused before that. */
export const MOST_PIXELS = 0x3fff * 0x3fff;

const nameOf = (source: ImageSource) =>
  source.kind === "path" ? source.path : `of ${source.bytes.length} bytes`;

const stored = async (source: ImageSource): Promise<Uint8Array> =>
  source.kind === "bytes" ? source.bytes : readFile(source.path);

/** Bytes of an image as stored. @throws DataError when its file cannot be read */
export async function imageBytes(source: ImageSource): Promise<Uint8Array> {
  try {
    return await stored(source);
  } catch (cause) {
    throw new DataError(`${nameOf(source)}: cannot read the image: ${messageOf(cause)}`, { cause });
  }
}

const opened = (bytes: Uint8Array): Sharp =>
  sharp(bytes, { ignoreIcc: true, failOn: "truncated", limitInputPixels: MOST_PIXELS });

const XMP_ORIENTATION = /tiff:Orientation(?:="|>)([1-8])/;

function orientationOf({ orientation, xmp }: Metadata): Orientation {
  const stated = orientation ?? Number(XMP_ORIENTATION.exec(xmp?.toString("latin1") ?? "")?.[1] ?? 1);
  return stated >= 1 && stated <= 8 ? (stated as Orientation) : 1;
}

function unreadable(source: ImageSource, where: string | undefined, cause: unknown): DataError {
  const what = `cannot read image ${nameOf(source)}: ${messageOf(cause)}`;
  const advice = "save it again as PNG or JPEG, or remove the row";
  return new DataError(`${where === undefined ? "" : `${where}: `}${what}; ${advice}`, { cause });
}

/**
 * The size an image is seen at, upright, from its header.
 * @param where names the sample in messages
 * @throws DataError when there is no such file, or it is no image
 */
export async function imageSize(source: ImageSource, where?: string): Promise<ImageSize> {
  try {
    const bytes = await stored(source);
    if (isBmp(bytes)) return bmpSize(bytes);
    const metadata = await opened(bytes).metadata();
    return orientedSize(metadata, orientationOf(metadata));
  } catch (cause) {
    throw unreadable(source, where, cause);
  }
}

/** `alpha` of a colour over white, in Pillow's fixed point. */
function overWhite(colour: number, alpha: number): number {
  const mixed = (colour * alpha + 255 * (255 - alpha)) * 128 + 0x4000;
  return ((mixed >> 8) + mixed) >> 15;
}

/** @param data one (grey), two (grey, alpha), three or four (alpha last) channels a pixel */
function toRgb(data: Uint8Array, channels: number): Uint8Array {
  if (channels === CHANNELS) return data;
  const rgb = new Uint8Array((data.length / channels) * CHANNELS);
  const [green, blue] = channels > CHANNELS ? [1, 2] : [0, 0];
  const hasAlpha = channels % 2 === 0;
  let to = 0;
  for (let from = 0; from < data.length; from += channels, to += CHANNELS) {
    rgb[to] = data[from] as number;
    rgb[to + 1] = data[from + green] as number;
    rgb[to + 2] = data[from + blue] as number;
    const alpha = hasAlpha ? (data[from + channels - 1] as number) : 255;
    if (alpha === 255) continue;
    for (let c = to; c < to + CHANNELS; c++) rgb[c] = overWhite(rgb[c] as number, alpha);
  }
  return rgb;
}

/** Light that an ink leaves, in Pillow's fixed point. @param light what black leaves, 0 … 255 */
function under(ink: number, light: number): number {
  const scaled = ink * light + 128;
  return light - (((scaled >> 8) + scaled) >> 8);
}

/** @param data cyan, magenta, yellow, black, each 255 where there is all of it */
function cmykToRgb(data: Uint8Array, channels: number): Uint8Array {
  const pixels = data.length / channels;
  const rgb = new Uint8Array(pixels * CHANNELS);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const light = 255 - (data[pixel * channels + CHANNELS] as number);
    for (let c = 0; c < CHANNELS; c++) {
      rgb[pixel * CHANNELS + c] = under(data[pixel * channels + c] as number, light);
    }
  }
  return rgb;
}

/** What a format's own decoder gives. */
interface Samples extends ImageSize {
  /** `[height, width, channels]` */
  readonly data: Uint8Array;
  readonly channels: number;
  readonly isCmyk: boolean;
  readonly orientation: Orientation;
}

async function samplesOf(bytes: Uint8Array): Promise<Samples> {
  if (isBmp(bytes)) return { ...decodeBmp(bytes, MOST_PIXELS), isCmyk: false, orientation: 1 };
  const image = opened(bytes);
  const metadata = await image.metadata();
  const isCmyk = metadata.space === "cmyk";
  const space = isCmyk
    ? image.pipelineColourspace("cmyk").toColourspace("cmyk")
    : image.toColourspace("srgb");
  const { data, info } = await space
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      throw new DataError(`damaged or cut off behind its header: ${messageOf(cause)}`, { cause });
    });
  const { width, height, channels } = info;
  const samples = new Uint8Array(data.buffer, data.byteOffset, data.length);
  return { width, height, channels, data: samples, isCmyk, orientation: orientationOf(metadata) };
}

/**
 * Upright RGB bytes of an encoded image.
 * @param where names the sample in messages
 * @throws DataError when it cannot be read or decoded
 */
export async function readImage(source: ImageSource, where?: string): Promise<RgbImage> {
  try {
    const { width, height, data, channels, isCmyk, orientation } = await samplesOf(await stored(source));
    const rgb = (isCmyk ? cmykToRgb : toRgb)(data, channels);
    return oriented({ width, height, data: rgb }, orientation);
  } catch (cause) {
    throw unreadable(source, where, cause);
  }
}

/**
 * Decodes every pixel and keeps none: half the time of reading where there is transparency.
 * @throws DataError when it cannot be read or decoded
 */
export async function checkPixels(source: ImageSource, where?: string): Promise<void> {
  try {
    await samplesOf(await stored(source));
  } catch (cause) {
    throw unreadable(source, where, cause);
  }
}

/** Quick rather than small: what is passed on, not what is kept. */
export async function encodePng({ width, height, data }: RgbImage): Promise<Uint8Array> {
  const raw = { width, height, channels: CHANNELS } as const;
  return new Uint8Array(await sharp(data, { raw }).png({ compressionLevel: 1 }).toBuffer());
}
