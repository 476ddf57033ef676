/**
 * @module Rollouts from the compiled policy: every prompt is read once, its responses share that prefix, finished rows
 * are retired, and each draw depends only on its own stream.
 */
import { invariant } from "../../core/errors.js";
import { type NdArray, ndarray, zeros } from "../../core/ndarray.js";
import { Rng } from "../../core/rng.js";
import type { ModelConfig } from "../../model/modelConfig.js";
import { packPrompts } from "../../model/transformer/pack.js";
import { mropeTables } from "../../model/transformer/rope.js";
import type { Prompt, Rollout, StopReason } from "../../records.js";
import type { Decoding, SampleRequest, Watch } from "../engine.js";
import { breathe } from "./breathe.js";
import { KvCache } from "./kvCache.js";
import type { LocalPolicy, ReadyPolicy } from "./localPolicy.js";
import { argmax, sampleToken } from "./sampling.js";

export interface RolloutRequest extends SampleRequest, Watch {
  /** Rows in flight at most. Default 256. */
  readonly maxRows?: number;
}

/** One response being sampled. */
interface Row {
  readonly prompt: number;
  readonly response: number;
  readonly stream: Rng | undefined;
  readonly tokens: number[];
  readonly logProbs: number[];
  stop: StopReason | undefined;
}

/** Response tokens a cache block has room for; every empty slot is read too. */
const SLOTS = 32;

/** Sizes that compiled graphs exist for: retiring rows steps down to the smallest that fits. */
const UNIT_LADDER = [1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256];

function ladder(size: number, full: number): number {
  return Math.min(full, UNIT_LADDER.find((step) => step >= size) ?? full);
}

/** Float32 patches in one prefill at most: 20 images of 1000 × 1000. */
const PATCH_BYTES = 2 ** 29;

/** Bytes of a prompt's images as patches. */
function patchBytes({ pieces }: Prompt, { vision }: ModelConfig): number {
  const patch = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  const tokens = pieces.reduce((sum, piece) => sum + (piece.kind === "image" ? piece.tokens : 0), 0);
  return 4 * tokens * vision.spatialMergeSize ** 2 * patch;
}

/**
 * Ends of the chunks that prompts are decoded in: as many at once as rows and patches have room.
 * @param most prompts in a chunk, at least 1
 */
export function chunkEnds(prompts: readonly Prompt[], most: number, config: ModelConfig): number[] {
  const ends: number[] = [];
  let [first, bytes] = [0, 0];
  for (const [at, prompt] of prompts.entries()) {
    const more = patchBytes(prompt, config);
    if (at > first && (at - first >= most || bytes + more > PATCH_BYTES)) {
      ends.push(at);
      [first, bytes] = [at, 0];
    }
    bytes += more;
  }
  return prompts.length > 0 ? [...ends, prompts.length] : ends;
}

/**
 * Samples responses.
 * @returns `rollouts[prompt][response]`
 */
export async function generate(policy: LocalPolicy, request: RolloutRequest): Promise<Rollout[][]> {
  const { prompts, responses, maxRows = 256 } = request;
  const unitsAtOnce = Math.max(1, Math.floor(maxRows / responses));
  const rollouts: Rollout[][] = [];
  const ready = await policy.ready(request.onProgress);
  try {
    for (const end of chunkEnds(prompts, unitsAtOnce, policy.model.config)) {
      rollouts.push(...(await generateChunk(ready, request, rollouts.length, end)));
      request.onProgress?.({ phase: "rollout", done: end, total: prompts.length });
      request.signal?.throwIfAborted();
    }
    return rollouts;
  } finally {
    ready.dispose?.();
  }
}

async function generateChunk(
  policy: ReadyPolicy,
  request: RolloutRequest,
  first: number,
  end: number,
): Promise<Rollout[][]> {
  const rows: Row[] = [];
  for (let prompt = first; prompt < end; prompt++) {
    for (let response = 0; response < request.responses; response++) {
      const key = request.decoding.isGreedy ? undefined : request.streams?.[prompt]?.[response];
      invariant(
        key || request.decoding.isGreedy,
        `generate: no stream for response ${response} of prompt ${prompt}`,
      );
      const stream = key && Rng.fromKey(key);
      rows.push({ prompt, response, stream, tokens: [], logProbs: [], stop: undefined });
    }
  }
  await decodeRows(policy, request, rows, end - first);
  const grouped: Rollout[][] = Array.from({ length: end - first }, () => []);
  for (const row of rows) {
    grouped[row.prompt - first]?.push({
      tokens: Int32Array.from(row.tokens),
      logProbs: Float32Array.from(row.logProbs),
      stopReason: row.stop ?? "length",
    });
  }
  return grouped;
}

