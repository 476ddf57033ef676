/**
 * @module The vision tower, block by block: what image tokens become, each distinct image once while there is room. The
 * tower is frozen, so what was computed stays true.
 */
import { createHash } from "node:crypto";
import { jit } from "../../../compile/jit.js";
import type { RuntimeOptions } from "../../../compile/runtime/session.js";
import type { NdArray } from "../../../core/ndarray.js";
import { zeros } from "../../../core/ndarray.js";
import type { Tensor, TensorParams } from "../../../core/tf.js";
import type { Network, VisionInputs } from "../../../model/family.js";
import type { ImagePatches } from "../../../model/imageProcessor.js";
import { rotation } from "../../../model/transformer/rope.js";
import type { TensorStore } from "../../../model/weights/tensorStore.js";
import { freeing, keepsPassing } from "./layerGraphs.js";
import { createLayerStream, type Part } from "./layerStream.js";

/** Rows of an image's tokens in reading order. */
export interface ImageRows {
  /** `[n, hidden]` f32 */
  readonly rows: NdArray;
  /** Of the decoder's first layers, each like `rows` (DeepStack). */
  readonly deep: readonly NdArray[];
}

/** Images whose rows are kept. */
const KEPT_IMAGES = 64;

interface BlockTables {
  readonly cos: Tensor;
  readonly sin: Tensor;
  readonly mask: Tensor;
}

function towerGraphs({ family, config }: Network, runtime: RuntimeOptions) {
  const { tower } = family;
  return {
    embed: jit((outer: TensorParams, inputs: VisionInputs) => tower.embed(outer, config, inputs), {
      name: "patches",
      runtime,
    }),
    block: jit(
      (weights: TensorParams, x: Tensor, { mask, ...rope }: BlockTables) =>
        tower.block(weights, config, x, { turn: rotation(rope), mask }),
      { name: "vision block", runtime: { ...runtime, keepsMemory: keepsPassing(config.vision) } },
    ),
    merge: jit((outer: TensorParams, x: Tensor) => tower.merge(outer, config, x), {
      name: "merger",
      runtime,
    }),
    // A level's parameters have names of its own, so each level is a graph of its own.
    deep: (tower.deep?.blocks(config) ?? []).map((_, level) =>
      jit((outer: TensorParams, x: Tensor) => tower.deep?.merge(outer, config, level, x) as Tensor, {
        name: "deep merger",
        runtime,
      }),
    ),
  };
}

/** Reads images. @returns a function that keeps the rows of the last 64 distinct images */
export function createImageReader(
  network: Network,
  store: TensorStore,
  runtime: RuntimeOptions = {},
): (image: ImagePatches) => Promise<ImageRows> {
  const graphs = towerGraphs(network, runtime);
  const keeping = keepsPassing(network.config.vision) ? [graphs.block] : [];
  const stream = createLayerStream(store);
  const kept = new Map<string, ImageRows>();
  const outerNames = [...store.entries.keys()].filter((name) => /^visual\.(?!blocks\.)/.test(name));
  const outer = async (): Promise<Part> =>
    Object.fromEntries(
      await Promise.all(outerNames.map(async (name) => [name, await store.readArgument(name)] as const)),
    );
  const run = async (image: ImagePatches): Promise<ImageRows> => {
    const { family, config } = network;
    const { inputs, rows } = family.layOut([image], config, 0);
    const places = rows[0] ?? [];
    const weights = await outer();
    const deep: NdArray[] = [];
    let x = await graphs.embed(weights, inputs);
    const prefix = (block: number) => `visual.blocks.${block}.`;
    for (let block = 0; block < config.vision.depth; block++) {
      const next = block + 1 < config.vision.depth ? prefix(block + 1) : undefined;
      const part = await stream.take(prefix(block), next);
      const mask = inputs[family.tower.maskName(config, block)] as NdArray;
      x = await graphs.block(part, x, { cos: inputs.cos, sin: inputs.sin, mask });
      const level = family.tower.deep?.blocks(config).indexOf(block) ?? -1;
      const graph = graphs.deep[level];
      if (graph) deep.push(gatherRows(await graph(weights, x), places));
    }
    return { rows: gatherRows(await graphs.merge(weights, x), places), deep };
  };

  return async (image) => {
    const bytes = new Uint8Array(image.patches.buffer, image.patches.byteOffset, image.patches.byteLength);
    const key = `${Object.values(image.grid).join("x")} ${createHash("sha256").update(bytes).digest("hex")}`;
    const found = kept.get(key) ?? (await freeing(keeping, () => run(image)));
    kept.delete(key);
    kept.set(key, found);
    const [oldest] = kept.keys();
    if (kept.size > KEPT_IMAGES && oldest !== undefined) kept.delete(oldest);
    return found;
  };
}

function gatherRows(source: NdArray, places: readonly number[]): NdArray {
  const columns = source.shape[1] as number;
  const gathered = zeros([places.length, columns]);
  places.forEach((place, n) => {
    gathered.data.set(source.data.subarray(place * columns, (place + 1) * columns), n * columns);
  });
  return gathered;
}
