/**
 * @module Single files of a ZIP archive (PKWARE APPNOTE 4.3), found by its central directory and unpacked as streams.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { PassThrough, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32, createInflateRaw } from "node:zlib";
import { DataError } from "../errors.js";
import { CENTRAL_HEADER, DEFLATE, END, LOCAL_HEADER, MOST_BYTES } from "./zip.js";

/** A file inside an archive. */
export interface ZipMember {
  readonly name: string;
  readonly isDeflated: boolean;
  readonly crc: number;
  readonly packedBytes: number;
  readonly bytes: number;
  /** Of its local header. */
  readonly offset: number;
}

/** Bytes of the records before their names and comments. */
const SIZES = { local: 30, central: 46, end: 22 } as const;
const MOST_COMMENT = 0xffff;

type Handle = Awaited<ReturnType<typeof open>>;

async function bytesAt(file: Handle, from: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from);
  return buffer.subarray(0, bytesRead);
}

async function withFile<T>(path: string, use: (file: Handle) => Promise<T>): Promise<T> {
  const file = await open(path);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

function membersIn(directory: Buffer, path: string): ZipMember[] {
  const members: ZipMember[] = [];
  for (let at = 0; at + SIZES.central <= directory.length; ) {
    if (directory.readUInt32LE(at) !== CENTRAL_HEADER) break;
    const nameEnd = at + SIZES.central + directory.readUInt16LE(at + 28);
    const method = directory.readUInt16LE(at + 10);
    const member = {
      name: directory.subarray(at + SIZES.central, nameEnd).toString("utf8"),
      isDeflated: method === DEFLATE,
      crc: directory.readUInt32LE(at + 16),
      packedBytes: directory.readUInt32LE(at + 20),
      bytes: directory.readUInt32LE(at + 24),
      offset: directory.readUInt32LE(at + 42),
    };
    const isElsewhere = [member.packedBytes, member.bytes, member.offset].includes(MOST_BYTES);
    if (isElsewhere || (method !== 0 && method !== DEFLATE)) {
      throw new DataError(`${path}: unsupported ZIP member: ${member.name}`);
    }
    members.push(member);
    at = nameEnd + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return members;
}

/** What an archive holds. @throws DataError when the file is no whole ZIP archive */
export function zipMembers(path: string): Promise<ZipMember[]> {
  return withFile(path, async (file) => {
    const { size } = await file.stat();
    const from = Math.max(0, size - SIZES.end - MOST_COMMENT);
    const tail = await bytesAt(file, from, size - from);
    let end = tail.length - SIZES.end;
    while (end >= 0 && tail.readUInt32LE(end) !== END) end--;
    if (end < 0) throw new DataError(`${path}: not a whole ZIP archive`);
    const [length, at] = [tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)];
    if ([length, at].includes(MOST_BYTES))
      throw new DataError(`${path}: unsupported ZIP archive: it has the 64-bit extension`);
    // What the end record says is looked at before it is read: Node ends the process where a length has 32 bits.
    const isThere = length < 2 ** 31 && at + length <= size;
    const members = isThere ? membersIn(await bytesAt(file, at, length), path) : undefined;
    if (members?.length !== tail.readUInt16LE(end + 10))
      throw new DataError(`${path}: not a whole ZIP archive`);
    return members;
  });
}

/** Writes one file of an archive to `to`. @throws DataError when its bytes are not those that were packed */
export async function unzipMember(path: string, member: ZipMember, to: string): Promise<void> {
  const header = await withFile(path, (file) => bytesAt(file, member.offset, SIZES.local));
  if (header.length < SIZES.local || header.readUInt32LE(0) !== LOCAL_HEADER) {
    throw new DataError(`${path}: damaged: ${member.name}`);
  }
  const start = member.offset + SIZES.local + header.readUInt16LE(26) + header.readUInt16LE(28);
  let [crc, bytes] = [0, 0];
  const sum = async function* (pieces: AsyncIterable<Uint8Array>) {
    for await (const piece of pieces) {
      crc = crc32(piece, crc);
      bytes += piece.length;
      yield piece;
    }
  };
  const unpack = member.isDeflated ? createInflateRaw() : new PassThrough();
  try {
    const range = { start, end: start + member.packedBytes - 1 };
    // `end` is inclusive, so that no range is empty.
    const packed = member.packedBytes === 0 ? Readable.from([]) : createReadStream(path, range);
    await pipeline(packed, unpack, sum, createWriteStream(to));
  } catch (cause) {
    if (cause instanceof Error && "syscall" in cause) throw cause;
    throw new DataError(`${path}: damaged: ${member.name}`, { cause });
  }
  if (crc !== member.crc || bytes !== member.bytes) throw new DataError(`${path}: damaged: ${member.name}`);
}
