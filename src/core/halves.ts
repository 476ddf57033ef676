/**
 * @module Floats of 16 bits, bfloat16 and IEEE half precision, to and from float32, in plain loops.
 */

/** A bfloat16 is the upper half of a float32. */
export function fromBfloat(halves: Uint16Array): Float32Array {
  const wide = new Float32Array(halves.length);
  const bits = new Uint32Array(wide.buffer);
  for (let at = 0; at < halves.length; at++) bits[at] = (halves[at] as number) << 16;
  return wide;
}

/** The upper half of a float32's bits; NaN stays NaN. */
export function toBfloat(bits: Uint32Array): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(bits.length);
  for (let at = 0; at < bits.length; at++) {
    const value = bits[at] as number;
    const isNan = (value & 0x7fffffff) > 0x7f800000;
    halves[at] = isNan ? (value >>> 16) | 0x40 : (value + 0x7fff + ((value >>> 16) & 1)) >>> 16;
  }
  return halves;
}

/** IEEE halves: 1 sign bit, 5 exponent bits, 10 fraction bits. */
export function fromHalf(halves: Uint16Array): Float32Array {
  const wide = new Float32Array(halves.length);
  const bits = new Uint32Array(wide.buffer);
  for (let at = 0; at < halves.length; at++) {
    const half = halves[at] as number;
    const exponent = half & 0x7c00;
    if (exponent !== 0 && exponent !== 0x7c00) {
      bits[at] = ((half & 0x8000) << 16) | (((half & 0x7fff) << 13) + 0x38000000);
    } else if (exponent === 0) {
      wide[at] = (half & 0x8000 ? -1 : 1) * (half & 0x3ff) * 2 ** -24;
    } else {
      bits[at] = ((half & 0x8000) << 16) | 0x7f800000 | ((half & 0x3ff) << 13);
    }
  }
  return wide;
}

/** What is too large for a half becomes infinite, what is too small 0; NaN stays NaN. */
export function toHalf(bits: Uint32Array): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(bits.length);
  const values = new Float32Array(bits.buffer, bits.byteOffset, bits.length);
  for (let at = 0; at < bits.length; at++) {
    const magnitude = (bits[at] as number) & 0x7fffffff;
    halves[at] = (((bits[at] as number) >>> 16) & 0x8000) | halfOf(magnitude, values[at] as number);
  }
  return halves;
}

/** Bits of a half without its sign. */
function halfOf(magnitude: number, value: number): number {
  if (magnitude > 0x7f800000) return 0x7e00;
  if (magnitude >= 0x477ff000) return 0x7c00; // 65,520 and above round to infinity
  if (magnitude < 0x38800000) return roundEven(Math.abs(value) * 2 ** 24); // below 2⁻¹⁴ steps are 2⁻²⁴
  return (magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13;
}

function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
