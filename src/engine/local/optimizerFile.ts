/**
 * @module AdamW's moments in one file: `first.NAME` and `second.NAME`.
 */
import type { Params } from "../../core/ndarray.js";

export const OPTIMIZER_FILE = "optimizer.safetensors";

export interface LearnerState {
  readonly params: Params;
  /** AdamW's first and second moments. */
  readonly first: Params;
  readonly second: Params;
}

export function prefixed(prefix: string, params: Params): Params {
  return Object.fromEntries(Object.entries(params).map(([name, array]) => [`${prefix}.${name}`, array]));
}

export function unprefixed(prefix: string, params: Params): Params {
  const start = `${prefix}.`;
  return Object.fromEntries(
    Object.entries(params)
      .filter(([name]) => name.startsWith(start))
      .map(([name, array]) => [name.slice(start.length), array]),
  );
}
