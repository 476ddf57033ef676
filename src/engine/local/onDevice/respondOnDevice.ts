/**
 * @module Responses in progress where the graphs run: what crosses at a step is a token, a position and a draw per row one
 * way, a token and its probability the other.
 *
 * Addresses stay the same until the cache grows or rows are dropped, so that runs are bound once, and on a
 * card replayed.
 */
import type { Compiled } from "../../../compile/jit.js";
import type { Arrays } from "../../../compile/runtime/placed.js";
import type { Block, BoundRun, DeviceArray } from "../../../compile/runtime/session.js";
import type { NdArray } from "../../../core/ndarray.js";
import type { Tensor, TensorParams } from "../../../core/tf.js";
import type { Network } from "../../../model/family.js";
import type {
  Cache as CacheInputs,
  PrefillInputs,
  Rope,
  Sampler,
} from "../../../model/transformer/decode.js";
import { type PackedPrompts, roundUp } from "../../../model/transformer/pack.js";
import { mropeTables } from "../../../model/transformer/rope.js";
import type { Decoding } from "../../engine.js";
import {
  type Drawn,
  drawFrom,
  endOf,
  type HostSampler,
  positionTable,
  SLOTS,
  type StartResponding,
  samplerFor,
  type Uniforms,
} from "../responding.js";
import { MARGIN } from "../sampling.js";
import { alike, type Device, deviceCache, halvesOf, only } from "./deviceCache.js";
import { DRAW_ROWS, DRAW_THREADS } from "./drawKernel.js";

/** What reading prompts and tokens gives. */
interface Read {
  readonly probs: Tensor;
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
}

/** Inputs of a step whose positions are looked up where the graph runs. */
export interface StepInputs {
  /** `[rows]` i32 */
  readonly tokens: Tensor;
  /** `[rows]` i32 */
  readonly positions: Tensor;
  /** `[N, D]` of positions 0 … N − 1 */
  readonly table: Rope;
  readonly cache: CacheInputs;
}

/** A policy as it answers prompts where its graphs run. */
export interface DevicePolicy {
  readonly model: Network;
  readonly tokenBias: NdArray;
  readonly weights: Arrays;
  readonly device: Device;
  readonly prefill: Compiled<[TensorParams, PrefillInputs, Sampler], Read>;
  readonly step: Compiled<[TensorParams, StepInputs, Sampler], Read>;
}

/** Positions in a table: a multiple of this, so that few graphs serve all lengths. */
const POSITION_STEP = 1024;

/** Rows that draw from `probs` `[rows / share, V]`. */
interface Drawing {
  readonly probs: Block;
  readonly share: number;
  /** Where the uniforms are on the device. */
  readonly uniforms: bigint;
  /** `[3, rows]` */
  readonly drawn: Block;
}

/** Draws where the probabilities are; rows where rounding decides, here. */
function drawing({ device, model }: DevicePolicy, decoding: Decoding) {
  const { memory, kernels } = device;
  const { vocabSize: V } = model.config;
  const { isGreedy, topP, topK } = decoding;
  return {
    /** Queues the draws of `rows` rows. */
    queue({ probs, uniforms, drawn, share }: Drawing, rows: number) {
      kernels.launch(
        DRAW_ROWS,
        { blocks: rows, threads: DRAW_THREADS },
        {
          ...{ probs: probs.address(), uniforms, drawn: drawn.address(), rows, V, share },
          ...{ isGreedy: Number(isGreedy), topP, topK, margin: MARGIN },
        },
      );
    },
    /** Waits for them. */
    fetch({ probs, drawn, share }: Drawing, uniforms: Uniforms): Drawn {
      const rows = uniforms.length;
      const got = new Int32Array(new ArrayBuffer(12 * rows));
      memory.download(drawn.address(), got);
      const tokens = got.subarray(0, rows);
      const probabilities = new Float32Array(got.buffer, 4 * rows, rows);
      for (const [row, uniform] of uniforms.entries()) {
        if (Number.isNaN(uniform) || got[2 * rows + row] === 0) continue;
        const p = new Float32Array(new ArrayBuffer(4 * V));
        memory.download(probs.address() + BigInt(4 * V * Math.floor(row / share)), p);
        tokens[row] = drawFrom(p, uniform, decoding);
        probabilities[row] = p[tokens[row] as number] as number;
      }
      return { tokens, probabilities };
    },
  };
}

/** What a step reads from the host. */
interface StepNumbers {
  readonly tokens: readonly number[];
  readonly positions: readonly number[];
  readonly mask: NdArray;
  readonly uniforms: Uniforms;
}

const ints = (...shape: number[]) => ({ dtype: "int32", shape }) as const;
const floats = (...shape: number[]) => ({ dtype: "float32", shape }) as const;

/** What a step reads from the host as one block, uploaded in one copy. */
function stepBlock({ memory }: Device, rows: number, mask: NdArray) {
  // Draws are float64, for which graphs have no use: two words each.
  const block = memory.block({
    ...{ tokens: ints(rows), positions: ints(rows), mask, uniforms: floats(2 * rows) },
  });
  const host = new Uint8Array(new ArrayBuffer(block.bytes));
  const [tokens, positions, slots, uniforms] = block.parts.map(({ start }) => start) as [
    ...[number, number, number, number],
  ];
  return {
    block,
    uniforms: block.address() + BigInt(uniforms),
    write(numbers: StepNumbers) {
      new Int32Array(host.buffer, tokens).set(numbers.tokens);
      new Int32Array(host.buffer, positions).set(numbers.positions);
      new Float32Array(host.buffer, slots).set(numbers.mask.data);
      new Float64Array(host.buffer, uniforms).set(numbers.uniforms);
      memory.upload(block.address(), host);
    },
  };
}

