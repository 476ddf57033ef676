/**
 * @module WebAssembly written in code: enough of its instructions for loops over numbers with 128-bit vectors. The
 * instructions have the specification's names and stand for their bytes.
 */

/** Instructions: bytes in order, nested as it suits whoever writes them. */
export type Code = number | readonly Code[];

const bytesOf = (code: Code): number[] => (typeof code === "number" ? [code] : code.flatMap(bytesOf));

/** A whole number in LEB128. */
function unsigned(value: number): Code {
  return value < 0x80 ? value : [(value & 0x7f) | 0x80, unsigned(value >>> 7)];
}

function signed(value: number): Code {
  const isLast = value >= -0x40 && value < 0x40;
  return isLast ? value & 0x7f : [(value & 0x7f) | 0x80, signed(value >> 7)];
}

const list = (items: readonly Code[]): Code => [unsigned(items.length), items];
const text = (value: string): Code => list([...Buffer.from(value, "ascii")]);
const sized = (code: Code): Code => list(bytesOf(code));
const simd = (code: number, ...rest: Code[]): Code => [0xfd, unsigned(code), ...rest];

const TYPES = { i32: 0x7f, f64: 0x7c, v128: 0x7b } as const;
type Type = keyof typeof TYPES;

/** Addresses are bytes of the one memory; all instructions take their operands from the stack. */
export const wasm = {
  get: (local: number): Code => [0x20, unsigned(local)],
  set: (local: number): Code => [0x21, unsigned(local)],
  i32: (value: number): Code => [0x41, signed(value | 0)],
  f64: (value: number): Code => [0x44, ...new Uint8Array(Float64Array.of(value).buffer)],
  /** Runs `body` until what `again` leaves is 0. */
  loop: (body: Code, again: Code): Code => [0x03, 0x40, body, again, 0x0d, 0x00, 0x0b],
  /** What `isTrue` leaves decides. */
  when: (isTrue: Code, body: Code): Code => [isTrue, 0x04, 0x40, body, 0x0b],
  return: 0x0f,
  select: 0x1b,
  "i32.add": 0x6a,
  "i32.mul": 0x6c,
  "i32.lt_u": 0x49,
  "i32.ge_u": 0x4f,
  "f64.lt": 0x63,
  "f64.mul": 0xa2,
  "f64.div": 0xa3,
  "f32.demote_f64": 0xb6,
  "f64.promote_f32": 0xbb,
  "f32.reinterpret_i32": 0xbe,
  "f32.store": [0x38, 2, 0],
  /** @param offset added to the address */
  "v128.load": (offset: number): Code => simd(0x00, 0, unsigned(offset)),
  "v128.load16x4_u": (offset: number): Code => simd(0x04, 0, unsigned(offset)),
  "v128.store": simd(0x0b, 0, 0),
  /** @param bytes 16 places in the 32 bytes of both operands */
  "i8x16.shuffle": (bytes: readonly number[]): Code => simd(0x0d, bytes),
  "i32x4.splat": simd(0x11),
  "f64x2.splat": simd(0x14),
  "i32x4.extract_lane": (lane: number): Code => simd(0x1b, lane),
  "v128.and": simd(0x4e),
  "f64x2.promote_low_f32x4": simd(0x5f),
  "i8x16.narrow_i16x8_u": simd(0x66),
  "i16x8.narrow_i32x4_s": simd(0x85),
  "i32x4.shl": simd(0xab),
  "i32x4.max_u": simd(0xb9),
  "f64x2.add": simd(0xf0),
  "f64x2.mul": simd(0xf2),
  "i32x4.trunc_sat_f64x2_s_zero": simd(0xfc),
} as const;

/** A function that returns an i32. */
export interface WasmFunction {
  readonly name: string;
  readonly parameters: readonly Type[];
  /** Numbered after the parameters. */
  readonly locals: readonly Type[];
  readonly body: Code;
}

/** A module of functions over a memory that is imported as `host.memory`. */
function moduleOf(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters }) => [
    0x60,
    list(parameters.map((type) => TYPES[type])),
    list([TYPES.i32]),
  ]);
  const exported = functions.map(({ name }, at) => [text(name), 0x00, unsigned(at)]);
  const code = functions.map(({ locals, body }) =>
    sized([list(locals.map((type) => [1, TYPES[type]])), body, 0x0b]),
  );
  const sections: readonly (readonly [number, Code])[] = [
    [1, list(types)],
    [2, list([[text("host"), text("memory"), 0x02, 0x00, 1]])],
    [3, list(functions.map((_, at) => unsigned(at)))],
    [7, list(exported)],
    [10, list(code)],
  ];
  const body = sections.map(([id, content]) => [id, sized(content)]);
  return Uint8Array.from(bytesOf([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, body]));
}

/** What is used here of a global that TypeScript declares for browsers alone. */
declare const WebAssembly: {
  readonly Memory: new (limits: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

const PAGE_BYTES = 2 ** 16;

/**
 * Compiles functions over a memory of their own.
 * @param bytes that the memory has at least
 * @returns `functions` by name
 */
export function instantiate(functions: readonly WasmFunction[], bytes: number) {
  const memory = new WebAssembly.Memory({ initial: 1 + Math.floor(bytes / PAGE_BYTES) });
  const module = new WebAssembly.Module(moduleOf(functions));
  const { exports } = new WebAssembly.Instance(module, { host: { memory } });
  return {
    memory: memory.buffer,
    functions: exports as Readonly<Record<string, (...args: readonly number[]) => number>>,
  };
}
