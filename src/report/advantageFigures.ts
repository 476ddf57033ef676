/**
 * @module What advantage sharing looks like: rewards of m × n responses, the terms of Eq. 7, the m·m·n pairs, and the
 * chance that a group is valid.
 */
import { validProbability } from "../advantage/validProbability.js";
import type { Pair } from "../records.js";
import { COLOURS, type Figure } from "./figure.js";
import { type Grid, matrixFigure } from "./matrixFigure.js";
import { formatNumber } from "./table.js";

function grid(title: string, values_M_N: readonly (readonly number[])[]): Grid {
  return {
    title,
    values: values_M_N,
    rows: values_M_N.map((_, j) => `variant ${j + 1}`),
    columns: (values_M_N[0] ?? []).map((_, i) => String(i + 1)),
  };
}

/** Rewards as a grid: a row per variant, a column per response. */
export function rewardGrid(rewards_M_N: readonly (readonly number[])[], title = "Rewards"): Figure {
  return matrixFigure([grid("", rewards_M_N)], {
    title,
    scale: "reward",
    colours: "share",
    limit: 1,
    digits: 1,
  });
}

/** Grids of advantages under one colour scale, by name: `{ "GRPO": …, "global": … }`. */
export function advantageGrids(
  advantages: Readonly<Record<string, readonly (readonly number[])[]>>,
  title: string,
): Figure {
  const grids = Object.entries(advantages).map(([name, values_M_N]) => grid(name, values_M_N));
  return matrixFigure(grids, { title, scale: "advantage", digits: 2 });
}

/** All pairs of a question: a row per prompt k, a column per response (j, i); own-variant blocks are framed. */
export function pairsFigure(pairs: readonly Pair[], title = "The m·m·n pairs"): Figure {
  const m = 1 + Math.max(...pairs.map(({ k }) => k));
  const n = 1 + Math.max(...pairs.map(({ i }) => i));
  const values = Array.from({ length: m }, () => new Array<number>(m * n).fill(0));
  for (const { j, k, i, advantage } of pairs) {
    const row = values[k];
    if (row) row[j * n + i] = advantage;
  }
  const all: Grid = {
    title: "column j.i: the i-th response of variant j; framed: own variant, global + local",
    values,
    rows: values.map((_, k) => `prompt ${k + 1}`),
    columns: (values[0] ?? []).map((_, at) => `${Math.floor(at / n) + 1}.${(at % n) + 1}`),
  };
  const frames = values.map((_, k) => ({ row: k, column: k * n, rows: 1, columns: n }));
  return matrixFigure([all], { title, scale: "advantage", digits: m * m * n <= 64 ? 1 : 0, frames });
}

/** A group whose chance of being valid is drawn: how the success rates of its variants follow from p. */
export interface ValidityCurve {
  readonly name: string;
  /** Success rate of each variant, where the original's is p. */
  readonly rates: (p: number) => readonly number[];
  /** Responses per variant. */
  readonly n: number;
  /** Counted shares at some p, drawn as points. */
  readonly counted?: readonly { readonly p: number; readonly share: number }[];
}

const STEPS = 100;
const LINES = [COLOURS.blue, COLOURS.vermillion, COLOURS.green, COLOURS.purple, COLOURS.orange] as const;

/** P(valid) over the success rate p, exact as lines, counted as points. */
export function validityFigure(curves: readonly ValidityCurve[], title: string): Figure {
  const p_P = Array.from({ length: STEPS + 1 }, (_, at) => at / STEPS);
  const exact = curves.map(({ rates, n }) => p_P.map((p) => validProbability(rates(p), n)));
  const colourOf = (at: number) => LINES[at % LINES.length] ?? COLOURS.grey;
  const lines = curves.map(({ name }, at) => ({
    type: "scatter",
    mode: "lines",
    name,
    x: p_P,
    y: exact[at] ?? [],
    line: { color: colourOf(at), width: 2 },
  }));
  const points = curves.flatMap(({ name, counted }, at) =>
    counted
      ? [
          {
            type: "scatter",
            mode: "markers",
            name: `${name}, counted`,
            showlegend: false,
            x: counted.map(({ p }) => p),
            y: counted.map(({ share }) => share),
            marker: { color: colourOf(at), size: 7, line: { color: "#ffffff", width: 1 } },
          },
        ]
      : [],
  );
  const rows = p_P.flatMap((p, at) =>
    at % 10 === 0
      ? [[p.toFixed(1), ...exact.map((values) => formatNumber(Number((values[at] ?? 0).toFixed(4))))]]
      : [],
  );
  return {
    id: "validity",
    title,
    caption: "Lines: exact; points: counted in drawn groups.",
    data: [...lines, ...points],
    layout: {
      xaxis: { title: { text: "success rate p of the original question" }, range: [0, 1] },
      yaxis: { title: { text: "P(valid group)" }, range: [0, 1.02] },
    },
    table: { head: ["p", ...curves.map(({ name }) => name)], rows },
  };
}
