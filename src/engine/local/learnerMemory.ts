/**
 * @module Where a learner's numbers are, and what an optimizer step, going back and reading them do there: host arrays, or
 * blocks of a device that are placed when they are first needed and then stay.
 */
import { type Arrays, isKept, memoryFor } from "../../compile/runtime/placed.js";
import type { Block, DeviceMemory, RuntimeOptions } from "../../compile/runtime/session.js";
import { CompileError } from "../../core/errors.js";
import { copyInto, copyOf, type Params, zerosLike } from "../../core/ndarray.js";
import { scratchFor, updateBlocks } from "../../optim/adamwBlocks.js";
import { type InPlaceResult, type InPlaceStep, updateInPlace } from "../../optim/adamwInPlace.js";
import type { LearnerState } from "./optimizerFile.js";

/** A learner's numbers. */
export interface LearnerMemory {
  /** Forgets the gradients that were added up. */
  forget(): void;
  /** Clipping and AdamW on what was added up. */
  step(at: InPlaceStep): InPlaceResult;
  /** The learner's host arrays, brought up to date. */
  state(): LearnerState;
  /** Goes on from these numbers. */
  load(state: LearnerState): void;
  /** Remembers parameters and moments of now. */
  keep(): void;
  /** Returns to what was kept. */
  rollback(): void;
  dispose(): void;
}

/** What a learner's graphs read. */
export interface LearnerArrays {
  /** All parameters; those that are trained, and those that are not. */
  readonly all: Arrays;
  readonly trained: Arrays;
  readonly frozen: Arrays;
  /** The policy that training began with, where it is kept. */
  readonly reference: Arrays | undefined;
  /** Sums, by names of trained parameters. */
  readonly gradients: Arrays;
}

/** The host arrays that a learner begins with. */
export interface LearnerStart {
  /** Parameters and moments of what is trained. They are the learner's own, and change. */
  readonly state: LearnerState;
  /** Whether the moments are other numbers than zeros. */
  readonly hasMoments?: boolean;
  /** Parameters that stay. */
  readonly frozen?: Params;
  readonly keepsReference?: boolean;
}

const PARTS = ["params", "first", "second"] as const;

/** Numbers in host arrays. */
export function hostMemory({
  state,
  frozen = {},
  keepsReference = false,
}: LearnerStart): LearnerMemory & LearnerArrays & { readonly gradients: Params } {
  const { params, first, second } = state;
  const all = { ...frozen, ...params };
  const gradients = zerosLike(params);
  let kept: LearnerState | undefined;
  const load = (saved: LearnerState) => {
    for (const part of PARTS) copyInto(state[part], saved[part]);
  };
  return {
    ...{ all, trained: params, frozen, gradients },
    reference: keepsReference ? copyOf(all) : undefined,
    forget() {
      for (const { data } of Object.values(gradients)) data.fill(0);
    },
    step: (at) => updateInPlace(params, gradients, { first, second }, at),
    state: () => state,
    load,
    keep() {
      kept = { params: copyOf(params), first: copyOf(first), second: copyOf(second) };
    },
    rollback() {
      if (kept) load(kept);
    },
    dispose: () => undefined,
  };
}

/** Blocks by name: made on first use, freed together. */
function blocksOf(memory: DeviceMemory) {
  const made = new Map<string, Block>();
  let isClosed = false;
  const keep = (name: string, make: () => Block): Block => {
    if (isClosed) throw new CompileError("learner: used after it was closed");
    const block = made.get(name) ?? make();
    made.set(name, block);
    return block;
  };
  return {
    keep,
    has: (name: string) => made.has(name),
    /** @param from the numbers it has at first; default: zeros */
    get(name: string, like: Params, from?: (block: Block) => void): Block {
      return keep(name, () => {
        const block = memory.block(like);
        from?.(block);
        return block;
      });
    },
    dispose() {
      isClosed = true;
      for (const block of made.values()) block.dispose();
      made.clear();
    },
  };
}

const of = (params: Params) => (block: Block) => block.write(params);

/** Numbers on a device. Host arrays are read when something is placed, and written by `state`. */
function deviceMemory(memory: DeviceMemory, start: LearnerStart): LearnerMemory & LearnerArrays {
  const { frozen: fixed = {} } = start;
  const { params: trained, first, second } = start.state;
  const blocks = blocksOf(memory);
  const params = (): Block => {
    const placed = blocks.get("params", trained, of(trained));
    // At once: later it would be another policy.
    if (start.keepsReference) blocks.get("reference", trained, (block) => block.copyFrom(placed));
    return placed;
  };
  const frozen = () => blocks.get("frozen", fixed, of(fixed));
  const gradients = () => blocks.get("gradients", trained);
  const parts = () => ({
    params: params(),
    first: blocks.get("first", trained, start.hasMoments ? of(first) : undefined),
    second: blocks.get("second", trained, start.hasMoments ? of(second) : undefined),
  });
  const keptOf = (part: (typeof PARTS)[number]) => `kept ${part}`;
  return {
    get all() {
      return { ...frozen().arrays, ...params().arrays };
    },
    get trained() {
      return params().arrays;
    },
    get frozen() {
      return frozen().arrays;
    },
    get reference() {
      params();
      return start.keepsReference
        ? { ...frozen().arrays, ...blocks.get("reference", trained).arrays }
        : undefined;
    },
    get gradients() {
      return gradients().arrays;
    },
    forget() {
      if (blocks.has("gradients")) gradients().clear();
    },
    step(at) {
      const scratch = blocks.keep("scratch", () => scratchFor(memory));
      return updateBlocks(memory, { ...parts(), grads: gradients() }, scratch, at);
    },
    state() {
      for (const part of PARTS) parts()[part].readInto(start.state[part]);
      return start.state;
    },
    load(saved) {
      for (const part of PARTS) parts()[part].write(saved[part]);
    },
    keep() {
      for (const part of PARTS) blocks.get(keptOf(part), trained).copyFrom(parts()[part]);
    },
    rollback() {
      for (const part of PARTS) parts()[part].copyFrom(blocks.get(keptOf(part), trained));
    },
    dispose: () => blocks.dispose(),
  };
}

/** A learner's numbers where graphs of these options run. @returns opens them once */
export function learnerMemory(
  start: LearnerStart,
  runtime: RuntimeOptions,
): () => Promise<LearnerMemory & LearnerArrays> {
  type Opened = Promise<LearnerMemory & LearnerArrays>;
  const open = async (): Opened => {
    const memory = await memoryFor(runtime);
    return memory ? deviceMemory(memory, start) : hostMemory(start);
  };
  // On the host at once: its reference is the policy of now.
  const host = isKept(runtime) ? undefined : hostMemory(start);
  let opened: Opened | undefined;
  return () => {
    opened ??= host ? Promise.resolve(host) : open();
    return opened;
  };
}
