/**
 * @module Safetensors files: an 8-byte header length, a JSON header, raw little-endian numbers.
 *
 * Reading believes nothing: lengths, offsets and sizes are checked before a number is taken, so a truncated or damaged
 * file is refused whole. Writing goes to a temporary name that is synced and renamed, so a file under its own name is
 * complete.
 *
 * Source: the format description at github.com/huggingface/safetensors.
 */
import { type FileHandle, open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { CheckpointError, messageOf } from "../core/errors.js";
import { syncPath, writeError } from "../core/files/atomic.js";
import { type NdArray, type Params, sizeOf } from "../core/ndarray.js";

/** Bytes per element of the dtypes that are read. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4 };

/** Longest header that is believed; the format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;
const COPY_AGAIN = "the file is incomplete or damaged; copy or download it again";

const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});
const headerSchema = z
  .object({ __metadata__: z.record(z.string(), z.string()).optional() })
  .catchall(entrySchema);
const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

type Entry = z.infer<typeof entrySchema>;

interface Header {
  readonly metadata: Readonly<Record<string, string>>;
  readonly entries: readonly (readonly [name: string, entry: Entry])[];
  /** Where the numbers begin. */
  readonly dataStart: number;
}

/**
 * Reads all tensors of a file, or of all shards when `path` ends in `.index.json`.
 * F32, F16, BF16 and F64 become float32; I32 and I64 become int32.
 * @throws CheckpointError naming the file and the cure
 */
export async function readSafetensors(path: string): Promise<Params> {
  if (path.endsWith(".index.json")) return readShards(path);
  return withFile(path, async (file) => {
    const header = await readHeader(file, path);
    const params: Record<string, NdArray> = {};
    for (const [name, entry] of header.entries) {
      const [begin, end] = entry.data_offsets;
      const bytes = await readBytes(file, path, { at: header.dataStart + begin, length: end - begin });
      params[name] = decode(bytes, entry, `${path}: ${name}`);
    }
    return params;
  });
}

/** The `__metadata__` of a file. @throws CheckpointError when the file is not whole */
export async function readSafetensorsMetadata(path: string): Promise<Readonly<Record<string, string>>> {
  return withFile(path, async (file) => (await readHeader(file, path)).metadata);
}

async function readShards(path: string): Promise<Params> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new CheckpointError(`${path}: cannot be read: ${messageOf(cause)}`, { cause });
  });
  const index = parseJson(indexSchema, text, path);
  const shards = [...new Set(Object.values(index.weight_map))].sort();
  const params: Record<string, NdArray> = {};
  for (const shard of shards) {
    if (shard !== basename(shard)) {
      throw new CheckpointError(`${path}: invalid shard name: ${shard}; shards stand beside the index`);
    }
    const found = await readSafetensors(join(dirname(path), shard));
    const names = Object.keys(index.weight_map).filter((name) => index.weight_map[name] === shard);
    for (const name of names) {
      const tensor = found[name];
      if (!tensor) {
        throw new CheckpointError(`${path}: missing tensor: ${name} is not in ${shard}; ${COPY_AGAIN}`);
      }
      params[name] = tensor;
    }
  }
  return params;
}