/** A step bound to its arrays. */
interface Frame extends Drawing {
  /** `2·layers` of `[rows, K, D]`: what the step gives to be cached. */
  readonly fresh: Block;
  readonly run: BoundRun;
  write(numbers: StepNumbers): void;
  dispose(): void;
}

type Cache = ReturnType<typeof deviceCache>;

/** Binds a step of `rows` rows on a cache of now. */
async function frameOf(
  { model, device, weights, step }: DevicePolicy,
  { arrays }: Block,
  cache: Cache,
  rows: number,
): Promise<Frame> {
  const { layers, keyValueHeads: K, headSize: D, vocabSize: V } = model.config;
  const { temperature, tokenBias, cos, sin } = arrays as Record<keyof Fixed, DeviceArray>;
  const { block, ...input } = stepBlock(device, rows, cache.mask());
  const made = device.memory.block({ probs: floats(rows, V) });
  const drawn = device.memory.block({ drawn: ints(3, rows) });
  const fresh = alike(device.memory, 2 * layers, [rows, K, D]);
  const blocks = [block, made, drawn, fresh];
  const { tokens, positions, mask } = block.arrays as Record<"tokens" | "positions" | "mask", DeviceArray>;
  const inputs = { tokens, positions, table: { cos, sin }, cache: { ...cache.inputs(), mask } };
  const results = { probs: only(made), ...halvesOf(fresh) };
  const run = await step.bind([weights, inputs, { temperature, tokenBias }], results);
  return {
    ...{ run, probs: made, fresh, drawn, share: 1, ...input },
    dispose() {
      run.release();
      for (const each of blocks) each.dispose();
    },
  };
}

/** Reads the prompts; their keys and values stay where the graph writes them. */
async function readPrompts(
  { model, device, weights, prefill }: DevicePolicy,
  packed: PackedPrompts,
  { temperature, tokenBias }: HostSampler,
) {
  const { layers, keyValueHeads: K, headSize: D, vocabSize: V } = model.config;
  const { tokens, last, image, mask, positions, sizes } = packed;
  const { U, P } = sizes;
  const keysAndValues = alike(device.memory, 2 * layers, [U, K, P, D]);
  const made = device.memory.block({ probs: floats(U, V) });
  const inputs = { tokens, rope: mropeTables(positions, model.config), last, ...(image ? { image } : {}) };
  const results = { probs: only(made), ...halvesOf(keysAndValues) };
  try {
    const run = await prefill.bind([weights, inputs, { temperature, tokenBias }], results);
    await run.run().finally(() => run.release());
  } catch (cause) {
    for (const block of [keysAndValues, made]) block.dispose();
    throw cause;
  }
  return { probs: made, prompt: { keysAndValues, mask } };
}

/** What does not change while prompts are answered. */
type Fixed = Record<"temperature" | "tokenBias" | "cos" | "sin", NdArray>;

/** Keys, values and probabilities where the graphs run. */
export function respondOnDevice(policy: DevicePolicy): StartResponding {
  const { device } = policy;
  const { memory, kernels } = device;
  return async (packed, options) => {
    const sampler = samplerFor(options.decoding, policy.tokenBias);
    const { probs, prompt } = await readPrompts(policy, packed, sampler);
    const rows = packed.sizes.U * options.responses;
    const cache = deviceCache(device, prompt, { responses: options.responses, slots: SLOTS });
    const positions = roundUp(endOf(packed, options), POSITION_STEP);
    const numbers: Fixed = { ...sampler, ...positionTable(positions, policy.model.config) };
    const fixed = memory.block(numbers);
    fixed.write(numbers);
    const draws = drawing(policy, options.decoding);
    let next = packed.next;
    let frame: Frame | undefined;
    const leave = () => {
      kernels.synchronize();
      frame?.dispose();
      frame = undefined;
    };
    return {
      async first(uniforms) {
        const drawn = memory.block({ drawn: ints(3, rows), uniforms: floats(2 * rows) });
        const at = drawn.address() + BigInt(drawn.parts[1]?.start ?? 0);
        const from = { probs, drawn, uniforms: at, share: options.responses };
        memory.upload(at, uniforms);
        draws.queue(from, rows);
        const found = draws.fetch(from, uniforms);
        for (const block of [drawn, probs]) block.dispose();
        return found;
      },
      async step(tokens, uniforms) {
        frame ??= await frameOf(policy, fixed, cache, tokens.length);
        const perUnit = tokens.length / next.length;
        const at = cache.length();
        const positions = tokens.map((_, row) => (next[Math.floor(row / perUnit)] as number) + at);
        frame.write({ tokens, positions, mask: cache.mask(), uniforms });
        await frame.run.run();
        draws.queue(frame, tokens.length);
        const isGrown = cache.append(frame.fresh);
        const drawn = draws.fetch(frame, uniforms);
        if (isGrown) leave();
        return drawn;
      },
      async keep(units, kept) {
        leave();
        cache.keep(units, kept);
        next = units.map((unit) => next[unit] as number);
      },
      dispose() {
        leave();
        for (const { dispose } of [cache, fixed, probs]) dispose();
      },
    };
  };
}
