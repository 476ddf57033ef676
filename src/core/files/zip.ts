/**
 * @module ZIP archives written from memory. Deflated, without the 64-bit extension.
 *
 * Source: PKWARE's APPNOTE.TXT 6.3.10, §4.3. Times are fixed, so that the same files make the same bytes.
 */
import { crc32, deflateRawSync } from "node:zlib";
import { DataError } from "../errors.js";

export interface ZipEntry {
  /** With slashes, relative. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Signatures that records begin with. */
export const LOCAL_HEADER = 0x04034b50;
export const CENTRAL_HEADER = 0x02014b50;
export const END = 0x06054b50;
/** The one method that packs. */
export const DEFLATE = 8;
const VERSION = 20;
const UTF8_NAMES = 0x0800;
/** 1 January 1980. */
const DATE = 0x0021;
/** Larger sizes stand in fields of the 64-bit extension instead. */
export const MOST_BYTES = 0xffffffff;
const MOST_ENTRIES = 0xffff;

/** 16- and 32-bit numbers, little endian. */
function fields(...numbers: readonly (readonly [bytes: 2 | 4, value: number])[]): Buffer {
  const buffer = Buffer.alloc(numbers.reduce((sum, [bytes]) => sum + bytes, 0));
  let at = 0;
  for (const [bytes, value] of numbers) at = buffer.writeUIntLE(value, at, bytes);
  return buffer;
}

/** @throws DataError when it would need the 64-bit extension */
export function zipBytes(entries: readonly ZipEntry[]): Uint8Array {
  const tooMuch = (bytes: number) =>
    new DataError(`zip: ${entries.length} files of ${bytes} bytes: more than a ZIP archive of 32 bits holds`);
  if (entries.length > MOST_ENTRIES) throw tooMuch(entries.reduce((sum, { bytes }) => sum + bytes.length, 0));
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { path, bytes } of entries) {
    const name = Buffer.from(path, "utf8");
    const packed = deflateRawSync(bytes);
    const described = fields(
      ...([
        [2, UTF8_NAMES],
        [2, DEFLATE],
        [2, 0],
        [2, DATE],
        [4, crc32(bytes)],
        [4, packed.length],
        [4, bytes.length],
        [2, name.length],
        [2, 0],
      ] as const),
    );
    central.push(
      fields([4, CENTRAL_HEADER], [2, VERSION], [2, VERSION]),
      described,
      fields([2, 0], [2, 0], [2, 0], [4, 0], [4, offset]),
      name,
    );
    const local = [fields([4, LOCAL_HEADER], [2, VERSION]), described, name, packed];
    parts.push(...local);
    offset += local.reduce((sum, part) => sum + part.length, 0);
  }
  const directory = Buffer.concat(central);
  if (offset + directory.length > MOST_BYTES) throw tooMuch(offset);
  const count = entries.length;
  const end = fields(
    [4, END],
    [2, 0],
    [2, 0],
    [2, count],
    [2, count],
    [4, directory.length],
    [4, offset],
    [2, 0],
  );
  return Buffer.concat([...parts, directory, end]);
}
