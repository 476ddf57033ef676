/**
 * @module Which part of a divided rectangle is shaded, as a reduced fraction.
 */

import type { Rng } from "../../../core/rng.js";
import { CELL, COLOURS, ground, INK, rectangle } from "../ink.js";
import { sumAloud } from "../layout.js";
import type { Draft } from "../scene.js";

const DIVISIONS = [
  { columns: 2, rows: 2 },
  { columns: 4, rows: 1 },
  { columns: 5, rows: 1 },
  { columns: 3, rows: 2 },
  { columns: 2, rows: 3 },
  { columns: 4, rows: 2 },
  { columns: 3, rows: 3 },
  { columns: 5, rows: 2 },
] as const;

/** The hurried person says a half; in this share of the even divisions it is. */
const ONE_HALF = 0.3;

const greatestCommonDivisor = (a: number, b: number): number =>
  b === 0 ? a : greatestCommonDivisor(b, a % b);

const fractionText = (part: number, whole: number): string => `\\frac{${part}}{${whole}}`;

export function fraction(rng: Rng): Draft {
  const { columns, rows } = rng.pick(DIVISIONS);
  const whole = columns * rows;
  const isHalf = whole % 2 === 0 && rng.uniform() < ONE_HALF;
  const part = isHalf ? whole / 2 : rng.integer(1, whole);
  const colour = rng.pick(COLOURS);
  const shaded = rng.shuffle(Array.from({ length: whole }, (_, cell) => cell < part));
  const canvas = { columns: Math.max(4, columns), rows: 4 };
  const left = rng.integer(0, canvas.columns - columns + 1);
  const top = rng.integer(0, canvas.rows - rows + 1);
  const elements = shaded.map((isShaded, cell) =>
    rectangle(
      { x: (left + (cell % columns)) * CELL + 1.5, y: (top + Math.floor(cell / columns)) * CELL + 1.5 },
      CELL - 3,
      CELL - 3,
      `fill="${isShaded ? INK[colour] : INK.white}" stroke="${INK.black}" stroke-width="3" data-mark="${isShaded ? colour : "plain"} cell"`,
    ),
  );
  const byRow = Array.from(
    { length: rows },
    (_, row) => shaded.slice(row * columns, (row + 1) * columns).filter(Boolean).length,
  );
  const divisor = greatestCommonDivisor(part, whole);
  const reduced = `${part / divisor}/${whole / divisor}`;
  const worked = divisor === 1 ? reduced : `${part}/${whole}=${reduced}`;
  const counts = rows === 1 ? `${part}` : sumAloud(byRow);
  return {
    wordings: [
      `what part of the cells is ${colour}? give a reduced fraction.`,
      `as a reduced fraction, what part of the cells is ${colour}?`,
      `some cells are ${colour}. what fraction of all cells is that? reduce it.`,
      `give the reduced fraction of cells that are ${colour}.`,
      `which fraction of the picture's cells has the colour ${colour}? reduce your answer.`,
    ],
    gold: fractionText(part / divisor, whole / divisor),
    reasoning: `${colour}: ${counts}. all: ${columns}*${rows}=${whole}. ${worked}.`,
    shortcut: { reasoning: `about half is ${colour}.`, answer: fractionText(1, 2) },
    picture: { width: canvas.columns * CELL, height: canvas.rows * CELL, ground: ground(rng), elements },
  };
}
