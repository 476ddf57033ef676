/**
 * @module Rows of a weight with an adapter in them, as they are to be written: widened, summed in float32 and narrowed by
 * a compiled graph, which costs less than reading them.
 */
import { jit } from "../../compile/jit.js";
import { type HostArray, isDeviceArray } from "../../compile/runtime/session.js";
import { type NdArray, type Params, scalar } from "../../core/ndarray.js";
import { type Tensor, tf } from "../../core/tf.js";
import { type FloatDtype, narrow } from "../weights/numbers.js";
import type { Rows } from "../weights/tensorStore.js";
import { adapterNames } from "./adapter.js";
import type { AdaptedModule } from "./spec.js";

export interface RowMerger {
  /**
   * Bytes of W + s·B·A.
   * @param weight `[rows, in]` of W
   * @param to rows of W that `weight` is, default all; format of the result
   */
  merge(
    weight: HostArray,
    module: AdaptedModule,
    to: { readonly rows?: Rows | undefined; readonly dtype: FloatDtype },
  ): Promise<Uint8Array>;
  dispose(): Promise<void>;
}

interface Merging {
  readonly weight: Tensor;
  readonly a: Tensor;
  readonly b: Tensor;
  readonly scale: Tensor;
}

/** @param params of the adapter */
export function createRowMerger(params: Params): RowMerger {
  const sum = ({ weight, a, b, scale }: Merging) => tf.add(weight, tf.matMul(tf.mul(b, scale), a));
  const wide = jit(sum, { name: "merge" });
  // bfloat16 where the runtime has memory of its own; elsewhere it stays float32, and is narrowed here.
  const narrowing = jit(sum, { name: "merge", keeps: "bfloat16", runtime: { keepsArrays: true } });
  const merge: RowMerger["merge"] = async (weight, { name, scale, rank }, { rows, dtype }) => {
    const names = adapterNames(name);
    const [a, whole] = [params[names.a], params[names.b]] as [NdArray, NdArray];
    const [begin, end] = rows ?? [0, whole.shape[0] as number];
    const data = whole.data.subarray(begin * rank, end * rank);
    const b = { ...whole, shape: [end - begin, rank], data };
    const graph = dtype === "BF16" ? narrowing : wide;
    const found: object = await graph({ weight, a, b, scale: scalar(scale) });
    const merged = await hostOf(found);
    if (merged.dtype !== "bfloat16") return narrow(merged.data as Float32Array, dtype);
    return new Uint8Array(merged.data.buffer, merged.data.byteOffset, merged.data.byteLength);
  };
  return {
    merge,
    dispose: async () => {
      await Promise.all([wide.dispose(), narrowing.dispose()]);
    },
  };
}

/** A graph's result, read and freed where it is kept elsewhere. */
async function hostOf(found: object): Promise<HostArray> {
  if (!isDeviceArray(found)) return found as HostArray;
  try {
    return await found.read();
  } finally {
    found.dispose();
  }
}
