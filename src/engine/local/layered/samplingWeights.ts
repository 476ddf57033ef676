/**
 * @module The weights that a layered policy samples with: the checkpoint's own, mapped, or packed to 8 bits and mapped.
 */
import type { RuntimeOptions } from "../../../compile/runtime/session.js";
import type { ArgumentArray } from "../../../compile/tree.js";
import { type NdArray, ndarray, type Params, zeros } from "../../../core/ndarray.js";
import type { OnProgress } from "../../../core/progress.js";
import { mappedTensor } from "../../../model/weights/mapped.js";
import { PACKED_HEAD, packedWeights } from "../../../model/weights/pack.js";
import type { TensorStore } from "../../../model/weights/tensorStore.js";
import type { SamplingPrecision } from "../settings.js";
import { type LayeredModel, layerPrefix } from "./model.js";
import { type LayerPart, partsReading, type SamplingGraphs, samplingGraphs } from "./samplingGraphs.js";

type Mapped = Readonly<Record<string, ArgumentArray>>;

/** Arrays of a part of a layer: what lies in files, and what is held. */
interface PartArrays {
  readonly matrices: Mapped;
  readonly vectors: Params;
}

/** Arrays of a layer, by what reads them. */
export type LayerArrays = Readonly<Record<LayerPart, PartArrays>>;

export interface SamplingWeights {
  readonly graphs: SamplingGraphs;
  readonly layers: readonly LayerArrays[];
  /** `[N, V]` after rows `at` of `x`. */
  probabilities(x: NdArray, at: readonly number[], sampler: HeadSampler): Promise<NdArray>;
  /** Frees sessions and files. */
  close(): Promise<void>;
}

interface HeadSampler {
  readonly temperature: NdArray;
  readonly tokenBias: NdArray;
}

/**
 * Packed weights are laid out for the processor when a session is made, without which their product is a hundred times as
 * slow; mapped ones are not, which would copy them widened.
 */
const RUNTIME: Readonly<Record<SamplingPrecision["weights"], RuntimeOptions>> = {
  exact: {},
  int8: { prepacks: true },
};

/** Names after `prefix` in a store. */
function under({ entries }: TensorStore, prefix: string): string[] {
  return [...entries.keys()]
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length));
}

async function named<T>(names: readonly string[], make: (name: string) => Promise<T>) {
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await make(name)] as const)));
}

async function layerArrays(model: LayeredModel, matrices: TensorStore, layer: number): Promise<LayerArrays> {
  const prefix = `${layerPrefix(layer)}.`;
  const isVector = (name: string) => model.store.entries.get(`${prefix}${name}`)?.shape.length === 1;
  const ofLayer = {
    matrices: await named(
      under(matrices, prefix).filter((name) => !isVector(name)),
      (name) => mappedTensor(matrices, `${prefix}${name}`),
    ),
    vectors: await named(under(model.store, prefix).filter(isVector), (name) =>
      model.store.readWide(`${prefix}${name}`),
    ),
  };
  const part = (which: LayerPart): PartArrays => ({
    matrices: readBy(which, ofLayer.matrices),
    vectors: readBy(which, ofLayer.vectors),
  });
  return { before: part("before"), attention: part("attention"), after: part("after") };
}

/** Those of a layer's arrays that a part of it reads. */
export function readBy<Array>(
  part: LayerPart,
  arrays: Readonly<Record<string, Array>>,
): Readonly<Record<string, Array>> {
  return Object.fromEntries(Object.entries(arrays).filter(([name]) => partsReading(name).includes(part)));
}

/** Rows of a matrix. */
function rowsAt(x: NdArray, at: readonly number[]): NdArray {
  const columns = x.shape[1] as number;
  const rows = zeros([at.length, columns]);
  for (const [n, row] of at.entries()) {
    rows.data.set(x.data.subarray(row * columns, (row + 1) * columns), n * columns);
  }
  return rows;
}

/** @throws ModelError or CheckpointError where weights cannot be packed */
export async function samplingWeights(
  model: LayeredModel,
  precision: SamplingPrecision,
  onProgress?: OnProgress,
): Promise<SamplingWeights> {
  const { store, config } = model;
  const isPacked = precision.weights === "int8";
  const matrices = isPacked
    ? await packedWeights(store, model, { cache: precision.cache, onProgress })
    : store;
  const layers: LayerArrays[] = [];
  for (let layer = 0; layer < config.layers; layer++) layers.push(await layerArrays(model, matrices, layer));
  const graphs = samplingGraphs(config, { ...RUNTIME[precision.weights], ...model.runtime });
  const head = isPacked ? await packedHead(store, matrices) : undefined;
  return {
    graphs,
    layers,
    probabilities: (x, at, sampler) =>
      head
        ? graphs.probabilities(rowsAt(x, at), head, sampler)
        : model.head.probabilities(x, ndarray(at, [at.length], "int32"), sampler.temperature),
    close: async () => {
      await Promise.all(Object.values(graphs).map((graph) => graph.dispose()));
      if (isPacked) await matrices.close();
    },
  };
}

async function packedHead(store: TensorStore, packed: TensorStore): Promise<Mapped> {
  const arrays = await named([`${PACKED_HEAD}.packed`, `${PACKED_HEAD}.scales`], (name) =>
    mappedTensor(packed, name),
  );
  return { ...arrays, "norm.weight": await store.readWide("model.norm.weight") };
}
