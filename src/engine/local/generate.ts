/**
 * @module Rollouts from the compiled policy: every prompt is read once, its responses share that prefix, finished rows
 * are retired, and each draw depends only on its own stream.
 */
import { invariant } from "../../core/errors.js";
import { Rng } from "../../core/rng.js";
import type { ModelConfig } from "../../model/modelConfig.js";
import { packPrompts } from "../../model/transformer/pack.js";
import type { Prompt, Rollout, StopReason } from "../../records.js";
import type { Decoding, SampleRequest, Watch } from "../engine.js";
import { breathe } from "./breathe.js";
import type { LocalPolicy, ReadyPolicy } from "./policy.js";
import type { Drawn } from "./responding.js";
import { respondOnHost } from "./respondOnHost.js";

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

/** Reads the prompts, then draws one token at a time until every row has stopped. */
async function decodeRows(
  policy: ReadyPolicy,
  request: RolloutRequest,
  all: readonly Row[],
  U: number,
): Promise<void> {
  const { decoding, responses } = request;
  const first = (all[0] as Row).prompt;
  const prompts = await policy.readPrompts(request.prompts.slice(first, first + U));
  const packed = packPrompts(prompts, policy.model);
  const start = policy.respond ?? respondOnHost(policy);
  const responding = await start(packed, { responses, decoding });
  try {
    let rows = all;
    let units = U;
    take(rows, await responding.first(uniformsOf(rows)), decoding, policy.eos);
    while (rows.some((row) => row.stop === undefined)) {
      const kept = retire(rows, units, rows.length / units);
      if (kept) {
        await responding.keep(kept.units, kept.rows);
        rows = kept.rows.map((row) => rows[row] as Row);
        units = kept.units.length;
      }
      const tokens = rows.map((row) => row.tokens.at(-1) ?? 0);
      take(rows, await responding.step(tokens, uniformsOf(rows)), decoding, policy.eos);
      await breathe(request.signal);
    }
  } finally {
    responding.dispose();
  }
}

/** What each row draws its next token with. */
function uniformsOf(rows: readonly Row[]): Float64Array {
  return Float64Array.from(rows, ({ stop, stream, tokens }) =>
    stop === undefined ? (stream?.uniformAt(tokens.length) ?? 0) : Number.NaN,
  );
}

/** Gives every unfinished row its next token. */
function take(
  rows: readonly Row[],
  { tokens, probabilities }: Drawn,
  decoding: Decoding,
  eos: ReadonlySet<number>,
): void {
  rows.forEach((row, at) => {
    if (row.stop !== undefined) return;
    const token = tokens[at] as number;
    row.tokens.push(token);
    row.logProbs.push(Math.log(probabilities[at] as number));
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
