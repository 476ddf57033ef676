/**
 * @module Two dice: add them or multiply them.
 */

import type { Rng } from "../../../core/rng.js";
import { CELL, COLOURS, ground, INK, type Point, rectangle } from "../ink.js";
import { integerExcept } from "../layout.js";
import type { Draft } from "../scene.js";

/** A die covers two by two cells. */
const DIE = 2 * CELL;

/** The hurried person reads one die and doubles it; in this share of scenes both dice are alike. */
const ALIKE = 0.2;

/** Where the pips of 1 … 6 stand, in thirds from the middle. */
const PIPS: readonly (readonly (readonly [number, number])[])[] = [
  [],
  [[0, 0]],
  [
    [-1, -1],
    [1, 1],
  ],
  [
    [-1, -1],
    [0, 0],
    [1, 1],
  ],
  [
    [-1, -1],
    [1, -1],
    [-1, 1],
    [1, 1],
  ],
  [
    [-1, -1],
    [1, -1],
    [0, 0],
    [-1, 1],
    [1, 1],
  ],
  [
    [-1, -1],
    [1, -1],
    [-1, 0],
    [1, 0],
    [-1, 1],
    [1, 1],
  ],
];

function drawDie(pips: number, corner: Point, colour: string, name: string): string[] {
  const face = rectangle(
    { x: corner.x + 3, y: corner.y + 3 },
    DIE - 6,
    DIE - 6,
    `rx="8" fill="${INK.white}" stroke="${INK.black}" stroke-width="3" data-mark="${name} die"`,
  );
  const dots = (PIPS[pips] ?? []).map(
    ([across, down]) =>
      `<circle cx="${corner.x + DIE / 2 + 14 * across}" cy="${corner.y + DIE / 2 + 14 * down}" r="5.5" fill="${colour}" data-mark="${name} pip"/>`,
  );
  return [face, ...dots];
}

export function dice(rng: Rng): Draft {
  const isSideBySide = rng.uniform() < 0.6;
  const [one, two] = isSideBySide ? (["left", "right"] as const) : (["top", "bottom"] as const);
  const a = rng.integer(1, 7);
  const b = rng.uniform() < ALIKE ? a : integerExcept(1, 7, a, rng);
  const isSum = rng.uniform() < 0.5;
  const along = rng.integer(4, 6);
  const across = 4;
  const gap = along * CELL - 2 * DIE;
  const shift = rng.integer(0, 3) * CELL;
  const place = (at: number): Point => {
    const [x, y] = isSideBySide ? [at, shift] : [shift, at];
    return { x: x + rng.integer(-2, 3), y: y + rng.integer(-2, 3) };
  };
  const [cornerA, cornerB] = [place(0), place(DIE + gap)];
  const colour = INK[rng.pick(["black", ...COLOURS.filter((c) => c !== "yellow")] as const)];
  const result = isSum ? a + b : a * b;
  const name = isSum ? "sum" : "product";
  const verb = isSum ? "add" : "multiply";
  return {
    wordings: [
      `what is the ${name} of the two dice?`,
      `${verb} the two dice. what number do you get?`,
      `two dice are shown. give the ${name} of their numbers.`,
      `read both dice and ${verb} them. what is the ${name}?`,
      `if you ${verb} the numbers on the dice, what is the answer?`,
    ],
    gold: String(result),
    reasoning: `${one} die ${a}, ${two} die ${b}. ${a}${isSum ? "+" : "*"}${b}=${result}.`,
    shortcut: { reasoning: `two dice with ${a} make ${2 * a}.`, answer: String(2 * a) },
    picture: {
      width: (isSideBySide ? along : across) * CELL,
      height: (isSideBySide ? across : along) * CELL,
      ground: ground(rng),
      elements: [...drawDie(a, cornerA, colour, one), ...drawDie(b, cornerB, colour, two)],
    },
  };
}
