/**
 * @module Pictures of one grey, to try what sees pictures.
 */
import sharp from "sharp";

/** Side of a picture that any server takes, pixels. */
export const TRIAL_SIDE = 224;

/** @param grey 0, black, to 255, white @returns a PNG in base64 */
export async function flatImage(width: number, height: number, grey: number): Promise<string> {
  const background = { r: grey, g: grey, b: grey };
  const png = sharp({ create: { width, height, channels: 3, background } }).png();
  return (await png.toBuffer()).toString("base64");
}