async function withFile<Result>(path: string, use: (file: FileHandle) => Promise<Result>): Promise<Result> {
  const file = await open(path, "r").catch((cause: unknown) => {
    throw new CheckpointError(`${path}: cannot be opened: ${messageOf(cause)}`, { cause });
  });
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

async function readBytes(
  file: FileHandle,
  path: string,
  range: { readonly at: number; readonly length: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(range.length);
  let filled = 0;
  while (filled < range.length) {
    const { bytesRead } = await file.read(bytes, filled, range.length - filled, range.at + filled);
    if (bytesRead === 0) {
      throw new CheckpointError(`${path}: ends at byte ${range.at + filled}; ${COPY_AGAIN}`);
    }
    filled += bytesRead;
  }
  return bytes;
}

async function readHeader(file: FileHandle, path: string): Promise<Header> {
  const { size } = await file.stat();
  if (size < 8) throw new CheckpointError(`${path}: ${size} bytes are no safetensors file; ${COPY_AGAIN}`);
  const start = await readBytes(file, path, { at: 0, length: 8 });
  const length = Number(new DataView(start.buffer).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || 8 + length > size) {
    throw new CheckpointError(
      `${path}: header of ${length} bytes in a file of ${size}: not a safetensors file, or a truncated one; ${COPY_AGAIN}`,
    );
  }
  const text = new TextDecoder().decode(await readBytes(file, path, { at: 8, length }));
  const { __metadata__: metadata = {}, ...tensors } = parseJson(headerSchema, text, path);
  const entries = Object.entries(tensors as Record<string, Entry>);
  checkEntries(entries, size - 8 - length, path);
  return { metadata, entries, dataStart: 8 + length };
}

/** Offsets must cover the data without a gap or an overlap, and every size must follow from dtype and shape. */
function checkEntries(entries: Header["entries"], dataBytes: number, path: string): void {
  const byOffset = [...entries].sort(
    ([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1],
  );
  let expected = 0;
  for (const [name, { dtype, shape, data_offsets }] of byOffset) {
    const [begin, end] = data_offsets;
    const elementBytes = ELEMENT_BYTES[dtype];
    if (elementBytes === undefined) {
      throw new CheckpointError(
        `${path}: unsupported dtype of ${name}: ${dtype}; expected one of ${Object.keys(ELEMENT_BYTES).join(", ")}`,
      );
    }
    if (begin !== expected) {
      throw new CheckpointError(
        `${path}: ${name} begins at ${begin}, expected ${expected}: tensors overlap or leave a gap; ${COPY_AGAIN}`,
      );
    }
    if (end - begin !== sizeOf(shape) * elementBytes) {
      throw new CheckpointError(
        `${path}: ${name}: ${dtype} [${shape}] takes ${sizeOf(shape) * elementBytes} bytes, got ${end - begin}; ${COPY_AGAIN}`,
      );
    }
    expected = end;
  }
  if (expected !== dataBytes) {
    throw new CheckpointError(`${path}: expected ${expected} bytes of data, got ${dataBytes}; ${COPY_AGAIN}`);
  }
}

function parseJson<Schema extends z.ZodType>(schema: Schema, text: string, path: string): z.infer<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError(`${path}: invalid JSON: ${messageOf(cause)}; ${COPY_AGAIN}`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const first = parsed.error.issues[0];
  throw new CheckpointError(
    `${path}: invalid header: ${first?.path.join(".")}: ${first?.message}; ${COPY_AGAIN}`,
  );
}

/** Float32 and int32 take over the bytes; the others are converted. */
function decode(bytes: Uint8Array<ArrayBuffer>, { dtype, shape }: Entry, where: string): NdArray {
  const { buffer } = bytes;
  switch (dtype) {
    case "F32":
      return { dtype: "float32", shape, data: new Float32Array(buffer) };
    case "F64":
      return { dtype: "float32", shape, data: Float32Array.from(new Float64Array(buffer)) };
    case "F16":
      return { dtype: "float32", shape, data: Float32Array.from(new Uint16Array(buffer), fromHalf) };
    case "BF16":
      return { dtype: "float32", shape, data: fromBfloat(new Uint16Array(buffer)) };
    case "I32":
      return { dtype: "int32", shape, data: new Int32Array(buffer) };
    case "I64":
      return { dtype: "int32", shape, data: fromInt64(new BigInt64Array(buffer), where) };
    default:
      throw new CheckpointError(`${where}: unsupported dtype: ${dtype}`);
  }
}

/** A bfloat16 is the upper half of a float32. Plain indices: large models spend their loading time here. */
function fromBfloat(halves: Uint16Array): Float32Array {
  const wide = new Float32Array(halves.length);
  const bits = new Uint32Array(wide.buffer);
  for (let at = 0; at < halves.length; at++) bits[at] = (halves[at] as number) << 16;
  return wide;
}

function fromInt64(values: BigInt64Array, where: string): Int32Array {
  const narrow = new Int32Array(values.length);
  values.forEach((value, at) => {
    if (BigInt.asIntN(32, value) !== value) {
      throw new CheckpointError(`${where}: unsupported value: ${value} does not fit 32 bits`);
    }
    narrow[at] = Number(value);
  });
  return narrow;
}

/** The number of an IEEE half: 1 sign bit, 5 exponent bits, 10 fraction bits. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

export interface WriteOptions {
  /** How float32 arrays are stored; int32 arrays always are I32. Default: F32. */
  readonly dtype?: "F32" | "BF16";
  /** Added to `{ format: "pt" }`, without which some readers refuse the file. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes tensors in order of their names: the same parameters give the same bytes.
 * @throws CheckpointError when the file cannot be written; nothing is left under `path` that was not there before
 */
export async function writeSafetensors(
  path: string,
  params: Params,
  options: WriteOptions = {},
): Promise<void> {
  const partial = `${path}.partial`;
  const names = Object.keys(params).sort();
  const header: Record<string, unknown> = { __metadata__: { format: "pt", ...options.metadata } };
  let offset = 0;
  const chunks = names.map((name) => {
    const array = params[name] as NdArray;
    const dtype = array.dtype === "int32" ? "I32" : (options.dtype ?? "F32");
    const end = offset + array.data.length * (ELEMENT_BYTES[dtype] as number);
    header[name] = { dtype, shape: array.shape, data_offsets: [offset, end] };
    offset = end;
    return { array, dtype };
  });
  const file = await open(partial, "w").catch((cause: unknown) => {
    throw writeError(path, cause);
  });
  try {
    try {
      await writeAll(file, encodeHeader(header));
      for (const { array, dtype } of chunks) await writeAll(file, encode(array, dtype));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
    await syncPath(dirname(path));
  } catch (cause) {
    await rm(partial, { force: true });
    throw writeError(path, cause);
  }
}

/** Length and JSON, padded with spaces so that the numbers are aligned to 8 bytes. */
function encodeHeader(header: Readonly<Record<string, unknown>>): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  return bytes;
}

function encode({ data }: NdArray, dtype: string): Uint8Array {
  if (dtype !== "BF16") return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const halves = Uint16Array.from(bits, roundToBfloat);
  return new Uint8Array(halves.buffer);
}

/** The upper half of a float32's bits, rounded to nearest, ties to even; NaN stays NaN. */
function roundToBfloat(bits: number): number {
  const isNan = (bits & 0x7f800000) === 0x7f800000 && (bits & 0x007fffff) !== 0;
  if (isNan) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written);
    written += bytesWritten;
  }
}
