/**
 * @module Floats rounded to 8 bits in blocks with one scale each, in WebAssembly: four numbers at a time take a fifth of
 * the time of a loop in JavaScript. Of a block with the largest |w| = m:
 *
 *     s = m / 127,  q = floor(w · (1 / s) + 128.5),  in float64
 */
import type { HostArray } from "../../compile/runtime/session.js";
import { fromHalf } from "../../core/halves.js";
import { type Code, instantiate, type WasmFunction, wasm as w } from "../../core/wasm.js";

/** Below this a block counts as zeros: its reciprocal would not be finite. */
const SMALLEST_SCALE = 1e-30;

const ABSOLUTE = 0x7fff_ffff;
const INFINITE = 0x7f80_0000;

/** Parameters, the first four addresses (END: where the scales end), then locals. */
const [FROM, PACKED, SCALES, END, BLOCK, SCALE] = [0, 1, 2, 3, 4, 5] as const;
const [AT, STOP, TOP, BITS, FOUND, FACTOR, HALF] = [6, 7, 8, 9, 10, 11, 12] as const;

const QUARTERS = [0, 1, 2, 3] as const;
const lanes = (...first: number[]) => w["i8x16.shuffle"](first.flatMap((at) => [at, at + 1, at + 2, at + 3]));

const add = (local: number, value: Code): Code => [[w.get(local), value, w["i32.add"]], w.set(local)];
const isBelow = (local: number, end: number): Code => [w.get(local), w.get(end), w["i32.lt_u"]];

/** How four numbers are loaded, as the bits of float32. */
interface Format {
  readonly bytes: number;
  load(address: number, offset: number): Code;
}

const FORMATS: Readonly<Record<"bfloat16" | "float32", Format>> = {
  bfloat16: {
    bytes: 2,
    load: (address, offset) => [
      [w.get(address), w["v128.load16x4_u"](offset)],
      [w.i32(16), w["i32x4.shl"]],
    ],
  },
  float32: {
    bytes: 4,
    load: (address, offset) => [w.get(address), w["v128.load"](offset)],
  },
};

/** Leaves the bits of the largest absolute value of a block. */
function largest({ bytes, load }: Format): Code {
  const four = (quarter: number): Code => [
    [load(AT, 4 * quarter * bytes), w.i32(ABSOLUTE), w["i32x4.splat"], w["v128.and"]],
    [w.get(TOP), w["i32x4.max_u"], w.set(TOP)],
  ];
  const withLanes = (shuffle: Code): Code => [
    [w.get(TOP), w.get(TOP), w.get(TOP), shuffle, w["i32x4.max_u"], w.set(TOP)],
  ];
  return [
    [w.i32(0), w["i32x4.splat"], w.set(TOP)],
    [w.get(FROM), w.set(AT)],
    [w.get(FROM), w.get(BLOCK), w.i32(bytes), w["i32.mul"], w["i32.add"], w.set(STOP)],
    w.loop([QUARTERS.map(four), add(AT, w.i32(16 * bytes))], isBelow(AT, STOP)),
    withLanes(lanes(8, 12, 8, 12)),
    withLanes(lanes(4, 4, 4, 4)),
    [w.get(TOP), w["i32x4.extract_lane"](0)],
  ];
}

/** Scale and factor of a block; returns 0 from the function where a number is not finite. */
function scaleOf(format: Format): Code {
  const isZero: Code = [w.get(FOUND), w.f64(SMALLEST_SCALE), w["f64.lt"]];
  return [
    [largest(format), w.set(AT)],
    w.when([w.get(AT), w.i32(INFINITE), w["i32.ge_u"]], [w.i32(0), w.return]),
    [w.get(AT), w["f32.reinterpret_i32"], w["f64.promote_f32"]],
    [w.f64(127), w["f64.div"], w.set(FOUND)],
    [w.f64(0), w.f64(1), w.get(FOUND), w["f64.div"], isZero, w.select],
    [w["f64x2.splat"], w.set(FACTOR)],
    [w.get(SCALES), w.f64(0), w.get(FOUND), w.get(SCALE), w["f64.mul"], isZero],
    [w.select, w["f32.demote_f64"], w["f32.store"]],
  ];
}

