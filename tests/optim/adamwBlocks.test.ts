import { describe, expect, it } from "vitest";
import { findRuntime } from "../../src/compile/runtime/runtime.js";
import type { DeviceMemory } from "../../src/compile/runtime/session.js";
import { copyOf, ndarray, type Params } from "../../src/core/ndarray.js";
import { Rng } from "../../src/core/rng.js";
import { ADAMW_DEFAULTS, adamwScalars, decaysMatrices } from "../../src/optim/adamw.js";
import { scratchFor, updateBlocks } from "../../src/optim/adamwBlocks.js";
import { type InPlaceStep, updateInPlace } from "../../src/optim/adamwInPlace.js";
import { asCard, hasCompiler } from "../support/emulatedCard.js";

const { runtime } = await findRuntime("c");
const host = (await runtime.memory("cpu")) as DeviceMemory;

const SHAPES = { "a.weight": [33, 17], "b.bias": [5], "c.weight": [64, 130], "d.weight": [1, 3], e: [0, 4] };
const PARTS = ["params", "grads", "first", "second"] as const;
type State = Record<(typeof PARTS)[number], Params>;

/** Numbers of many magnitudes; none whose square is subnormal: the runtime makes the host take those for zero. */
function numbers(seed: number): State {
  const rng = Rng.fromSeed(seed).split("adamw");
  const value = () => (rng.uniform() - 0.5) * 10 ** rng.integer(-12, 2);
  const params = (of: () => number): Params =>
    Object.fromEntries(
      Object.entries(SHAPES).map(([name, shape]) => {
        const size = shape.reduce((a, b) => a * b, 1);
        return [name, ndarray(Array.from({ length: size }, of), shape)];
      }),
    );
  return {
    params: params(value),
    grads: params(value),
    first: params(value),
    second: params(() => value() ** 2),
  };
}

const step = (over: Partial<InPlaceStep> = {}): InPlaceStep => ({
  ...adamwScalars(3, 1e-3),
  maxGradNorm: 1,
  options: { ...ADAMW_DEFAULTS, decays: decaysMatrices },
  ...over,
});

/** `state` after a step in blocks of `memory`, and what the step said. */
function inBlocks(memory: DeviceMemory, state: State, at: InPlaceStep) {
  const blockOf = (part: (typeof PARTS)[number]) => {
    const block = memory.block(state[part]);
    block.write(state[part]);
    return [part, block] as const;
  };
  const blocks = Object.fromEntries(PARTS.map(blockOf)) as Parameters<typeof updateBlocks>[1];
  const scratch = scratchFor(memory);
  const found = updateBlocks(memory, blocks, scratch, at);
  const after = Object.fromEntries(
    PARTS.map((part) => {
      const read = copyOf(state[part]);
      blocks[part].readInto(read);
      blocks[part].dispose();
      return [part, read];
    }),
  ) as State;
  scratch.dispose();
  return { found, after };
}

/** The same on host arrays. */
function onHost(state: State, at: InPlaceStep) {
  const after = Object.fromEntries(PARTS.map((part) => [part, copyOf(state[part])])) as State;
  return { found: updateInPlace(after.params, after.grads, after, at), after };
}

describe("updateBlocks in the host's memory", () => {
  it("is updateInPlace to the last bit", () => {
    const state = numbers(1);
    expect(inBlocks(host, state, step())).toEqual(onHost(state, step()));
  });
});

/** Where kernels run here: a card, and the processor that stands for one. */
const cuda = await runtime.memory("cuda").catch(() => undefined);
const CARDS: readonly (readonly [string, DeviceMemory | undefined])[] = [
  ["a card", cuda],
  ["the processor", hasCompiler ? asCard(host) : undefined],
];

describe.each(CARDS)("updateBlocks by kernels on %s", (_, given) => {
  const memory = given as DeviceMemory;
  it.skipIf(!given).each([1, 2, 3])(
    "changes every number as updateInPlace does, to the last bit: seed %d",
    (seed) => {
      const state = numbers(seed);
      const [cut, expected] = [inBlocks(memory, state, step()), onHost(state, step())];
      expect(expected.found.norm).toBeGreaterThan(1);
      expect(cut.found.norm / expected.found.norm).toBeCloseTo(1, 14);
      expect(cut.after).toEqual(expected.after);
    },
  );

  it.skipIf(!given).each([Number.NaN, Number.POSITIVE_INFINITY, 1e30])(
    "changes nothing where a gradient is %d",
    (bad) => {
      const state = numbers(1);
      (state.grads["c.weight"] as Params[string]).data[77] = bad;
      const { found, after } = inBlocks(memory, state, step());
      expect(found.isApplied).toBe(false);
      expect(after).toEqual(state);
    },
  );
});

describe.skipIf(!hasCompiler)("updateBlocks by kernels", () => {
  it("launches once for all parameters that decay alike, and by ranges where neighbours do not", () => {
    const count = (at: InPlaceStep) => {
      const launched: string[] = [];
      const memory = asCard(host, (name) => launched.push(name));
      inBlocks(memory, numbers(1), at);
      return launched;
    };
    expect(count(step({ options: ADAMW_DEFAULTS }))).toEqual(["squares", "fold", "adamw"]);
    expect(count(step())).toEqual(["squares", "fold", "adamw", "adamw", "adamw"]);
  });
});
