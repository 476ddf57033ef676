/**
 * @module AdamW's moments in one file: `first.NAME` and `second.NAME`.
 */
import { join } from "node:path";
import type { Params } from "../../core/ndarray.js";
import { writeSafetensors } from "../../model/safetensors.js";
import type { SavedParts } from "../engine.js";

export const OPTIMIZER_FILE = "optimizer.safetensors";

export interface LearnerState {
  readonly params: Params;
  /** AdamW's first and second moments. */
  readonly first: Params;
  readonly second: Params;
}

function prefixed(prefix: string, params: Params): Params {
  return Object.fromEntries(Object.entries(params).map(([name, array]) => [`${prefix}.${name}`, array]));
}

/** Writes the moments into a folder, unless weights alone are wanted. */
export async function writeMoments(
  folder: string,
  { first, second }: Pick<LearnerState, "first" | "second">,
  parts: SavedParts,
): Promise<void> {
  if (parts === "weights") return;
  const moments = { ...prefixed("first", first), ...prefixed("second", second) };
  await writeSafetensors(join(folder, OPTIMIZER_FILE), moments);
}

export function unprefixed(prefix: string, params: Params): Params {
  const start = `${prefix}.`;
  return Object.fromEntries(
    Object.entries(params)
      .filter(([name]) => name.startsWith(start))
      .map(([name, array]) => [name.slice(start.length), array]),
  );
}
