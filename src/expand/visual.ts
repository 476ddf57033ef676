/**
 * @module Other views of an image (the paper's ψ, Eq. 4): exact quarter turns and flips, and Gaussian noise.
 *
 * Departures from the released code:
 * 1. Noise is rounded to the nearest grey level, where the code truncates and so darkens by half a level (`rounding`
 *    "down" brings that back).
 * 2. Noise comes from the caller's stream, where the code uses one global generator.
 */

import sharp from "sharp";
import { DataError, messageOf } from "../core/errors.js";
import { philox, type Rng } from "../core/rng.js";
import type { TransformName } from "../records.js";

/** Standard deviations of the noises, in grey levels of 0 … 255. */
const NOISE = {
  gaussian_noise_mean0_std10: 10,
  gaussian_noise_mean0_std25: 25,
  gaussian_noise_mean0_std50: 50,
} as const;

/** Pixels, row by row from the top left, three bytes each. */
interface RgbImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

async function decodeRgb(image: Uint8Array): Promise<RgbImage> {
  try {
    const decoded = sharp(image).toColourspace("srgb").removeAlpha();
    const { data, info } = await decoded.raw().toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height };
  } catch (cause) {
    const what = `invalid image: ${image.length} bytes; ${messageOf(cause)}`;
    throw new DataError(`applyTransform: ${what}`, { cause });
  }
}

/** Where the pixel at (x, y) of a `width` × `height` image goes. */
type Move = (x: number, y: number, width: number, height: number) => readonly [number, number];

const MOVES: Readonly<Record<Exclude<TransformName, keyof typeof NOISE>, Move>> = {
  rotate_90cw: (x, y, _, height) => [height - 1 - y, x],
  rotate_90ccw: (x, y, width) => [y, width - 1 - x],
  rotate_180cw: (x, y, width, height) => [width - 1 - x, height - 1 - y],
  vertically_flipped: (x, y, _, height) => [x, height - 1 - y],
  horizontally_flipped: (x, y, width) => [width - 1 - x, y],
  horizontally_vertically_flipped: (x, y, width, height) => [width - 1 - x, height - 1 - y],
};

function movePixels({ data, width, height }: RgbImage, move: Move, swapsSides: boolean): RgbImage {
  const moved = new Uint8Array(data.length);
  const [newWidth, newHeight] = swapsSides ? [height, width] : [width, height];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [toX, toY] = move(x, y, width, height);
      const from = (y * width + x) * 3;
      moved.set(data.subarray(from, from + 3), (toY * newWidth + toX) * 3);
    }
  }
  return { data: moved, width: newWidth, height: newHeight };
}

/** How a noisy value becomes a grey level. */
export type NoiseRounding = "nearest" | "down";

/** Adds N(0, σ²) to every byte, rounds and clips; one Philox call serves four bytes (Box–Muller). */
function addNoise(
  { data, width, height }: RgbImage,
  noise: { readonly sigma: number; readonly rounding: NoiseRounding },
  rng: Rng,
): RgbImage {
  const { sigma } = noise;
  const whole = noise.rounding === "nearest" ? Math.round : Math.floor;
  const noisy = new Uint8ClampedArray(data.length);
  const key = [rng.integer(0, 4294967296), rng.integer(0, 4294967296)] as const;
  for (let at = 0; at < data.length; at += 4) {
    const words = philox([at, 0, 0, 0], key);
    for (let pair = 0; pair < 4; pair += 2) {
      const radius = sigma * Math.sqrt(-2 * Math.log(((words[pair] ?? 0) + 1) / 4294967296));
      const turn = (2 * Math.PI * (words[pair + 1] ?? 0)) / 4294967296;
      noisy[at + pair] = whole((data[at + pair] ?? 0) + radius * Math.cos(turn));
      noisy[at + pair + 1] = whole((data[at + pair + 1] ?? 0) + radius * Math.sin(turn));
    }
  }
  return { data: new Uint8Array(noisy.buffer), width, height };
}

const isNoise = (transform: TransformName): transform is keyof typeof NOISE => transform in NOISE;

/**
 * Another view of an image, as PNG bytes without alpha.
 * @param image bytes of any format that sharp reads
 * @param rng read by the noises only
 * @param rounding of noisy values; `"nearest"` unless given
 * @throws DataError when the image cannot be decoded
 */
export async function applyTransform(
  image: Uint8Array,
  transform: TransformName,
  rng: Rng,
  rounding: NoiseRounding = "nearest",
): Promise<Uint8Array> {
  const pixels = await decodeRgb(image);
  const { data, width, height } = isNoise(transform)
    ? addNoise(pixels, { sigma: NOISE[transform], rounding }, rng)
    : movePixels(pixels, MOVES[transform], transform.startsWith("rotate_90"));
  const png = sharp(data, { raw: { width, height, channels: 3 } }).png({ compressionLevel: 1 });
  return new Uint8Array(await png.toBuffer());
}
