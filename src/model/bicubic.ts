/**
 * @module Bicubic resampling of 8-bit images, bit for bit as Pillow before version 13 does it.
 *
 * out[x] = Σ w((i + ½ − c)/s)·in[i] / Σ w, c = (x + ½)·scale, s = max(1, scale): cubic convolution with a = −½,
 * widened when shrinking. Source: Keys 1981; fixed point with 22 bits, 8-bit values between the passes.
 *
 * Rows come first, always, as in torchvision, which transformers uses by default. Pillow 13 does columns first where
 * they lose more than twice as many pixels as the rows, which moves single values by up to 16 of 255.
 */

import { CHANNELS, type RgbImage } from "../core/image/rgb.js";
import type { ImageSize } from "../records.js";

const SUPPORT = 2;
const SHARPNESS = -0.5;
/** 8 bits for the value, 2 for overshoot, the rest for the weight. */
const FRACTION_BITS = 22;
const HALF = 1 << (FRACTION_BITS - 1);

function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return ((SHARPNESS + 2) * x - (SHARPNESS + 3)) * x * x + 1;
  if (x < SUPPORT) return (((x - 5) * x + 8) * x - 4) * SHARPNESS;
  return 0;
}

/** Which inputs make output `x`, and how much of each. */
interface Taps {
  readonly first: number;
  /** Integers, times 2^22. */
  readonly weights: Int32Array;
}

function tapsOf(x: number, from: number, to: number): Taps {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const centre = (x + 0.5) * scale;
  const first = Math.max(0, Math.trunc(centre - SUPPORT * stretch + 0.5));
  const end = Math.min(from, Math.trunc(centre + SUPPORT * stretch + 0.5));
  const step = 1 / stretch;
  const raw = Array.from({ length: end - first }, (_, at) => cubic((at + first - centre + 0.5) * step));
  const total = raw.reduce((sum, weight) => sum + weight, 0);
  const weights = Int32Array.from(raw, (weight) => {
    const scaled = (total === 0 ? weight : weight / total) * 2 ** FRACTION_BITS;
    return Math.trunc(scaled + (scaled < 0 ? -0.5 : 0.5));
  });
  return { first, weights };
}

const tapsFor = (from: number, to: number): Taps[] =>
  Array.from({ length: to }, (_, x) => tapsOf(x, from, to));

/** A byte of a sum in fixed point, rounded by the half it began with. */
const toByte = (sum: number) => Math.min(255, Math.max(0, sum >> FRACTION_BITS));

function resizeRows({ width, height, data }: RgbImage, to: number): RgbImage {
  const taps = tapsFor(width, to);
  const out = new Uint8Array(height * to * CHANNELS);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (const { first, weights } of taps) {
      let [red, green, blue] = [HALF, HALF, HALF];
      let from = (y * width + first) * CHANNELS;
      for (let k = 0; k < weights.length; k++, from += CHANNELS) {
        const weight = weights[k] as number;
        red += (data[from] as number) * weight;
        green += (data[from + 1] as number) * weight;
        blue += (data[from + 2] as number) * weight;
      }
      out[at] = toByte(red);
      out[at + 1] = toByte(green);
      out[at + 2] = toByte(blue);
      at += CHANNELS;
    }
  }
  return { width: to, height, data: out };
}

function resizeColumns({ width, height, data }: RgbImage, to: number): RgbImage {
  const stride = width * CHANNELS;
  const out = new Uint8Array(to * stride);
  const sums = new Float64Array(stride);
  for (const [y, { first, weights }] of tapsFor(height, to).entries()) {
    sums.fill(HALF);
    for (const [k, weight] of weights.entries()) {
      const row = (first + k) * stride;
      for (let x = 0; x < stride; x++) sums[x] = (sums[x] as number) + (data[row + x] as number) * weight;
    }
    for (let x = 0; x < stride; x++) out[y * stride + x] = toByte(sums[x] as number);
  }
  return { width, height: to, data: out };
}

/** A side that keeps its length is not resampled. */
export function resizeBicubic(image: RgbImage, size: ImageSize): RgbImage {
  const wide = image.width === size.width ? image : resizeRows(image, size.width);
  return wide.height === size.height ? wide : resizeColumns(wide, size.height);
}
