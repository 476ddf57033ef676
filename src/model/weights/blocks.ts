/**
 * @module Floats rounded to 8 bits in blocks with one scale each: plain loops over typed arrays.
 */
import type { HostArray } from "../../compile/runtime/session.js";
import { fromHalf } from "../../core/halves.js";

/** Below this a block counts as zeros: its reciprocal would not be finite. */
const SMALLEST_SCALE = 1e-30;

const ABSOLUTE = 0x7fff_ffff;
const INFINITE = 0x7f80_0000;

/** Numbers as the bits of float32, or as the upper half of them (bfloat16). */
export type FloatBits = Uint32Array | Uint16Array;

/** An array's numbers without a copy where they are bfloat16 or float32. */
export function floatBits({ dtype, data }: HostArray): FloatBits {
  if (dtype === "bfloat16") return data as Uint16Array;
  const wide = dtype === "float16" ? fromHalf(data as Uint16Array) : data;
  return new Uint32Array(wide.buffer, wide.byteOffset, wide.length);
}

/** What `packBlocks` fills: as many blocks as there are numbers for. */
export interface PackedBlocks {
  /** round(w / s) + 128, 1 to 255 */
  readonly packed: Uint8Array;
  /** s = max |w| / 127 of each block */
  readonly scales: Float32Array;
}

/**
 * @param options `block`: numbers with one scale; `scale`: a factor on all numbers, which goes into their scales
 * @returns whether all numbers are finite; if not, what was filled means nothing
 */
export function packBlocks(
  from: FloatBits,
  { packed, scales }: PackedBlocks,
  { block, scale }: { readonly block: number; readonly scale: number },
): boolean {
  const wide = new Float32Array(block);
  const bits = new Uint32Array(wide.buffer);
  const top = new Float32Array(1);
  const topBits = new Uint32Array(top.buffer);
  const shift = from instanceof Uint16Array ? 16 : 0;
  for (let b = 0, at = 0; at < from.length; b++, at += block) {
    let largest = 0;
    // Bits of absolute values are ordered as the values are.
    for (let j = 0; j < block; j++) {
      const word = (from[at + j] as number) << shift;
      bits[j] = word;
      largest = Math.max(largest, word & ABSOLUTE);
    }
    if (largest >= INFINITE) return false;
    topBits[0] = largest;
    const found = (top[0] as number) / 127;
    const isZero = found < SMALLEST_SCALE;
    scales[b] = isZero ? 0 : found * scale;
    const factor = isZero ? 0 : 1 / found;
    for (let j = 0; j < block; j++) packed[at + j] = ((wide[j] as number) * factor + 128.5) | 0;
  }
  return true;
}
