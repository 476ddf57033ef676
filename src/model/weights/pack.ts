/**
 * @module A checkpoint's linear layers packed to 8 bits, once: a folder of safetensors in a cache, which every run maps.
 *
 * Row n of W is cut into blocks of 128 numbers (64, 32 or 16 where 128 does not divide it), each with one scale:
 * s = max |w| / 127, q = round(w / s) + 128. So no weight moves by more than s/2. Norms, biases, the embedding's rows and
 * the vision tower are not packed.
 */
import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { ModelError } from "../../core/errors.js";
import { digestJson } from "../../core/files/digest.js";
import { fileState } from "../../core/files/fileState.js";
import { createFolder, isThere } from "../../core/files/folder.js";
import { folderHolder, whileHolding } from "../../core/files/folderLock.js";
import type { OnProgress } from "../../core/progress.js";
import type { Network } from "../family.js";
import { JOINT_NAME, JOINT_PARTS, queryScale } from "../transformer/jointQkv.js";
import { type BlockPacker, blockPacker } from "./blocks.js";
import { saveTensors, type TensorSource } from "./save.js";
import { openTensors, type Rows, type TensorStore } from "./tensorStore.js";

/** Changes with the format, so that nothing older is taken for it. */
const FORMAT = 1;

/** Numbers with one scale, the most that divide a row. ONNX Runtime's operator takes powers of two from 16 on. */
const BLOCKS = [128, 64, 32, 16] as const;

const WAIT_MS = 500;

/** A matrix to be packed: rows of one or several weights. */
interface Matrix {
  /** Without `.packed` and `.scales`. */
  readonly name: string;
  readonly parts: readonly { readonly weight: string; readonly rows: number; readonly scale: number }[];
  readonly columns: number;
}

/** Name of the packed head. */
export const PACKED_HEAD = "head";

const sizesOf = ({ parts, columns }: Matrix) => {
  const block = BLOCKS.find((size) => columns % size === 0) as number;
  return { N: parts.reduce((sum, { rows }) => sum + rows, 0), blocks: columns / block, block };
};

/**
 * What is packed of a checkpoint: every matrix of the decoder's layers, and the head.
 * @throws ModelError naming every weight whose rows no block divides
 */
function matricesOf({ entries }: TensorStore, { config }: Network): Matrix[] {
  const ofName = new Map<string, Matrix>();
  const add = (name: string, weight: string, scale: number) => {
    const [rows, columns] = (entries.get(weight)?.shape ?? []) as [number, number];
    const known = ofName.get(name)?.parts ?? [];
    ofName.set(name, { name, parts: [...known, { weight, rows, scale }], columns });
  };
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `model.layers.${layer}.`;
    const scale = queryScale(config, entries.has(`${prefix}self_attn.q_norm.weight`));
    for (const [at, part] of JOINT_PARTS.entries()) {
      add(`${prefix}${JOINT_NAME}`, `${prefix}${part}.weight`, at === 0 ? scale : 1);
    }
    for (const [weight, { shape }] of entries) {
      const isJoint = JOINT_PARTS.some((part) => weight === `${prefix}${part}.weight`);
      if (!weight.startsWith(prefix) || shape.length !== 2 || isJoint) continue;
      add(weight.replace(/\.weight$/, ""), weight, 1);
    }
  }
  add(PACKED_HEAD, config.tieWordEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight", 1);
  const misfits = [...ofName.values()].filter(({ columns }) => !BLOCKS.some((size) => columns % size === 0));
  if (misfits.length > 0) {
    const names = misfits.map(({ name, columns }) => `${name} of ${columns} columns`);
    throw new ModelError(
      `8-bit weights: unsupported widths: ${names.join(", ")}: expected multiples of 16; use rollout.weights=exact`,
    );
  }
  return [...ofName.values()];
}

/** Numbers that are packed at once: what the processor's cache holds. */
const CHUNK = 2 ** 20;

/** Rows of a matrix's parts, a chunk at a time, by the weights that they come from. */
function* chunksOf({ parts, columns }: Matrix, [begin, end]: Rows) {
  const most = Math.max(1, Math.floor(CHUNK / columns));
  let first = 0;
  for (const { weight, rows, scale } of parts) {
    const to = Math.min(end, first + rows);
    for (let at = Math.max(begin, first); at < to; at += most) {
      yield { weight, scale, at, rows: [at - first, Math.min(to, at + most) - first] as const };
    }
    first += rows;
  }
}

/** What packing takes: memory for two pieces, of which one is filled while the other is written. */
interface Workbench {
  readonly packer: BlockPacker;
  /** Memory for the next piece; holds what it is filled with until the piece after the next. */
  next(bytes: number): Uint8Array;
}