/** Prefill, then one token at a time until every row has stopped. */
async function decodeRows(
  policy: ReadyPolicy,
  request: RolloutRequest,
  all: readonly Row[],
  U: number,
): Promise<void> {
  const { config } = policy.model;
  const { decoding } = request;
  const first = (all[0] as Row).prompt;
  const prompts = await policy.readPrompts(request.prompts.slice(first, first + U));
  const packed = packPrompts(prompts, policy.model);
  const last = Math.max(...packed.next) + decoding.maxTokens;
  const sampler = {
    temperature: ndarray([decoding.isGreedy ? 1 : decoding.temperature], []),
    tokenBias: policy.tokenBias,
  };
  const start = await policy.prefill(packed, sampler);
  let rows = all;
  let cache = KvCache.create({ ...start, mask: packed.mask }, config, {
    responses: request.responses,
    slots: SLOTS,
  });
  const promptOf = (row: number) => Math.floor(row / request.responses);
  pick(rows, { probs: start.probs, rowOf: promptOf }, decoding, policy.eos);
  const table = positionTable(policy, last);
  let next = packed.next;
  for (let t = 0; rows.some((row) => row.stop === undefined); t++) {
    const perUnit = rows.length / next.length;
    const kept = retire(rows, next.length, perUnit);
    if (kept) {
      cache = cache.keeping(kept.units, kept.rows);
      rows = kept.rows.map((row) => rows[row] as Row);
      next = kept.units.map((unit) => next[unit] as number);
    }
    const tokens = ndarray(
      rows.map((row) => row.tokens.at(-1) ?? 0),
      [rows.length],
      "int32",
    );
    const rope = ropeRows(
      table,
      rows.length,
      (row) => (next[Math.floor(row / (rows.length / next.length))] as number) + t,
    );
    const step = await policy.decodeStep({ tokens, rope, cache }, sampler);
    cache.append(step.keys, step.values);
    pick(rows, { probs: step.probs, rowOf: (row) => row }, decoding, policy.eos);
    await breathe(request.signal);
  }
}

/**
 * Samples the next token of every unfinished row.
 * @param next `rowOf(r)` is the row of `probs` `[…, V]` that response r draws from
 */
function pick(
  rows: readonly Row[],
  next: { readonly probs: NdArray; readonly rowOf: (row: number) => number },
  decoding: Decoding,
  eos: ReadonlySet<number>,
): void {
  const { probs, rowOf } = next;
  const V = probs.shape[1] as number;
  rows.forEach((row, at) => {
    if (row.stop !== undefined) return;
    const from = rowOf(at) * V;
    const p = probs.data.subarray(from, from + V);
    const uniform = row.stream?.uniformAt(row.tokens.length) ?? 0;
    const token = row.stream ? sampleToken(p, uniform, decoding) : argmax(p);
    row.tokens.push(token);
    row.logProbs.push(Math.log(p[token] as number));
    if (eos.has(token)) row.stop = "eos";
    else if (row.tokens.length >= decoding.maxTokens) row.stop = "length";
  });
}

/**
 * Which units and rows to keep when fewer would do: units without an unfinished row go, and so do finished rows once
 * every unit needs at most half of its rows. Undefined: keep all.
 */
export function retire(
  rows: readonly { readonly stop: StopReason | undefined }[],
  unitCount: number,
  perUnit: number,
): { units: number[]; rows: number[] } | undefined {
  const active = Array.from({ length: unitCount }, (_, unit) =>
    Array.from({ length: perUnit }, (_, r) => unit * perUnit + r).filter(
      (row) => rows[row]?.stop === undefined,
    ),
  );
  const live = active.flatMap((unitRows, unit) => (unitRows.length > 0 ? [unit] : []));
  const idle = active.flatMap((unitRows, unit) => (unitRows.length > 0 ? [] : [unit]));
  const targetUnits = ladder(live.length, unitCount);
  const most = Math.max(...active.map((unitRows) => unitRows.length));
  const targetRows = most <= perUnit / 2 ? most : perUnit;
  if (targetUnits === unitCount && targetRows === perUnit) return undefined;
  const units = [...live, ...idle.slice(0, targetUnits - live.length)].sort((a, b) => a - b);
  const keptRows = units.flatMap((unit) => {
    const alive = active[unit] as number[];
    const spare = Array.from({ length: perUnit }, (_, r) => unit * perUnit + r).filter(
      (row) => !alive.includes(row),
    );
    return [...alive, ...spare.slice(0, targetRows - alive.length)];
  });
  return { units, rows: keptRows };
}

/** Rotary tables of text positions 0 … `positions` − 1. */
function positionTable(policy: ReadyPolicy, positions: number): { cos: NdArray; sin: NdArray } {
  const axis = Int32Array.from({ length: positions }, (_, position) => position);
  const flat = new Int32Array(3 * positions);
  for (let a = 0; a < 3; a++) flat.set(axis, a * positions);
  return mropeTables(flat, policy.model.config);
}

function ropeRows(
  table: { readonly cos: NdArray; readonly sin: NdArray },
  rows: number,
  positionOf: (row: number) => number,
): { cos: NdArray; sin: NdArray } {
  const D = table.cos.shape[1] as number;
  const cos = zeros([rows, D]);
  const sin = zeros([rows, D]);
  for (let row = 0; row < rows; row++) {
    const from = positionOf(row) * D;
    cos.data.set(table.cos.data.subarray(from, from + D), row * D);
    sin.data.set(table.sin.data.subarray(from, from + D), row * D);
  }
  return { cos, sin };
}
