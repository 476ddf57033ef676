/**
 * @module Image cells: `{bytes, path}` structs, bytes, base64, data URLs, paths, and lists of them. Nothing is decoded.
 *
 * A data file comes from elsewhere: a path in it must not send any file of this machine into training.
 */
import { pathInside } from "../core/files/inside.js";
import type { ImageSource } from "../records.js";
import { isAbsent } from "./cells.js";

export type ImageList = { readonly images: readonly ImageSource[] } | { readonly problem: string };
type OneImage = { readonly image: ImageSource } | { readonly problem: string };

/** What base64 of PNG, JPEG, GIF, WebP, TIFF and BMP begins with; shorter texts are paths. */
const BASE64_STARTS = [
  "iVBORw0KGgo",
  "/9j/",
  "R0lGOD",
  "UklGR",
  "SUkqA",
  "TU0AK",
  "Qk0",
  "Qk1",
  "Qk2",
  "Qk3",
];
const SHORTEST_BASE64 = 64;
const DATA_URL = /^data:[^,;]{0,80}(?:;[^,;]{0,80})*;base64,/i;

/** The bytes of base64 text; undefined when something else is in it. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const plain = text.replace(/\s+/g, "");
  return /^[\w+/-]+={0,2}$/.test(plain) ? Buffer.from(plain, "base64") : undefined;
}

/** A file below `folder`, links followed. */
function readPath(name: string, folder: string): OneImage {
  const path = pathInside(folder, name);
  if (path === undefined) {
    const shown = JSON.stringify(name.slice(0, 200));
    return {
      problem: `image path ${shown} leads outside ${folder}; set data.imageDir to the images' folder`,
    };
  }
  return { image: { kind: "path", path } };
}

function readBase64(text: string): OneImage {
  const bytes = decodeBase64(text);
  return bytes ? { image: { kind: "bytes", bytes } } : { problem: "an image text that is not base64" };
}

function readImageText(text: string, folder: string): OneImage {
  const start = DATA_URL.exec(text)?.[0];
  if (start !== undefined) return readBase64(text.slice(start.length));
  if (/^(?:https?|ftp|file|data):/i.test(text)) {
    return { problem: `image address ${text.slice(0, 80)}: download the images and give their paths` };
  }
  const isBase64 = text.length >= SHORTEST_BASE64 && BASE64_STARTS.some((prefix) => text.startsWith(prefix));
  return isBase64 ? readBase64(text) : readPath(text, folder);
}

/** A copy: what a Parquet reader hands out is a view that would keep its whole page alive. */
function ownBytes(bytes: Uint8Array): OneImage {
  if (bytes.length === 0) return { problem: "an image of 0 bytes" };
  return { image: { kind: "bytes", bytes: new Uint8Array(bytes) } };
}

function readOne(cell: unknown, folder: string): OneImage {
  if (cell instanceof Uint8Array) return ownBytes(cell);
  if (typeof cell === "string") {
    return cell.trim() === "" ? { problem: "an empty image text" } : readImageText(cell.trim(), folder);
  }
  if (typeof cell !== "object" || cell === null || Array.isArray(cell)) {
    return { problem: `an image cell of type ${Array.isArray(cell) ? "list in list" : typeof cell}` };
  }
  const { bytes, path } = cell as { readonly bytes?: unknown; readonly path?: unknown };
  if (bytes instanceof Uint8Array) return ownBytes(bytes);
  if (typeof bytes === "string") return readBase64(bytes.replace(DATA_URL, ""));
  if (typeof path === "string" && path !== "") return readPath(path, folder);
  return { problem: "an image without bytes and path" };
}

/**
 * Images of a row; an absent cell has none.
 * @param folder what paths are relative to and must stay in
 */
export function readImages(cell: unknown, folder: string): ImageList {
  if (isAbsent(cell) || cell === "") return { images: [] };
  const cells = Array.isArray(cell) ? cell : [cell];
  const read = cells.filter((one) => !isAbsent(one)).map((one) => readOne(one, folder));
  const problem = read.find((one) => "problem" in one);
  if (problem && "problem" in problem) return { problem: problem.problem };
  return { images: read.flatMap((one) => ("image" in one ? [one.image] : [])) };
}
