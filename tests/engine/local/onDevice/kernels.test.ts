import koffi from "koffi";
import { describe, expect, it } from "vitest";
import { hostSpace } from "../../../../src/compile/runtime/capi/addressSpace.js";
import { kernelQueue } from "../../../../src/compile/runtime/deviceKernel.js";
import type { AddressSpace } from "../../../../src/compile/runtime/session.js";
import { Rng } from "../../../../src/core/rng.js";
import { APPEND_SLOT, GATHER_ROWS } from "../../../../src/engine/local/onDevice/cacheKernels.js";
import { DRAW_ROWS, DRAW_THREADS } from "../../../../src/engine/local/onDevice/drawKernel.js";
import { argmax, MARGIN, sampleToken } from "../../../../src/engine/local/sampling.js";
import { emulatedCard, hasCompiler } from "../../../support/emulatedCard.js";

/** Memory that does not move, and its address. */
function memoryOf<T extends Float32Array | Float64Array | Int32Array>(values: T) {
  const data = new (values.constructor as new (length: number) => T)(values.length);
  data.set(values);
  return { data, at: koffi.address(new Uint8Array(data.buffer)) };
}

/** Fewer threads of a row, which are fibers here: the text is the same. */
const THREADS = 64;
const DRAW = {
  ...DRAW_ROWS,
  source: DRAW_ROWS.source.replace(`#define THREADS ${DRAW_THREADS}`, `#define THREADS ${THREADS}`),
};

const host = hostSpace({ koffi });
const spaces: [string, boolean, AddressSpace][] = [
  ["TypeScript", true, host],
  ["CUDA C++", hasCompiler, { ...host, card: emulatedCard(host) }],
];

