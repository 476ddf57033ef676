/**
 * @module A mini-batch in requests that a server takes: at most so many sequences and bytes each, in order. Their
 * gradients add up until the optimizer step.
 */
import type { Datum } from "./wire.js";

export interface ChunkLimits {
  readonly datums: number;
  /** Of JSON; a longer sequence goes alone. */
  readonly bytes: number;
}

/** What the SDK's own configuration says (0.38.0). */
export const CHUNK_LIMITS: ChunkLimits = { datums: 1024, bytes: 5_000_000 };

export interface DatumChunk {
  readonly data: readonly Datum[];
  readonly bytes: number;
}

/** Splits without reordering. */
export function chunksOf(
  data: readonly Datum[],
  { datums, bytes }: ChunkLimits = CHUNK_LIMITS,
): DatumChunk[] {
  const chunks: { data: Datum[]; bytes: number }[] = [];
  for (const datum of data) {
    const size = JSON.stringify(datum).length;
    const last = chunks.at(-1);
    if (last && last.data.length < datums && last.bytes + size <= bytes) {
      last.data.push(datum);
      last.bytes += size;
    } else {
      chunks.push({ data: [datum], bytes: size });
    }
  }
  return chunks;
}