function workbench(matrices: readonly Matrix[]): Workbench {
  const pieces = [new Uint8Array(0), new Uint8Array(0)] as [Uint8Array, Uint8Array];
  return {
    packer: blockPacker(Math.max(CHUNK, ...matrices.map(({ columns }) => columns))),
    next(bytes) {
      pieces.reverse();
      if (pieces[0].length < bytes) pieces[0] = new Uint8Array(bytes);
      return pieces[0].subarray(0, bytes);
    },
  };
}

/** The two arrays of a packed matrix, in the order in which they are written. */
function sourcesOf(store: TensorStore, matrix: Matrix, { packer, next }: Workbench): TensorSource[] {
  const { N, blocks, block } = sizesOf(matrix);
  const { columns } = matrix;
  let scales: Float32Array | undefined;
  const pack = async (wanted: Rows = [0, N]): Promise<Uint8Array> => {
    const [begin, end] = wanted;
    const packed = next((end - begin) * columns);
    scales ??= new Float32Array(N * blocks);
    for (const { weight, scale, at, rows } of chunksOf(matrix, wanted)) {
      const array = await store.readArgument(weight, { rows, into: packer.numbers });
      const to = { packed: packed.subarray((at - begin) * columns), scales: scales.subarray(at * blocks) };
      const isWhole = packer.pack(array, to, { block, scale });
      if (!isWhole) throw new ModelError(`${weight}: invalid numbers: not finite; use another checkpoint`);
    }
    return packed;
  };
  const readScales = async ([begin, end]: Rows = [0, N]): Promise<Uint8Array> => {
    const { buffer } = scales as Float32Array;
    if (end === N) scales = undefined;
    return new Uint8Array(buffer, 4 * begin * blocks, 4 * (end - begin) * blocks);
  };
  return [
    { name: `${matrix.name}.packed`, dtype: "U8", shape: [N, blocks, block], read: pack },
    { name: `${matrix.name}.scales`, dtype: "F32", shape: [N, blocks], read: readScales },
  ];
}

/** Names of packed weights in a cache: `checkpoint` says where the files stand that they are made of, `name` also their state. */
async function namesOf({ entries }: TensorStore): Promise<{ checkpoint: string; name: string }> {
  const files = [...new Set([...entries.values()].map(({ file }) => resolve(file)))].sort();
  const states = await Promise.all(files.map(async (file) => [file, await fileState(file)]));
  const folder = dirname(files[0] ?? "");
  const digest = (value: unknown) => digestJson(value).slice(0, 16);
  const checkpoint = `${basename(folder)}-${digest(folder)}`;
  return { checkpoint, name: `${checkpoint}-${digest({ format: FORMAT, states })}` };
}

/** Removes what was packed of a checkpoint before it changed. */
async function removeOlder(cache: string, checkpoint: string): Promise<void> {
  const older = (await readdir(cache)).filter((name) => name.startsWith(`${checkpoint}-`));
  // Where a process still maps them and the system does not let go, they stay.
  const remove = (name: string) =>
    rm(join(cache, name), { recursive: true, force: true }).catch(() => undefined);
  await Promise.all(older.map(remove));
}

async function openFolder(folder: string): Promise<TensorStore> {
  const index = join(folder, "model.safetensors.index.json");
  return openTensors((await isThere(index)) ? index : join(folder, "model.safetensors"));
}

/**
 * Opens the packed weights of a checkpoint; packs them where that has not been done, in the place of what was packed of
 * it before it changed. Of several processes one packs, and
 * the others wait for it.
 * @param store the checkpoint's weights under our names
 * @param cache folder of packed weights; what is in it may be deleted
 * @throws ModelError for widths that cannot be packed and numbers that are not finite; CheckpointError when the cache
 *   cannot be written
 */
export async function packedWeights(
  store: TensorStore,
  network: Network,
  { cache, onProgress }: { readonly cache: string; readonly onProgress?: OnProgress | undefined },
): Promise<TensorStore> {
  const matrices = matricesOf(store, network);
  const { checkpoint, name } = await namesOf(store);
  const folder = join(cache, name);
  if (await isThere(folder)) return openFolder(folder);
  while ((await folderHolder(cache))?.isAlive) await wait(WAIT_MS);
  await whileHolding(cache, "packing weights", async () => {
    if (await isThere(folder)) return;
    await removeOlder(cache, checkpoint);
    const bench = workbench(matrices);
    const sources = matrices.flatMap((matrix) => sourcesOf(store, matrix, bench));
    await createFolder(folder, (partial) =>
      saveTensors(partial, sources, {
        onTensor: (done, total) => onProgress?.({ phase: "pack weights", done, total }),
      }),
    );
  });
  return openFolder(folder);
}
