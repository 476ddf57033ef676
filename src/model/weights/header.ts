/**
 * @module The header of a safetensors file: an 8-byte length, then JSON with dtype, shape and place of each tensor.
 *
 * Nothing in it is believed: lengths, offsets and sizes are checked against each other and against the file before a
 * number is read, and everything that is wrong is said at once.
 *
 * Source: the format description at github.com/huggingface/safetensors.
 */
import type { FileHandle } from "node:fs/promises";
import { z } from "zod";
import { CheckpointError, messageOf } from "../../core/errors.js";
import { listed } from "../../core/listed.js";
import { ELEMENT_BYTES, isStoredDtype, type StoredDtype, storedBytes } from "./numbers.js";

/** Longest header that is believed; the format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;

/** Bytes that are asked for at once. */
const MAX_READ_BYTES = 1 << 30;

export const COPY_AGAIN = "the file is incomplete or damaged; copy or download it again";

const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});
const headerSchema = z
  .object({ __metadata__: z.record(z.string(), z.string()).optional() })
  .catchall(entrySchema);

type RawEntry = z.infer<typeof entrySchema>;

/** Where a tensor stands in its file. */
export interface TensorPlace {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** From the file's beginning. */
  readonly offset: number;
  readonly bytes: number;
}

export interface Header {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, TensorPlace>;
}

/**
 * Fills `into` from a place in a file.
 * @throws CheckpointError when the file ends before
 */
export async function readInto(
  file: FileHandle,
  path: string,
  at: number,
  into: Uint8Array<ArrayBuffer>,
): Promise<void> {
  let filled = 0;
  while (filled < into.length) {
    const length = Math.min(into.length - filled, MAX_READ_BYTES);
    const { bytesRead } = await file.read(into, filled, length, at + filled);
    if (bytesRead === 0) throw new CheckpointError(`${path}: ends at byte ${at + filled}; ${COPY_AGAIN}`);
    filled += bytesRead;
  }
}

/** @throws CheckpointError naming the file and everything in its header that is wrong */
export async function readHeader(file: FileHandle, path: string): Promise<Header> {
  const { size } = await file.stat();
  if (size < 8) throw new CheckpointError(`${path}: ${size} bytes are no safetensors file; ${COPY_AGAIN}`);
  const start = new Uint8Array(8);
  await readInto(file, path, 0, start);
  const length = Number(new DataView(start.buffer).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || 8 + length > size) {
    throw new CheckpointError(
      `${path}: header of ${length} bytes in a file of ${size}: not a safetensors file, or a truncated one; ${COPY_AGAIN}`,
    );
  }
  const json = new Uint8Array(length);
  await readInto(file, path, 8, json);
  const { __metadata__: metadata = {}, ...tensors } = parseChecked(
    headerSchema,
    new TextDecoder().decode(json),
    path,
  );
  const entries = Object.entries(tensors as Record<string, RawEntry>);
  const problems = problemsOf(entries, size - 8 - length);
  if (problems.length > 0) throw new CheckpointError(`${path}: ${listed(problems)}; ${COPY_AGAIN}`);
  return { metadata, tensors: new Map(entries.map(([name, entry]) => [name, placeOf(entry, 8 + length)])) };
}

function placeOf({ dtype, shape, data_offsets: [begin, end] }: RawEntry, dataStart: number): TensorPlace {
  return { dtype: dtype as StoredDtype, shape, offset: dataStart + begin, bytes: end - begin };
}

/** Offsets must cover the data without a gap or an overlap, and every size must follow from dtype and shape. */
function problemsOf(entries: readonly (readonly [string, RawEntry])[], dataBytes: number): string[] {
  const byOffset = [...entries].sort(
    ([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1],
  );
  const problems: string[] = [];
  let expected = 0;
  for (const [name, { dtype, shape, data_offsets }] of byOffset) {
    const [begin, end] = data_offsets;
    if (begin !== expected) {
      problems.push(`${name} begins at ${begin}, expected ${expected}: tensors overlap or leave a gap`);
    }
    if (!isStoredDtype(dtype)) {
      problems.push(
        `unsupported dtype of ${name}: ${dtype}, expected one of ${Object.keys(ELEMENT_BYTES).join(" ")}`,
      );
    } else if (end - begin !== storedBytes(dtype, shape)) {
      problems.push(
        `${name}: ${dtype} [${shape}] takes ${storedBytes(dtype, shape)} bytes, got ${end - begin}`,
      );
    }
    expected = end;
  }
  if (expected !== dataBytes) problems.push(`expected ${expected} bytes of data, got ${dataBytes}`);
  return problems;
}

/** Length and JSON, padded with spaces so that the numbers are aligned to 8 bytes. */
export function encodeHeader(header: Readonly<Record<string, unknown>>): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  return bytes;
}

/** @throws CheckpointError naming the file and what does not fit the schema */
export function parseChecked<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  path: string,
): z.infer<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError(`${path}: invalid JSON: ${messageOf(cause)}; ${COPY_AGAIN}`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new CheckpointError(`${path}: invalid header: ${listed(problems)}; ${COPY_AGAIN}`);
}
