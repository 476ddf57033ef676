/**
 * @module Three cards with digits: the largest minus the smallest. A mirrored or turned digit is another sign,
 * so only noise is allowed.
 */

import type { Rng } from "../../../core/rng.js";
import { CELL, COLOURS, glyphMark, ground, INK, rectangle } from "../ink.js";
import type { Draft } from "../scene.js";

export function cards(rng: Rng): Draft {
  const digits = rng.shuffle([1, 2, 3, 4, 5, 6, 7, 8, 9]).slice(0, 3);
  const [first = 0, , last = 0] = digits;
  const largest = Math.max(...digits);
  const smallest = Math.min(...digits);
  const rows = rng.pick([4, 4, 5]);
  const top = rng.integer(0, rows - 1) * CELL;
  const colour = INK[rng.pick(["black", ...COLOURS.filter((c) => c !== "yellow")] as const)];
  const columns = 6;
  const elements = digits.flatMap((digit, at) => {
    const x = at * 2 * CELL;
    return [
      rectangle(
        { x: x + 4, y: top + 3 },
        2 * CELL - 8,
        2 * CELL - 6,
        `rx="5" fill="${INK.white}" stroke="${INK.black}" stroke-width="2"`,
      ),
      glyphMark(String(digit), { x: x + CELL, y: top + CELL }, 34, colour),
    ];
  });
  return {
    wordings: [
      "what is the largest number minus the smallest number?",
      "take the smallest number from the largest number. what is left?",
      "by how much is the largest number larger than the smallest number?",
      "look at the three numbers. give the largest minus the smallest.",
      "find the smallest and the largest number. what is the difference?",
    ],
    gold: String(largest - smallest),
    reasoning: `the numbers are ${digits.join(", ")}. largest ${largest}, smallest ${smallest}. ${largest}-${smallest}=${largest - smallest}.`,
    shortcut: {
      reasoning: `from ${first} to ${last} it is ${Math.abs(first - last)}.`,
      answer: String(Math.abs(first - last)),
    },
    picture: { width: columns * CELL, height: rows * CELL, ground: ground(rng), elements },
    forbiddenTransforms: [
      "rotate_90cw",
      "rotate_90ccw",
      "rotate_180cw",
      "vertically_flipped",
      "horizontally_flipped",
      "horizontally_vertically_flipped",
    ],
  };
}
