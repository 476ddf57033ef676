/**
 * @module A rectangle with one side in units and one side named by a letter: perimeter or area as an expression.
 */

import type { Rng } from "../../../core/rng.js";
import { CELL, COLOURS, glyphMark, ground, INK, line, rectangle as rectangleMark } from "../ink.js";
import type { Draft } from "../scene.js";

const LETTERS = ["x", "y", "n"] as const;

/** The hurried person always multiplies the sides; in this share of scenes the area is asked. */
const AREA = 0.3;

export function rectangle(rng: Rng): Draft {
  const units = rng.integer(2, 6);
  const letter = rng.pick(LETTERS);
  const isArea = rng.uniform() < AREA;
  const high = rng.integer(2, 4);
  const columns = Math.max(4, units + 1) + (units < 5 ? rng.integer(0, 2) : 0);
  const rows = 4;
  const left = rng.integer(1, columns - units + 1) * CELL;
  const top = rng.integer(0, rows - high + 1) * CELL;
  const inset = 4;
  const colour = rng.pick(COLOURS);
  const box = rectangleMark(
    { x: left + 2, y: top + inset },
    units * CELL - 4,
    high * CELL - 2 * inset,
    `fill="${INK[colour]}" stroke="${INK.black}" stroke-width="4"`,
  );
  const ticks = Array.from({ length: units - 1 }, (_, at) => {
    const x = left + (at + 1) * CELL;
    return line({ x, y: top + inset }, { x, y: top + inset + 14 }, 4, INK.black, "tick");
  });
  const name = glyphMark(
    letter,
    { x: left - CELL / 2, y: top + (high * CELL) / 2 + rng.integer(-4, 5) },
    rng.integer(20, 25),
    INK.black,
  );
  const gold = isArea ? `${units}${letter}` : `2${letter}+${2 * units}`;
  const what = isArea ? "area" : "perimeter";
  const worked = isArea ? `area: ${units}*${letter}=${gold}.` : `perimeter: 2*${letter}+2*${units}=${gold}.`;
  return {
    wordings: [
      `the side is ${letter}, the top is marked in units. what is the ${what} of the rectangle?`,
      `what is the ${what} of the rectangle, if its side is ${letter} and its top is marked in units?`,
      `give the ${what} of the rectangle as an expression in ${letter}. the top is marked in units.`,
      `the top shows its units and the side is ${letter}. find the ${what}.`,
      `call the side ${letter} and count the units of the top. what ${what} does the rectangle have?`,
    ],
    gold,
    reasoning: `the top has ${units} units. the side is ${letter}. ${worked}`,
    shortcut: { reasoning: `${units} and ${letter} make ${units}${letter}.`, answer: `${units}${letter}` },
    picture: {
      width: columns * CELL,
      height: rows * CELL,
      ground: ground(rng),
      elements: [box, ...ticks, name],
    },
  };
}
