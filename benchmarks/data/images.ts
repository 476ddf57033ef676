/**
 * @module From image cells to images: base64, list literals, and files beside the data. Pixels are not decoded here.
 */
import { rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { DataError } from "../../src/core/errors.js";
import { makeFolder, writeError } from "../../src/core/files/atomic.js";
import { sha256 } from "../../src/core/files/digest.js";
import { pathInside } from "../../src/core/files/inside.js";
import { parsePythonStrings } from "../../src/core/pythonLiteral.js";
import type { ImageSource } from "../../src/records.js";

/** Longest `image` cell that is another row's index and not an image (VLMEvalKit). */
const MAX_REFERENCE = 64;

/** What an `image` cell says: another row's index, or one or more base64 texts. */
export type ImageCell =
  | { readonly kind: "reference"; readonly index: string }
  | { readonly kind: "base64"; readonly texts: readonly string[] };

/** Elements of a cell that is a Python list literal; other cells are a list of one. */
function listOf(cell: string, where: string): readonly string[] {
  if (!cell.startsWith("[") || !cell.endsWith("]")) return [cell];
  const items = parsePythonStrings(cell);
  if (items === undefined) throw new DataError(`${where}: invalid list: expected a Python list of strings`);
  if (items.length === 0) throw new DataError(`${where}: invalid list: empty`);
  return items;
}

/** @throws DataError when a list literal cannot be read */
export function readImageCell(cell: string, where: string): ImageCell {
  if (cell.length <= MAX_REFERENCE) return { kind: "reference", index: cell.trim() };
  return { kind: "base64", texts: listOf(cell, where) };
}

const DATA_URL = /^data:[^,]{0,100},/;

/** @throws DataError when a text is not base64 */
export function decodeBase64(text: string, where: string): Uint8Array {
  const plain = text.replace(DATA_URL, "");
  const bytes = Buffer.from(plain, "base64");
  // Node skips what is not base64: so much must have been read that nothing was skipped, padding and breaks aside.
  const digits = plain.replace(/[\s=]/g, "").length;
  // A last digit alone is no byte: the text was cut off.
  if (bytes.length === 0 || bytes.length !== Math.floor((digits * 3) / 4) || digits % 4 === 1) {
    throw new DataError(`${where}: invalid image: not base64`);
  }
  return bytes;
}

const SIGNATURES: readonly (readonly [string, readonly number[]])[] = [
  ["png", [0x89, 0x50, 0x4e, 0x47]],
  ["jpg", [0xff, 0xd8, 0xff]],
  ["gif", [0x47, 0x49, 0x46, 0x38]],
  ["webp", [0x52, 0x49, 0x46, 0x46]],
  ["bmp", [0x42, 0x4d]],
];

/** File name ending by the first bytes; `img` when they say nothing. */
export function imageKind(bytes: Uint8Array): string {
  return SIGNATURES.find(([, start]) => start.every((byte, at) => bytes[at] === byte))?.[0] ?? "img";
}

/**
 * Keeps an image under its own digest, so that a file once written is never stale; without a folder, in memory.
 * @throws CheckpointError when the disk is full or writing is not allowed
 */
export async function keepImage(bytes: Uint8Array, folder: string | undefined): Promise<ImageSource> {
  if (folder === undefined) return { kind: "bytes", bytes };
  const path = join(folder, `${sha256(bytes).slice(0, 32)}.${imageKind(bytes)}`);
  const present = await stat(path).catch(() => undefined);
  if (present?.size === bytes.length) return { kind: "path", path };
  await makeFolder(folder);
  // Not synced to the disk: after a power cut the size tells, and the image is written again.
  const partial = `${path}.${process.pid}.partial`;
  try {
    await writeFile(partial, bytes);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw writeError(path, error);
  }
  return { kind: "path", path };
}

/**
 * Images named by an `image_path` cell: files below the image folder, links followed. A data file comes from
 * elsewhere; it must not be able to send any file of this machine to a model server.
 * @throws DataError when a name leads outside `folder`
 */
export function imageFiles(cell: string, folder: string, where: string): readonly ImageSource[] {
  return listOf(cell, where).map((name) => {
    const path = pathInside(folder, name);
    if (path === undefined) {
      const advice = `image_path must name files inside ${folder}`;
      throw new DataError(`${where}: invalid image_path: ${JSON.stringify(name)}: ${advice}`);
    }
    return { kind: "path", path };
  });
}
