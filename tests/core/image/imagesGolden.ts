/** @module What Pillow and transformers read from images of many kinds (`benchmarks/measured/parity/images.py`). */
import type { ImageSource } from "../../../src/records.js";
import { golden } from "../../golden/load.js";

interface ImageCase {
  readonly name: string;
  /** Base64 of the file. */
  readonly bytes: string;
  /** Pillow cannot load it. */
  readonly refused?: true;
  readonly width: number;
  readonly height: number;
  /** Base64 of `[height, width, 3]`. */
  readonly rgb: string;
}

export const imageCases: readonly ImageCase[] = golden<{ readonly images: readonly ImageCase[] }>(
  "image/images.json",
).images;

export const readable = imageCases.filter(({ refused }) => !refused);
export const refused = imageCases.filter((one) => one.refused);

export const sourceOf = ({ bytes }: ImageCase) =>
  ({ kind: "bytes", bytes: new Uint8Array(Buffer.from(bytes, "base64")) }) satisfies ImageSource;

/** The bytes of one case by its name. */
export function imageCase(name: string): Uint8Array {
  const found = imageCases.find((one) => one.name === name);
  if (!found) throw new Error(`no image ${name}`);
  return sourceOf(found).bytes;
}
