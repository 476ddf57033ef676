/**
 * @module One layer of the decoder compiled for all of them: forward and gradient. Weights are
 * arguments, in the format of their file, and widened in the graph; the layer is the one that the whole network loops
 * over (`decoderLayer`), so the two cannot differ.
 */
import { vjp } from "../../../compile/grad.js";
import { jit } from "../../../compile/jit.js";
import type { RuntimeOptions } from "../../../compile/runtime/session.js";
import type { NdArray } from "../../../core/ndarray.js";
import type { Tensor, TensorParams } from "../../../core/tf.js";
import type { DecoderSizes } from "../../../model/modelConfig.js";
import type { Rope } from "../../../model/transformer/decode.js";
import { type Attend, decoderLayer } from "../../../model/transformer/decoder.js";
import { layerWithJointQkv } from "../../../model/transformer/jointQkv.js";
import { type PackedUnits, sizesOf } from "../../../model/transformer/pack.js";
import { attendSharedPrefix } from "../../../model/transformer/prefix.js";
import { rotation } from "../../../model/transformer/rope.js";

/** What a layer reads of a packed batch. */
export type LayerBatch = Pick<PackedUnits, "promptTokens" | "responseTokens" | "promptMask" | "rope">;

/** What training does not change. */
interface Frozen {
  /** Under their names after `model.layers.N.`. */
  readonly weights: TensorParams;
  /** Of the layer's adapters. */
  readonly scales: TensorParams;
}

/** What a layer's gradient is taken by. */
interface Trained {
  /** `[S, hidden]` f32 */
  readonly x: Tensor;
  /** A and B of the layer's adapters. */
  readonly adapter: TensorParams;
}

/** Weights of a layer from which on it is a large one. */
const LARGE = 1e7;

/**
 * Whether a graph that many layers or chunks pass through keeps its working memory from one to the next, and is freed
 * after the last: of large ones it else takes new pages for a third of its time, and of small ones making it anew takes
 * longer than running it.
 */
export function keepsPassing({ hiddenSize, intermediateSize }: PassingSizes): boolean {
  return 3 * hiddenSize * intermediateSize >= LARGE;
}

/** Does something, and then, however it ends, frees what graphs have kept for it. */
export async function freeing<T>(
  graphs: readonly { dispose(): Promise<void> }[],
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } finally {
    await Promise.all(graphs.map((graph) => graph.dispose()));
  }
}

type PassingSizes = Pick<DecoderSizes, "hiddenSize" | "intermediateSize">;

export function layerGraphs(config: DecoderSizes, runtime: RuntimeOptions = {}) {
  const layer = ({ x, adapter }: Trained, frozen: Frozen, rope: Rope, attend: Attend): Tensor => {
    const weights = { ...layerWithJointQkv(frozen.weights, config), ...adapter, ...frozen.scales };
    const inputs = {
      turn: rotation(rope),
      attend: (q: Tensor, k: Tensor, v: Tensor) => attend(0, q, k, v),
    };
    return decoderLayer(weights, config, x, inputs);
  };
  const forward = (trained: Trained, frozen: Frozen, batch: LayerBatch) =>
    layer(trained, frozen, batch.rope, attendSharedPrefix(config, sizesOf(batch), batch.promptMask));

  const compiled = (options: RuntimeOptions) => ({
    /** `x` of the next layer. */
    forward: jit(forward, { name: "layer", runtime: options }),
    /** Gradients of `x` and of the adapter, given that of the next layer's `x`. Computes the layer once more. */
    backward: jit(
      (trained: Trained, dy: Tensor, frozen: Frozen, batch: LayerBatch) =>
        vjp(forward)(trained, dy, frozen, batch).grads,
      { name: "layer gradient", runtime: options },
    ),
  });
  const plain = compiled(runtime);
  const keeping = compiled({ ...runtime, keepsMemory: true });

  return {
    /**
     * Runs with what these batches pass through, and frees what that kept from layer to layer. Batches of several
     * shapes would each keep memory.
     */
    async pass(batches: readonly Shaped[], run: (graphs: typeof plain) => Promise<void>): Promise<void> {
      const shapes = new Set(
        batches.map(({ packed }) => `${packed.promptTokens.shape} ${packed.responseTokens.shape}`),
      );
      if (!keepsPassing(config) || shapes.size !== 1) return run(plain);
      await freeing([keeping.forward, keeping.backward], () => run(keeping));
    },
  };
}

/** Arrays whose shapes make a batch's. */
interface Shaped {
  readonly packed: Readonly<Record<"promptTokens" | "responseTokens", Pick<NdArray, "shape">>>;
}

export type LayerGraphs = ReturnType<typeof layerGraphs>;
