/**
 * @module TensorBoard event files: scalars of each step, in TFRecord frames of the Event protobuf.
 *
 * A frame is the payload's length (u64), the masked CRC-32C of these 8 bytes, the payload, and its masked CRC-32C, all
 * little-endian. Fields written: Event { wall_time = 1, step = 2, file_version = 3, summary = 5 }, Summary { value = 1 },
 * Value { tag = 1, simple_value = 2 }. Source: tensorflow `event.proto`, `summary.proto`, `record_writer.cc`.
 */
import { appendFile, readFile, stat, truncate } from "node:fs/promises";
import { DataError } from "../../core/errors.js";
import { writeError } from "../../core/files/atomic.js";

/** CRC-32C (Castagnoli), reflected polynomial. */
const POLYNOMIAL = 0x82f63b78;
const MASK_DELTA = 0xa282ead8;
const HEADER = 12;
const FOOTER = 4;

const CRC_TABLE: readonly number[] = Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc >>> 0;
});

/** CRC-32C of some bytes. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** Rotated and shifted, so that a checksum of bytes that hold checksums stays a good one. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

/** A non-negative integer in seven-bit groups, lowest first. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80);
  return [...bytes, left];
}

type WireType = 0 | 1 | 2 | 5;
const key = (field: number, type: WireType): number => (field << 3) | type;

function fixed(field: number, value: number, size: 4 | 8): Buffer {
  const buffer = Buffer.alloc(1 + size);
  buffer[0] = key(field, size === 8 ? 1 : 5);
  if (size === 8) buffer.writeDoubleLE(value, 1);
  else buffer.writeFloatLE(value, 1);
  return buffer;
}

function bytesField(field: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([key(field, 2), ...varint(content.length)]), content]);
}

/** One TFRecord. */
function frame(payload: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeBigUInt64LE(BigInt(payload.length), 0);
  header.writeUInt32LE(maskedCrc32c(header.subarray(0, 8)), 8);
  const footer = Buffer.alloc(FOOTER);
  footer.writeUInt32LE(maskedCrc32c(payload), 0);
  return Buffer.concat([header, payload, footer]);
}

/** What TensorBoard shows at one step. */
export interface ScalarEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  /** By tag; numbers that are not finite are left out. */
  readonly scalars: Readonly<Record<string, number>>;
}

/** The frame that every event file begins with. */
export function fileVersionFrame(wallTime: number): Uint8Array {
  return frame(Buffer.concat([fixed(1, wallTime, 8), bytesField(3, Buffer.from("brain.Event:2"))]));
}

/** An event as a frame. */
export function scalarFrame({ wallTime, step, scalars }: ScalarEvent): Uint8Array {
  const values = Object.entries(scalars)
    .filter(([, value]) => Number.isFinite(value))
    .map(([tag, value]) =>
      bytesField(1, Buffer.concat([bytesField(1, Buffer.from(tag)), fixed(2, value, 4)])),
    );
  const stepField = Buffer.from([key(2, 0), ...varint(step)]);
  return frame(Buffer.concat([fixed(1, wallTime, 8), stepField, bytesField(5, Buffer.concat(values))]));
}

/** A field of a message: its number, and its content or its value. */
interface Field {
  readonly field: number;
  readonly value: number;
  readonly content: Buffer;
}

function readVarint(bytes: Buffer, at: number): { readonly value: number; readonly next: number } {
  let [value, scale, next] = [0, 1, at];
  for (let byte = 0x80; byte & 0x80; scale *= 0x80) {
    byte = bytes[next++] ?? 0;
    value += (byte & 0x7f) * scale;
  }
  return { value, next };
}

function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  const nothing = message.subarray(0, 0);
  for (let at = 0; at < message.length; ) {
    const { value: head, next } = readVarint(message, at);
    const [field, type] = [head >> 3, head & 7];
    if (type === 0) {
      const { value, next: end } = readVarint(message, next);
      fields.push({ field, value, content: nothing });
      at = end;
    } else if (type === 2) {
      const { value: length, next: start } = readVarint(message, next);
      fields.push({ field, value: length, content: message.subarray(start, start + length) });
      at = start + length;
    } else {
      const value = type === 1 ? message.readDoubleLE(next) : message.readFloatLE(next);
      fields.push({ field, value, content: nothing });
      at = next + (type === 1 ? 8 : 4);
    }
  }
  return fields;
}

function eventOf(payload: Buffer): ScalarEvent {
  const fields = fieldsOf(payload);
  const number = (wanted: number) => fields.find(({ field }) => field === wanted)?.value ?? 0;
  const values = fields.filter(({ field }) => field === 5).flatMap(({ content }) => fieldsOf(content));
  const scalars = values.map(({ content }) => {
    const parts = fieldsOf(content);
    const tag = parts.find(({ field }) => field === 1)?.content.toString("utf8") ?? "";
    return [tag, parts.find(({ field }) => field === 2)?.value ?? 0] as const;
  });
  return { wallTime: number(1), step: number(2), scalars: Object.fromEntries(scalars) };
}

/** Events of a file with the position behind each; a torn last frame is left out. */
function readFrames(path: string, bytes: Buffer): { readonly end: number; readonly event: ScalarEvent }[] {
  const frames: { end: number; event: ScalarEvent }[] = [];
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const header = bytes.subarray(at, at + 8);
    const start = at + HEADER;
    const end = start + Number(header.readBigUInt64LE(0)) + FOOTER;
    const isSound = bytes.readUInt32LE(at + 8) === maskedCrc32c(header);
    if (isSound && end > bytes.length) break;
    const payload = bytes.subarray(start, end - FOOTER);
    if (!isSound || bytes.readUInt32LE(end - FOOTER) !== maskedCrc32c(payload)) {
      throw new DataError(
        `${path}: damaged event at byte ${at}: delete the file; metrics.jsonl holds the same`,
      );
    }
    frames.push({ end, event: eventOf(payload) });
    at = end;
  }
  return frames;
}

/** The events of a file, the file version first. @throws DataError when a frame is damaged */
export async function readEvents(path: string): Promise<ScalarEvent[]> {
  return readFrames(path, await readFile(path)).map(({ event }) => event);
}

/** Adds an event; begins the file when it is not there. @throws CheckpointError when writing is refused */
export async function appendEvent(path: string, event: ScalarEvent): Promise<void> {
  const isThere = await stat(path).then(
    ({ size }) => size > 0,
    () => false,
  );
  const frames = isThere ? [] : [fileVersionFrame(event.wallTime)];
  try {
    await appendFile(path, Buffer.concat([...frames, scalarFrame(event)]));
  } catch (error) {
    throw writeError(path, error);
  }
}

/** Cuts off events of later steps, and a torn one; a missing file is left so. */
export async function truncateEvents(path: string, lastStep: number): Promise<void> {
  const bytes = await readFile(path).catch(() => undefined);
  if (!bytes) return;
  const kept = readFrames(path, bytes).filter(({ event }) => event.step <= lastStep);
  const end = kept.at(-1)?.end ?? 0;
  if (end < bytes.length) await truncate(path, end);
}
