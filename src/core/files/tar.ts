/**
 * @module `.tar.gz` archives: written of a folder's files, and unpacked without belief in what they say. Files and
 * folders alone; a name that leads out of the folder, a link, a device, a second file of one name and an archive that
 * ends early are refused.
 *
 * Source: POSIX.1-1988 ustar, with the longer names and sizes of pax (POSIX.1-2001) and of GNU tar.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { codeOf, DataError, messageOf } from "../errors.js";
import { makeFolder, writeError } from "./atomic.js";
import { pathInside } from "./inside.js";

const BLOCK = 512;
/** Longest record of names and sizes that is believed. */
const MOST_RECORD_BYTES = 65_536;
/** Bytes after the end that are believed to be filling. */
const MOST_FILLING = 1024 ** 2;

export interface UnpackLimits {
  /** Of all files together. */
  readonly bytes: number;
  readonly files: number;
}

/** A file's header, as ustar has it; times and owners are none, so that the same files make the same bytes. */
function headerOf(name: string, size: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    header.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "ascii");
  header.write(name, 0, 100, "utf8");
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  if (size < 8 ** 11) octal(size, 124, 12);
  else {
    // GNU's: the first bit, then a big-endian number.
    header.writeUInt8(0x80, 124);
    header.writeBigUInt64BE(BigInt(size), 128);
  }
  octal(0, 136, 12);
  header.write("        0", 148, "ascii");
  header.write("ustar\x0000", 257, "ascii");
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return header;
}

/**
 * Writes files of a folder, by name and in that order, as one archive.
 * @throws DataError when a name is too long for a header
 */
export async function packTarGz(folder: string, names: readonly string[], to: string): Promise<void> {
  const blocks = async function* () {
    for (const name of names) {
      if (Buffer.byteLength(name) > 99)
        throw new DataError(`${folder}: ${name}: name too long for an archive`);
      const { size } = await stat(join(folder, name));
      yield headerOf(name, size);
      yield* createReadStream(join(folder, name));
      yield Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
    }
    yield Buffer.alloc(2 * BLOCK);
  };
  await pipeline(Readable.from(blocks()), createGzip({ level: 1 }), createWriteStream(to));
}

/** Bytes of a stream, so many at a time. */
function byteReader(stream: AsyncIterable<Uint8Array>, damaged: (what: string) => DataError) {
  const pieces = stream[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();
  /** At most `most` bytes; none at the end. */
  const some = async (most: number): Promise<Uint8Array> => {
    while (rest.length === 0) {
      const next = await pieces.next();
      if (next.done === true) return rest;
      rest = next.value;
    }
    const taken = rest.subarray(0, most);
    rest = rest.subarray(taken.length);
    return taken;
  };
  const each = async (count: number, take: (piece: Uint8Array) => unknown): Promise<void> => {
    for (let left = count; left > 0; ) {
      const piece = await some(left);
      if (piece.length === 0) throw damaged("it ends early");
      await take(piece);
      left -= piece.length;
    }
  };
  const exactly = async (count: number): Promise<Buffer> => {
    const found: Uint8Array[] = [];
    // A piece is the stream's own memory, which it may use again.
    await each(count, (piece) => found.push(Uint8Array.from(piece)));
    return Buffer.concat(found);
  };
  return { each, exactly, some };
}

const textOf = (bytes: Buffer): string => bytes.toString("utf8").replace(/\0.*$/s, "");

function numberOf(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) !== 0) return Number(field.readBigUInt64BE(field.length - 8));
  const text = textOf(field).trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : text === "" ? 0 : Number.NaN;
}

/** `path` and `size` of pax's records: `<length> <key>=<value>\n` each. */
function paxOf(
  record: Buffer,
  damaged: (what: string) => DataError,
): { readonly path?: string; readonly size?: number } {
  const found: { path?: string; size?: number } = {};
  for (let at = 0; at < record.length; ) {
    const space = record.indexOf(" ", at);
    const length = Number(record.subarray(at, space).toString("ascii"));
    if (space < 0 || !(length > space - at) || at + length > record.length)
      throw damaged("a record of names is none");
    const [, key, value = ""] =
      /^([^=]*)=(.*)\n$/s.exec(record.toString("utf8", space + 1, at + length)) ?? [];
    if (key === "path") found.path = value;
    if (key === "size") found.size = Number(value);
    at += length;
  }
  return found;
}

interface Entry {
  readonly name: string;
  readonly size: number;
  readonly type: string;
}

