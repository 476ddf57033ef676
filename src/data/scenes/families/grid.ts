/**
 * @module Which colour a cell has, given its row and column; four choices.
 */

import type { Rng } from "../../../core/rng.js";
import { CELL, COLOURS, type Colour, ground, INK, rectangle } from "../ink.js";
import { choicesText, integerExcept, letterOf } from "../layout.js";
import type { Draft } from "../scene.js";

/** The hurried person swaps row and column; in this share of scenes that makes no difference to the place. */
const SAME_ROW_AND_COLUMN = 0.1;

export function grid(rng: Rng): Draft {
  const size = rng.integer(3, 5);
  const canvas = { columns: rng.integer(4, 6), rows: 4 };
  const left = rng.integer(0, canvas.columns - size + 1);
  const top = rng.integer(0, canvas.rows - size + 1);
  const row = rng.integer(0, size);
  const column = rng.uniform() < SAME_ROW_AND_COLUMN ? row : integerExcept(0, size, row, rng);
  const colours = Array.from({ length: size }, () =>
    Array.from({ length: size }, (): Colour => rng.pick(COLOURS)),
  );
  const colourAt = (r: number, c: number): Colour => colours[r]?.[c] ?? "red";
  const colour = colourAt(row, column);
  const swapped = colourAt(column, row);
  const choices = rng.shuffle(COLOURS);
  const letter = letterOf(choices.indexOf(colour));
  const list = choicesText(choices);
  const place = `row ${row + 1}, column ${column + 1}`;
  const elements = colours.flatMap((line, r) =>
    line.map((fill, c) =>
      rectangle(
        { x: (left + c) * CELL + 2, y: (top + r) * CELL + 2 },
        CELL - 4,
        CELL - 4,
        `fill="${INK[fill]}" data-mark="${fill} cell"`,
      ),
    ),
  );
  return {
    wordings: [
      `which colour is at ${place}? ${list}`,
      `what is the colour of the cell at ${place}? ${list}`,
      `pick one: ${list}. which colour has the cell in ${place}?`,
      `look at column ${column + 1} in row ${row + 1}. which colour is the cell? ${list}`,
      `go to column ${column + 1}, row ${row + 1}. what colour do you see? ${list}`,
    ],
    gold: letter,
    reasoning: `row ${row + 1} is ${(colours[row] ?? []).join(", ")}. column ${column + 1} is ${colour}. that is ${letter}.`,
    shortcut: { reasoning: `the cell looks ${swapped}.`, answer: letterOf(choices.indexOf(swapped)) },
    picture: { width: canvas.columns * CELL, height: canvas.rows * CELL, ground: ground(rng), elements },
    forbiddenTransforms: ["rotate_90cw", "rotate_90ccw"],
  };
}
