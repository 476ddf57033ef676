/**
 * @module Other views of an image (the paper's ψ, Eq. 4): exact quarter turns and flips, and Gaussian noise.
 *
 * Departures from the released code:
 * 1. Noise is rounded to the nearest grey level, where the code truncates and so darkens by half a level (`rounding`
 *    "down" brings that back).
 * 2. Noise comes from the caller's stream, where the code uses one global generator.
 */

import { encodePng, readImage } from "../core/image/decode.js";
import { type Orientation, oriented, type RgbImage } from "../core/image/rgb.js";
import { philox, type Rng } from "../core/rng.js";
import type { TransformName } from "../records.js";

/** Standard deviations of the noises, in grey levels of 0 … 255. */
const NOISE = {
  gaussian_noise_mean0_std10: 10,
  gaussian_noise_mean0_std25: 25,
  gaussian_noise_mean0_std50: 50,
} as const;

/** How each move turns or mirrors the pixels. */
const MOVES: Readonly<Record<Exclude<TransformName, keyof typeof NOISE>, Orientation>> = {
  rotate_90cw: 6,
  rotate_90ccw: 8,
  rotate_180cw: 3,
  vertically_flipped: 4,
  horizontally_flipped: 2,
  horizontally_vertically_flipped: 3,
};

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

export interface TransformOptions {
  /** Of noisy values; `"nearest"` unless given. */
  readonly rounding?: NoiseRounding;
  /** Names the image in messages. */
  readonly where?: string;
}

/**
 * Another view of an image, as a PNG: of the very pixels that the plain image is read as.
 * @param image bytes of any format that can be read
 * @param rng read by the noises only
 * @throws DataError when the image cannot be read or decoded
 */
export async function applyTransform(
  image: Uint8Array,
  transform: TransformName,
  rng: Rng,
  { rounding = "nearest", where = `applyTransform: ${transform}` }: TransformOptions = {},
): Promise<Uint8Array> {
  const pixels = await readImage({ kind: "bytes", bytes: image }, where);
  return encodePng(
    isNoise(transform)
      ? addNoise(pixels, { sigma: NOISE[transform], rounding }, rng)
      : oriented(pixels, MOVES[transform]),
  );
}
