/**
 * @module Whether a file is still the one it was, without reading it.
 */
import { stat } from "node:fs/promises";

/**
 * Size, and the times in nanoseconds at which content and entry last changed: a copy with an old date has a new entry.
 * Undefined where there is no such file.
 */
export async function fileState(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && [found.size, found.mtimeNs, found.ctimeNs, found.ino].join(" ");
}
