/**
 * @module Hierarchical advantages of Share-GRPO (Eqs. 5–7).
 *
 *     A_glob(i,j) = (r_i^j − mean_all) / std_all        over all m·n responses of the question
 *     A_loc(i,j)  = (r_i^j − mean_j) / std_j            over the n responses of variant j
 *     A(i,j,k)    = A_glob + A_loc  if j = k, else A_glob
 *
 * Names: i rollout, j the variant that produced the response, k the variant whose prompt it is read under.
 *
 * Departures
 * 1. float64 throughout, and a group whose rewards are equal gets exactly 0; the released float32 code gives such
 *    groups up to ±0.056 (all modes; `arithmetic: "float32"` brings that back).
 * 2. n = 1 leaves nothing to compare within a variant: the local term is 0; the released code gives NaN (all modes).
 * 3. `default`: sample standard deviation over the m·n distinct rewards; `code` counts each reward m times, as the
 *    released code does, which makes the global term larger by √((m²n−1)/(m²n−m)); `paper` divides by m·n.
 * 4. `default`, `paper`: with m = 1 the global and the local group are the same and the advantage is GRPO's, once;
 *    `code` adds them and gives twice GRPO's.
 * 5. ε = 1e-6 is added to each standard deviation in `default` and `code`; the paper has none.
 */
import { invariant, ShapeError } from "../core/errors.js";
import { zip } from "../core/zip.js";
import { type Arithmetic, requireFinite, type StdKind, standardise } from "./group.js";

/** How Eqs. 5–7 are computed; `ADVANTAGE_MODES` names three ways. */
export interface HierarchicalOptions {
  /** Divisor of the global variance; the local one is `population` or else `sample`. */
  readonly std: StdKind;
  /** Added to each standard deviation. */
  readonly epsilon: number;
  /** With m = 1, whether the local term is added to the equal global one (twice GRPO's advantage). */
  readonly doubleWhenSingle: boolean;
  /** Which terms of Eq. 7 are used; leaving one out is the ablation of Table 2. */
  readonly terms: "both" | "global" | "local";
  /** `"float64"` unless given; `"float32"` is the released code's, with its artefacts. */
  readonly arithmetic?: Arithmetic;
}

/** The printed equations, the released arithmetic, and the released arithmetic mended. */
export const ADVANTAGE_MODES = {
  paper: { std: "population", epsilon: 0, doubleWhenSingle: false, terms: "both" },
  code: { std: "duplicated", epsilon: 1e-6, doubleWhenSingle: true, terms: "both" },
  default: { std: "sample", epsilon: 1e-6, doubleWhenSingle: false, terms: "both" },
} as const satisfies Record<string, HierarchicalOptions>;
export type AdvantageMode = keyof typeof ADVANTAGE_MODES;

/** Both terms of Eq. 7, per source variant j and rollout i. */
export interface HierarchicalAdvantages {
  readonly global_M_N: readonly (readonly number[])[];
  readonly local_M_N: readonly (readonly number[])[];
}

/** @throws ShapeError unless every variant has the same number of responses, at least one */
function requireRectangle(rewards_M_N: readonly (readonly number[])[]): number {
  const n = rewards_M_N[0]?.length ?? 0;
  if (n === 0 || rewards_M_N.some((rewards_N) => rewards_N.length !== n)) {
    throw new ShapeError(
      `hierarchicalAdvantages: expected the same number of responses (at least 1) for every variant, got [${rewards_M_N.map((rewards_N) => rewards_N.length)}]`,
    );
  }
  return n;
}

/** Sizes of the nested lists in `shape`, filled with 0. */
function zerosLike(values_M_N: readonly (readonly number[])[]): number[][] {
  return values_M_N.map((values_N) => values_N.map(() => 0));
}

/**
 * Global and local advantages of one question's responses.
 * @param rewards_M_N `rewards_M_N[j][i]`, the reward of rollout i of variant j
 * @throws ShapeError when variants have different numbers of responses
 * @throws DataError when a reward is not finite
 */
export function hierarchicalAdvantages(
  rewards_M_N: readonly (readonly number[])[],
  options: HierarchicalOptions = ADVANTAGE_MODES.default,
): HierarchicalAdvantages {
  const n = requireRectangle(rewards_M_N);
  const m = rewards_M_N.length;
  const pooled = rewards_M_N.flat();
  requireFinite("hierarchicalAdvantages", pooled);
  const { std, epsilon, terms, arithmetic = "float64" } = options;

  const pooledAdvantages = standardise(pooled, { std, epsilon, arithmetic, copies: m });
  const global_M_N = rewards_M_N.map((_, j) => pooledAdvantages.slice(j * n, (j + 1) * n));

  const localStd = std === "population" ? "population" : "sample";
  const local_M_N = rewards_M_N.map((rewards_N) =>
    standardise(rewards_N, { std: localStd, epsilon, arithmetic }),
  );

  const addsLocal = terms !== "global" && (m > 1 || terms === "local" || options.doubleWhenSingle);
  return {
    global_M_N: terms === "local" ? zerosLike(global_M_N) : global_M_N,
    local_M_N: addsLocal ? local_M_N : zerosLike(local_M_N),
  };
}

/** A(i,j,k) of Eq. 7: the local term counts only under the response's own variant. */
export function advantageOf(
  advantages: HierarchicalAdvantages,
  at: { readonly j: number; readonly k: number; readonly i: number },
): number {
  const global = advantages.global_M_N[at.j]?.[at.i];
  const local = advantages.local_M_N[at.j]?.[at.i];
  invariant(global !== undefined && local !== undefined, `advantageOf: no response j=${at.j} i=${at.i}`);
  return at.j === at.k ? global + local : global;
}

/** Global plus local per response: what a response carries under its own variant's prompt. */
export function ownAdvantages(advantages: HierarchicalAdvantages): number[][] {
  return zip(advantages.global_M_N, advantages.local_M_N).map(([global_N, local_N]) =>
    zip(global_N, local_N).map(([global, local]) => global + local),
  );
}