/** The entry of a header; undefined: the archive's end. */
function entryOf(header: Buffer, damaged: (what: string) => DataError): Entry | undefined {
  if (header.every((byte) => byte === 0)) return undefined;
  const sum = header.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (numberOf(header.subarray(148, 156)) !== sum) throw damaged("a header's checksum is wrong");
  const size = numberOf(header.subarray(124, 136));
  if (!Number.isSafeInteger(size) || size < 0) throw damaged("a size is no number");
  const prefix = header.toString("ascii", 257, 263) === "ustar\0" ? textOf(header.subarray(345, 500)) : "";
  const name = textOf(header.subarray(0, 100));
  const type = String.fromCharCode(header[156] || 0x30);
  return { name: prefix === "" ? name : `${prefix}/${name}`, size, type };
}

/** Entries with their full names, as their contents come. */
async function* entriesOf(reader: ReturnType<typeof byteReader>, damaged: (what: string) => DataError) {
  let long: { readonly path?: string; readonly size?: number } = {};
  for (;;) {
    const entry = entryOf(await reader.exactly(BLOCK), damaged);
    if (!entry) return;
    const padding = (size: number) => reader.exactly((BLOCK - (size % BLOCK)) % BLOCK);
    if ("xgL".includes(entry.type)) {
      if (entry.size > MOST_RECORD_BYTES) throw damaged(`a record of names has ${entry.size} bytes`);
      const record = await reader.exactly(entry.size);
      await padding(entry.size);
      if (entry.type === "x") long = { ...long, ...paxOf(record, damaged) };
      if (entry.type === "L") long = { ...long, path: textOf(record) };
      continue;
    }
    const size = long.size ?? entry.size;
    if (!Number.isSafeInteger(size) || size < 0) throw damaged("a size is no number");
    yield { ...entry, name: long.path ?? entry.name, size };
    await padding(size);
    long = {};
  }
}

async function writeEntry(
  path: string,
  { name, size }: Entry,
  { reader, damaged }: { reader: ReturnType<typeof byteReader>; damaged: (what: string) => DataError },
): Promise<void> {
  await makeFolder(dirname(path));
  let file: FileHandle;
  try {
    file = await open(path, "wx");
  } catch (error) {
    if (["EEXIST", "EISDIR"].includes(codeOf(error))) throw damaged(`${name} comes twice`);
    throw writeError(path, error);
  }
  try {
    await reader.each(size, (piece) =>
      file.writeFile(piece).catch((error: unknown) => {
        throw writeError(path, error);
      }),
    );
  } finally {
    await file.close();
  }
}

/**
 * Unpacks an archive into an empty folder; what it wrote before it failed stays there: give it a folder of another name.
 * @returns the files' paths below the folder, in the archive's order
 * @throws DataError when the archive is damaged, too large, or holds anything but files in folders; CheckpointError when
 *   they cannot be written
 */
export async function unpackTarGz(archive: string, folder: string, limits: UnpackLimits): Promise<string[]> {
  const damaged = (what: string) => new DataError(`${archive}: not an archive that can be used: ${what}`);
  if ((await readdir(folder)).length > 0) throw new DataError(`${folder}: unpacking needs an empty folder`);
  const source = createReadStream(archive);
  const stream = createGunzip();
  const flowing = pipeline(source, stream).catch((error: unknown) => error);
  const reader = byteReader(stream, damaged);
  const found: string[] = [];
  let bytes = 0;
  try {
    for await (const entry of entriesOf(reader, damaged)) {
      const name = entry.name.replace(/^(\.\/)+/, "").replace(/\/+$/, "");
      if (entry.type === "5") continue;
      if (entry.type !== "0" && entry.type !== "7") throw damaged(`${name} is no file (type ${entry.type})`);
      const path = name.includes("\\") ? undefined : pathInside(folder, name);
      if (path === undefined) throw damaged(`${JSON.stringify(name)} leads out of the folder`);
      bytes += entry.size;
      if (bytes > limits.bytes) throw damaged(`more than ${limits.bytes} bytes`);
      if (found.length >= limits.files) throw damaged(`more than ${limits.files} files`);
      await writeEntry(path, entry, { reader, damaged });
      found.push(name);
    }
    // To the end, so that the archive's own checksum is looked at; writers fill up to a whole number of blocks.
    for (let left = MOST_FILLING, piece = await reader.some(left); piece.length > 0; ) {
      left -= piece.length;
      if (left === 0) throw damaged("it goes on after its end");
      piece = await reader.some(left);
    }
    return found;
  } catch (error) {
    // The decompressor's own words: a wrong checksum, an end that comes early.
    if (codeOf(error).startsWith("Z_")) throw damaged(messageOf(error));
    throw error;
  } finally {
    source.destroy();
    stream.destroy();
    await flowing;
  }
}
