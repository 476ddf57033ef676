/**
 * @module Rows of a matrix by token: each distinct token's is read once, without reading the matrix.
 */
import { type NdArray, zeros } from "../../../core/ndarray.js";
import type { TensorStore } from "../../../model/weights/tensorStore.js";

/** @returns `[N, columns]` f32: row `tokens[n]` of the matrix */
export async function readRows(
  store: TensorStore,
  name: string,
  tokens: ArrayLike<number>,
): Promise<NdArray> {
  const columns = store.entries.get(name)?.shape[1] ?? 0;
  const distinct = [...new Set(Array.from(tokens))];
  const rows = new Map(
    await Promise.all(
      distinct.map(async (token) => {
        const { data } = await store.readWide(name, { rows: [token, token + 1] });
        return [token, data] as const;
      }),
    ),
  );
  const gathered = zeros([tokens.length, columns]);
  for (let n = 0; n < tokens.length; n++) {
    gathered.data.set(rows.get(tokens[n] as number) as NdArray["data"], n * columns);
  }
  return gathered;
}