describe.each(spaces)("kernels in %s", (_name, isPossible, space) => {
  const { launch: run } = kernelQueue(space);

  it.runIf(isPossible)("put fresh keys and values of all layers into their slot", () => {
    // Two parts, 3 words apart from the next; 2 rows, 3 slots of 2 words.
    const cache = memoryOf(new Int32Array(30));
    const fresh = memoryOf(Int32Array.of(1, 2, 3, 4, 0, 5, 6, 7, 8, 0));
    run(
      APPEND_SLOT,
      { blocks: 2, threads: 3 },
      {
        ...{ cache: cache.at, cacheStride: 15, fresh: fresh.at, freshStride: 5 },
        ...{ parts: 2, rows: 2, slots: 3, words: 2, slot: 1 },
      },
    );
    const part = (a: number[], b: number[]) => [0, 0, ...a, 0, 0, 0, 0, ...b, 0, 0, 0, 0, 0];
    expect([...cache.data]).toEqual([...part([1, 2], [3, 4]), ...part([5, 6], [7, 8])]);
  });

  it.runIf(isPossible)("gather rows of every part, in any order and more than once", () => {
    const from = memoryOf(Int32Array.of(1, 2, 3, 4, 5, 6, 0, 11, 12, 13, 14, 15, 16, 0));
    const to = memoryOf(new Int32Array(16));
    const indices = memoryOf(Int32Array.of(2, 0, 2));
    run(
      GATHER_ROWS,
      { blocks: 1, threads: 4 },
      {
        ...{ to: to.at, toStride: 8, toWords: 2, from: from.at, fromStride: 7 },
        ...{ indices: indices.at, parts: 2, count: 3, words: 2 },
      },
    );
    expect([...to.data]).toEqual([5, 6, 1, 2, 5, 6, 0, 0, 15, 16, 11, 12, 15, 16, 0, 0]);
  });

  it.runIf(isPossible)("move rows to where there is room after each", () => {
    const from = memoryOf(Int32Array.of(1, 2, 3, 4, 0, 11, 12, 13, 14, 0));
    const to = memoryOf(new Int32Array(14));
    const indices = memoryOf(Int32Array.of(0, 1));
    run(
      GATHER_ROWS,
      { blocks: 2, threads: 3 },
      {
        ...{ to: to.at, toStride: 7, toWords: 3, from: from.at, fromStride: 5 },
        ...{ indices: indices.at, parts: 2, count: 2, words: 2 },
      },
    );
    expect([...to.data]).toEqual([1, 2, 0, 3, 4, 0, 0, 11, 12, 0, 13, 14, 0, 0]);
  });

  interface Draws {
    readonly uniforms: readonly number[];
    readonly topP?: number;
    readonly topK?: number;
    readonly isGreedy?: boolean;
    readonly margin?: number;
    readonly share?: number;
  }

  function draw(
    rows: readonly (readonly number[])[],
    { uniforms, margin = MARGIN, share = 1, ...how }: Draws,
  ) {
    const [first = []] = rows;
    const probs = memoryOf(Float32Array.from(rows.flat()));
    const given = memoryOf(Float64Array.from(uniforms));
    const drawn = memoryOf(new Int32Array(3 * uniforms.length).fill(-7));
    run(
      DRAW,
      { blocks: uniforms.length, threads: THREADS },
      {
        ...{ probs: probs.at, uniforms: given.at, drawn: drawn.at, rows: uniforms.length, V: first.length },
        ...{ share, topP: 1, topK: 0, margin, ...how, isGreedy: Number(how.isGreedy ?? false) },
      },
    );
    const p = new Float32Array(drawn.data.buffer, 4 * uniforms.length, uniforms.length);
    return uniforms.map((_, row) => ({
      token: drawn.data[row] as number,
      p: p[row] as number,
      isFlagged: drawn.data[2 * uniforms.length + row] as number,
    }));
  }

  it.runIf(isPossible)("draw from the row that a response shares, and leave rows that want nothing", () => {
    const rows = [
      [0.5, 0.25, 0.25, 0],
      [0, 0, 0.125, 0.875],
    ];
    expect(draw(rows, { uniforms: [0.1, 0.6, Number.NaN, 0.2], share: 2 })).toEqual([
      { token: 0, p: 0.5, isFlagged: 0 },
      { token: 1, p: 0.25, isFlagged: 0 },
      { token: -7, p: expect.anything(), isFlagged: -7 },
      { token: 3, p: 0.875, isFlagged: 0 },
    ]);
  });

  it.runIf(isPossible)("flag rows where rounding decides, and only those", () => {
    const row = [0.5, 0.25, 0.25, 0];
    const flags = (draws: Omit<Draws, "uniforms">, uniforms: number[]) =>
      draw(
        uniforms.map(() => row),
        { ...draws, uniforms },
      ).map(({ isFlagged }) => isFlagged);
    expect(flags({}, [0.5, 0.5 + 1e-11, 0.5 + 1e-9, 0.3])).toEqual([1, 1, 0, 0]);
    expect(flags({ margin: 0.1 }, [0.45, 0.3, 0.8])).toEqual([1, 0, 1]);
    expect(flags({ topP: 0.75 }, [0.3])).toEqual([1]); // two tokens reach it exactly
    expect(flags({ topP: 0.7 }, [0.3, 2 / 3])).toEqual([0, 1]);
    expect(flags({ topK: 2 }, [0.3, 2 / 3])).toEqual([0, 1]);
    expect(flags({ isGreedy: true }, [0])).toEqual([0]);
  });

  it.runIf(isPossible)("give the tokens of the host's sampler for rows and cuts of every kind", () => {
    const rng = Rng.fromSeed(11);
    const kinds: Record<string, (token: number) => number> = {
      spread: () => Math.exp(rng.normal() * 3),
      flat: (token) => 1 + 1e-7 * token,
      equal: () => 1,
      steep: (token) => 2 ** -token,
      sparse: (token) => (token % 7 === 0 ? rng.uniform() : 0),
      late: (token) => (token > 900 ? 1 : 1e-30),
    };
    const cuts = [
      { isGreedy: true },
      {},
      { topP: 0.95 },
      { topP: 0.5 },
      { topK: 40 },
      { topP: 0.9, topK: 20 },
      { topP: 0.25, topK: 3000 },
    ];
    let flagged = 0;
    for (const weigh of Object.values(kinds)) {
      for (const V of [1, 37, 1003]) {
        const weights = Array.from({ length: V }, (_, token) => weigh(token));
        const sum = weights.reduce((a, b) => a + b, 0);
        const row = Array.from(Float32Array.from(weights, (weight) => weight / sum));
        const p = Float32Array.from(row);
        for (const cut of cuts) {
          const uniforms = [rng.uniform(), rng.uniform(), rng.uniform(), 1 - 2 ** -53];
          const all = draw([row], { uniforms, ...cut, share: uniforms.length });
          for (const [at, got] of all.entries()) {
            if (at < 3) flagged += got.isFlagged;
            if (got.isFlagged === 1) continue;
            const truncation = { topP: 1, topK: 0, ...cut };
            const token = cut.isGreedy ? argmax(p) : sampleToken(p, uniforms[at] as number, truncation);
            expect(got).toEqual({ token, p: p[token], isFlagged: 0 });
          }
        }
      }
    }
    // Of 378, not counting those at the very end of their row: a share of 1/2, which a steep row's first token is.
    expect(flagged).toBeLessThan(10);
  });

  it.runIf(isPossible)("flag a row with a number that is none", () => {
    expect(draw([[0.5, Number.NaN, 0.5]], { uniforms: [0.7] })[0]?.isFlagged).toBe(1);
  });
});
