/**
 * @module Images as bytes of red, green and blue, and the eight ways to turn and mirror them.
 */

import type { ImageSize } from "../../records.js";

/** An image of bytes, row by row from the top left, three channels a pixel. */
export interface RgbImage extends ImageSize {
  /** `[height, width, 3]` */
  readonly data: Uint8Array;
}

export const CHANNELS = 3;

/**
 * What is done to the stored pixels, as EXIF numbers it: 1 nothing, 2 mirrored left to right, 3 turned by 180°, 4
 * mirrored top to bottom, 5 rows and columns exchanged, 6 turned clockwise, 7 exchanged and turned by 180°, 8 turned
 * counter-clockwise.
 */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** Where the top-left pixel of the result comes from, and how far its neighbours to the right and below are. */
interface Walk {
  readonly start: number;
  readonly right: number;
  readonly down: number;
}

function walkOf({ width, height }: ImageSize, orientation: Orientation): Walk {
  const [topRight, bottomLeft, bottomRight] = [width - 1, (height - 1) * width, height * width - 1];
  const walks: Readonly<Record<Orientation, Walk>> = {
    1: { start: 0, right: 1, down: width },
    2: { start: topRight, right: -1, down: width },
    3: { start: bottomRight, right: -1, down: -width },
    4: { start: bottomLeft, right: 1, down: -width },
    5: { start: 0, right: width, down: 1 },
    6: { start: bottomLeft, right: -width, down: 1 },
    7: { start: bottomRight, right: -width, down: -1 },
    8: { start: topRight, right: width, down: -1 },
  };
  return walks[orientation];
}

/** The size of an image once it is turned so. */
export function orientedSize({ width, height }: ImageSize, orientation: Orientation): ImageSize {
  return orientation > 4 ? { width: height, height: width } : { width, height };
}

/** An image turned or mirrored; not one pixel changes its colour. */
export function oriented(image: RgbImage, orientation: Orientation): RgbImage {
  if (orientation === 1) return image;
  const { start, right, down } = walkOf(image, orientation);
  const { width, height } = orientedSize(image, orientation);
  const from = image.data;
  const data = new Uint8Array(from.length);
  let to = 0;
  for (let y = 0; y < height; y++) {
    let at = (start + y * down) * CHANNELS;
    for (let x = 0; x < width; x++, at += right * CHANNELS) {
      data[to++] = from[at] as number;
      data[to++] = from[at + 1] as number;
      data[to++] = from[at + 2] as number;
    }
  }
  return { width, height, data };
}
