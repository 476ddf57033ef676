/**
 * @module On which side of one mark another one stands; four choices. A flip changes the answer unless undone.
 */

import type { Rng } from "../../../core/rng.js";
import { CELL, COLOURS, type Colour, ground, SHAPES, type Shape, shapeMark } from "../ink.js";
import { cellCentre, choicesText, LATTICES, type Lattice, letterOf } from "../layout.js";
import type { Draft } from "../scene.js";

const SIDES = ["left", "right", "above", "below"] as const;

interface Cell {
  readonly row: number;
  readonly column: number;
}

/** Two different cells of one row or of one column. */
function twoInLine({ columns, rows }: Lattice, isRow: boolean, rng: Rng): readonly [Cell, Cell] {
  const along = rng.shuffle(Array.from({ length: isRow ? columns : rows }, (_, at) => at));
  const [first = 0, second = 1] = along;
  const across = rng.integer(0, isRow ? rows : columns);
  const cell = (at: number): Cell => (isRow ? { row: across, column: at } : { row: at, column: across });
  return [cell(first), cell(second)];
}

const sideOf = (a: Cell, b: Cell): (typeof SIDES)[number] => {
  if (a.row === b.row) return a.column < b.column ? "left" : "right";
  return a.row < b.row ? "above" : "below";
};

const placeAloud = ({ row, column }: Cell): string => `row ${row + 1} column ${column + 1}`;

export function relation(rng: Rng): Draft {
  const lattice = rng.pick(LATTICES);
  const [first, second] = twoInLine(lattice, rng.uniform() < 0.5, rng);
  const taken = [first, second];
  const others = Array.from({ length: rng.integer(0, 3) }, () => ({
    row: rng.integer(0, lattice.rows),
    column: rng.integer(0, lattice.columns),
  })).filter((cell, at, all) =>
    [...taken, ...all.slice(0, at)].every((c) => c.row !== cell.row || c.column !== cell.column),
  );
  const colours = rng.shuffle(COLOURS);
  const radius = rng.integer(9, 12);
  const marks = [...taken, ...others].map((cell, at) => {
    const colour: Colour = colours[at] ?? "red";
    const shape: Shape = rng.pick(SHAPES);
    return { ...cell, colour, shape, centre: cellCentre(cell.row, cell.column, 2, rng) };
  });
  const [a, b] = marks;
  if (a === undefined || b === undefined) throw new RangeError("relation: needs two marks");
  const one = `${a.colour} ${a.shape}`;
  const two = `${b.colour} ${b.shape}`;
  const side = sideOf(a, b);
  const choices = rng.shuffle(SIDES);
  const letter = letterOf(choices.indexOf(side));
  const list = choicesText(choices);
  return {
    wordings: [
      `seen from the ${two}, where is the ${one}? ${list}`,
      `where is the ${one}, seen from the ${two}? ${list}`,
      `pick one: ${list}. the ${one} is on which side of the ${two}?`,
      `start at the ${two} and go to the ${one}. which way do you go? ${list}`,
      `on which side of the ${two} is the ${one}? ${list}`,
    ],
    gold: letter,
    reasoning: `${one}: ${placeAloud(a)}. ${two}: ${placeAloud(b)}. it is ${side}. that is ${letter}.`,
    shortcut: { reasoning: "the first choice looks right.", answer: "A" },
    picture: {
      width: lattice.columns * CELL,
      height: lattice.rows * CELL,
      ground: ground(rng),
      elements: [...marks]
        .sort((p, q) => p.row - q.row || p.column - q.column)
        .map((mark) => shapeMark(mark.shape, mark.colour, mark.centre, radius)),
    },
    forbiddenTransforms: ["rotate_90cw", "rotate_90ccw"],
  };
}
