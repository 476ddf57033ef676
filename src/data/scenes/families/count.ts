/**
 * @module How many marks of a colour or of a shape are there, among others.
 */

import type { Rng } from "../../../core/rng.js";
import { CELL, COLOURS, ground, SHAPES, shapeMark } from "../ink.js";
import { countRows, LATTICES, type Mark, scatter, sumAloud } from "../layout.js";
import type { Draft } from "../scene.js";

/** The hurried person counts everything; in this share of scenes there is nothing else to count. */
const ALL_ASKED = 0.22;

export function count(rng: Rng): Draft {
  const lattice = rng.pick(LATTICES);
  const byColour = rng.uniform() < 0.6;
  const colour = rng.pick(COLOURS);
  const shape = rng.pick(SHAPES);
  const isAsked = (mark: Mark) => (byColour ? mark.colour === colour : mark.shape === shape);
  const asked = rng.integer(1, 6);
  const others = rng.uniform() < ALL_ASKED ? 0 : rng.integer(1, 6);
  const otherColours = COLOURS.filter((c) => c !== colour);
  const otherShapes = SHAPES.filter((s) => s !== shape);
  const marks = Array.from({ length: asked + others }, (_, at): Mark => {
    if (at < asked)
      return byColour ? { colour, shape: rng.pick(SHAPES) } : { colour: rng.pick(COLOURS), shape };
    return byColour
      ? { colour: rng.pick(otherColours), shape: rng.pick(SHAPES) }
      : { colour: rng.pick(COLOURS), shape: rng.pick(otherShapes) };
  });
  const placed = scatter(marks, lattice, rng);
  const radius = rng.integer(9, 12);
  const what = byColour ? `${colour} shapes` : `${shape}s`;
  const rows = countRows(placed, lattice.rows, isAsked);
  const total = asked + others;
  return {
    wordings: [
      `how many ${what} are there?`,
      `count the ${what}. how many do you see?`,
      `what is the number of ${what} in the picture?`,
      `look at the picture and count all ${what}.`,
      `in this picture, how many ${what} can you find?`,
      `tell me how many of the shapes are ${byColour ? colour : what}.`,
    ],
    gold: String(asked),
    reasoning: `${what} by row: ${sumAloud(rows)}.`,
    shortcut: { reasoning: `i see ${total} shapes.`, answer: String(total) },
    picture: {
      width: lattice.columns * CELL,
      height: lattice.rows * CELL,
      ground: ground(rng),
      elements: placed.map((mark) => shapeMark(mark.shape, mark.colour, mark.centre, radius)),
    },
  };
}