/** Four numbers rounded, as 32 bits each. */
function rounded({ bytes, load }: Format, quarter: number): Code {
  const two: Code = [
    [w["f64x2.promote_low_f32x4"], w.get(FACTOR), w["f64x2.mul"]],
    [w.get(HALF), w["f64x2.add"], w["i32x4.trunc_sat_f64x2_s_zero"]],
  ];
  return [
    [load(FROM, 4 * quarter * bytes), w.set(BITS), w.get(BITS), two],
    [w.get(BITS), w.get(BITS), lanes(8, 12, 8, 12), two],
    lanes(0, 4, 16, 20),
  ];
}

function kernel([name, format]: readonly [string, Format]): WasmFunction {
  const halves = [0, 2].map((quarter) => [
    [rounded(format, quarter), rounded(format, quarter + 1), w["i16x8.narrow_i32x4_s"]],
  ]);
  const sixteen: Code = [
    [w.get(PACKED), halves, w["i8x16.narrow_i16x8_u"], w["v128.store"]],
    [add(FROM, w.i32(16 * format.bytes)), add(PACKED, w.i32(16))],
  ];
  const block: Code = [
    scaleOf(format),
    [w.get(PACKED), w.get(BLOCK), w["i32.add"], w.set(STOP)],
    w.loop(sixteen, isBelow(PACKED, STOP)),
    add(SCALES, w.i32(4)),
  ];
  return {
    name,
    parameters: ["i32", "i32", "i32", "i32", "i32", "f64"],
    locals: ["i32", "i32", "v128", "v128", "f64", "v128", "v128"],
    body: [
      [w.f64(128.5), w["f64x2.splat"], w.set(HALF)],
      [w.loop(block, isBelow(SCALES, END)), w.i32(1)],
    ],
  };
}

/** What is packed of numbers: as many blocks as there are numbers for. */
export interface PackedBlocks {
  /** q, 1 to 255 */
  readonly packed: Uint8Array;
  /** s of each block */
  readonly scales: Float32Array;
}

export interface BlockPacker {
  /** Memory that numbers can be read into, to be packed from where they are. */
  readonly numbers: Uint8Array<ArrayBuffer>;
  /**
   * @param array bfloat16, float16 or float32
   * @param to filled
   * @param options `block`: numbers with one scale, a multiple of 16; `scale`: a factor on all numbers, which goes into
   *   their scales
   * @returns whether all numbers are finite; if not, what was filled means nothing
   */
  pack(
    array: HostArray,
    to: PackedBlocks,
    options: { readonly block: number; readonly scale: number },
  ): boolean;
}

/** @param most numbers at once */
export function blockPacker(most: number): BlockPacker {
  // Numbers, then what is packed of them, then their scales.
  const [packedAt, scalesAt] = [4 * most, 4 * most + 16 * Math.ceil(most / 16)];
  const { memory, functions } = instantiate(Object.entries(FORMATS).map(kernel), scalesAt + most / 4);
  const numbers = new Uint8Array(memory, 0, packedAt);
  return {
    numbers,
    pack(array, { packed, scales }, { block, scale }) {
      const data = array.dtype === "float16" ? fromHalf(array.data as Uint16Array) : array.data;
      const format = array.dtype === "bfloat16" ? "bfloat16" : "float32";
      const isThere = data.buffer === memory;
      if (!isThere) numbers.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      const blocks = data.length / block;
      if (blocks === 0) return true;
      const from = isThere ? data.byteOffset : 0;
      const isWhole = functions[format]?.(from, packedAt, scalesAt, scalesAt + 4 * blocks, block, scale);
      packed.set(new Uint8Array(memory, packedAt, data.length));
      scales.set(new Float32Array(memory, scalesAt, blocks));
      return isWhole === 1;
    },
  };
}
