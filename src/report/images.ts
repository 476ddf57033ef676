/**
 * @module Images of a run folder as `data:` addresses, so that a report needs nothing but itself.
 */
import { readFile } from "node:fs/promises";
import { isAbsolute, relative, resolve } from "node:path";
import { encodePng, readImage } from "../core/image/decode.js";
import type { ImageSource } from "../records.js";

/** An image that can be shown, or why it cannot. */
export type EmbeddedImage =
  | { readonly kind: "image"; readonly name: string; readonly source: string }
  | { readonly kind: "none"; readonly name: string; readonly reason: string };

/** First bytes of the formats that browsers show. */
const SIGNATURES: readonly { readonly type: string; readonly bytes: readonly number[] }[] = [
  { type: "image/png", bytes: [0x89, 0x50, 0x4e, 0x47] },
  { type: "image/jpeg", bytes: [0xff, 0xd8, 0xff] },
  { type: "image/gif", bytes: [0x47, 0x49, 0x46, 0x38] },
  { type: "image/webp", bytes: [0x52, 0x49, 0x46, 0x46] },
  { type: "image/bmp", bytes: [0x42, 0x4d] },
];

/** Reads one image; the type comes from its bytes, and a name that leads out of the folder is refused. */
export async function embedImage(dir: string, name: string): Promise<EmbeddedImage> {
  const path = resolve(dir, name);
  const inside = relative(resolve(dir), path);
  if (inside.startsWith("..") || isAbsolute(inside)) {
    return { kind: "none", name, reason: "lies outside the run folder" };
  }
  const bytes = await readFile(path).catch(() => undefined);
  if (!bytes) return { kind: "none", name, reason: "file is missing" };
  return dataImage(name, bytes) ?? { kind: "none", name, reason: "not PNG, JPEG, GIF, WebP or BMP" };
}

/** The media type of these bytes; undefined when a browser would not show them. */
export function imageType(bytes: Uint8Array): string | undefined {
  return SIGNATURES.find((signature) => signature.bytes.every((byte, at) => bytes[at] === byte))?.type;
}

/** The image at a `data:` address; undefined when a browser would not show these bytes. */
function dataImage(name: string, bytes: Uint8Array): EmbeddedImage | undefined {
  const type = imageType(bytes);
  if (!type) return undefined;
  return { kind: "image", name, source: `data:${type};base64,${Buffer.from(bytes).toString("base64")}` };
}

/** An image in memory or on disk; drawings and rarer formats become PNG. */
export async function embedBytes(name: string, image: ImageSource): Promise<EmbeddedImage> {
  const bytes = image.kind === "bytes" ? image.bytes : await readFile(image.path).catch(() => undefined);
  if (!bytes) return { kind: "none", name, reason: "file is missing" };
  return dataImage(name, bytes) ?? embedDecoded(name, { kind: "bytes", bytes });
}

/** An image as the policy reads it, where a browser would apply its profile or show what is behind it. */
export async function embedDecoded(name: string, image: ImageSource): Promise<EmbeddedImage> {
  const decoded = await readImage(image).catch(() => undefined);
  const png = decoded && (await encodePng(decoded));
  return (png && dataImage(name, png)) ?? { kind: "none", name, reason: "cannot be decoded" };
}

/** Reads each name once. */
export async function embedImages(
  dir: string,
  names: Iterable<string>,
): Promise<ReadonlyMap<string, EmbeddedImage>> {
  const images = new Map<string, EmbeddedImage>();
  for (const name of new Set(names)) images.set(name, await embedImage(dir, name));
  return images;
}
