/**
 * @module How many more marks of one colour than of another.
 */

import type { Rng } from "../../../core/rng.js";
import { CELL, COLOURS, ground, SHAPES, shapeMark } from "../ink.js";
import { countRows, LATTICES, type Mark, scatter, sumAloud } from "../layout.js";
import type { Draft } from "../scene.js";

/** The hurried person forgets to subtract; in this share of scenes there is nothing to subtract. */
const NOTHING_TO_SUBTRACT = 0.22;

export function difference(rng: Rng): Draft {
  const lattice = rng.pick(LATTICES);
  const [more = "red", fewer = "blue", other = "green"] = rng.shuffle(COLOURS);
  const gold = rng.integer(1, 5);
  const few = rng.uniform() < NOTHING_TO_SUBTRACT ? 0 : rng.integer(1, 4);
  const many = few + gold;
  const shape = rng.pick(SHAPES);
  const colours = [
    ...Array.from({ length: many }, () => more),
    ...Array.from({ length: few }, () => fewer),
    ...Array.from({ length: rng.integer(0, 3) }, () => other),
  ];
  const marks = colours.map((colour): Mark => ({ colour, shape }));
  const placed = scatter(marks, lattice, rng);
  const rowsOf = (colour: string) => countRows(placed, lattice.rows, (mark) => mark.colour === colour);
  const radius = rng.integer(9, 12);
  return {
    wordings: [
      `how many more ${more} shapes than ${fewer} shapes are there?`,
      `there are more ${more} shapes than ${fewer} shapes. how many more?`,
      `count the ${more} shapes, then take away the number of ${fewer} shapes. what is left?`,
      `what is the number of ${more} shapes minus the number of ${fewer} shapes?`,
      `by how many do the ${more} shapes outnumber the ${fewer} shapes?`,
      `take the ${fewer} count from the ${more} count. what number do you get?`,
    ],
    gold: String(gold),
    reasoning: `${more}: ${sumAloud(rowsOf(more))}. ${fewer}: ${sumAloud(rowsOf(fewer))}. ${many}-${few}=${gold}.`,
    shortcut: { reasoning: `i see ${many} ${more} shapes.`, answer: String(many) },
    picture: {
      width: lattice.columns * CELL,
      height: lattice.rows * CELL,
      ground: ground(rng),
      elements: placed.map((mark) => shapeMark(mark.shape, mark.colour, mark.centre, radius)),
    },
  };
}
