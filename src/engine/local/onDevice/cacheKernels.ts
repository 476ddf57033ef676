/**
 * @module Kernels that move rows of 32-bit words in memory of a device: a token's keys and values into their slot, of all
 * layers at once, and rows to where there is more room or that are kept.
 *
 * Arrays of one kind stand `stride` words apart in a block: its parts.
 */
import type { DeviceKernel } from "../../../compile/runtime/deviceKernel.js";

const SOURCE = `
typedef long long int64;

// Fresh [parts][rows, words] into slot number slot of cache [parts][rows, slots, words].
extern "C" __global__ void append_slot(
    unsigned* cache, int64 cacheStride, const unsigned* fresh, int64 freshStride,
    int parts, int rows, int slots, int words, int slot) {
  int64 each = (int64)rows * words;
  int64 step = (int64)gridDim.x * blockDim.x;
  for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < parts * each; i += step) {
    int64 part = i / each, at = i % each;
    cache[part * cacheStride + (at / words * slots + slot) * words + at % words] = fresh[part * freshStride + at];
  }
}

// Row r of to [parts][count, toWords] begins with row indices[r] of from [parts][…, words].
extern "C" __global__ void gather_rows(
    unsigned* to, int64 toStride, int64 toWords, const unsigned* from, int64 fromStride,
    const int* indices, int parts, int count, int64 words) {
  int64 each = count * words;
  int64 step = (int64)gridDim.x * blockDim.x;
  for (int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x; i < parts * each; i += step) {
    int64 part = i / each, at = i % each;
    int64 row = at / words, word = at % words;
    to[part * toStride + row * toWords + word] = from[part * fromStride + indices[row] * words + word];
  }
}
`;

export const APPEND_SLOT: DeviceKernel<
  "cache" | "cacheStride" | "fresh" | "freshStride" | "parts" | "rows" | "slots" | "words" | "slot"
> = {
  name: "append_slot",
  source: SOURCE,
  parameters: {
    ...({ cache: "int64", cacheStride: "int64", fresh: "int64", freshStride: "int64" } as const),
    ...({ parts: "int32", rows: "int32", slots: "int32", words: "int32", slot: "int32" } as const),
  },
  onHost(memory, { parts, rows, slots, words, slot, ...at }) {
    for (let part = 0; part < parts; part++) {
      const to = new Uint32Array(memory(at.cache + 4 * part * at.cacheStride, 4 * rows * slots * words));
      const from = new Uint32Array(memory(at.fresh + 4 * part * at.freshStride, 4 * rows * words));
      let read = 0;
      for (let row = 0, here = slot * words; row < rows; row++, here += slots * words) {
        for (let d = 0; d < words; d++) to[here + d] = from[read++] as number;
      }
    }
  },
};

export const GATHER_ROWS: DeviceKernel<
  "to" | "toStride" | "toWords" | "from" | "fromStride" | "indices" | "parts" | "count" | "words"
> = {
  name: "gather_rows",
  source: SOURCE,
  parameters: {
    ...({ to: "int64", toStride: "int64", toWords: "int64", from: "int64", fromStride: "int64" } as const),
    ...({ indices: "int64", parts: "int32", count: "int32", words: "int64" } as const),
  },
  onHost(memory, { parts, count, words, toWords, ...at }) {
    const indices = new Int32Array(memory(at.indices, 4 * count));
    for (let part = 0; part < parts; part++) {
      const to = new Uint32Array(memory(at.to + 4 * part * at.toStride, 4 * count * toWords));
      indices.forEach((row, n) => {
        const from = memory(at.from + 4 * (part * at.fromStride + row * words), 4 * words);
        to.set(new Uint32Array(from), n * toWords);
      });
    }
  },
};
