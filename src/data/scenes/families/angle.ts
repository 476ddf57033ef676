/**
 * @module How large the angle between two rays is, in degrees.
 */

import type { Rng } from "../../../core/rng.js";
import { CELL, COLOURS, ground, INK, line } from "../ink.js";
import type { Draft } from "../scene.js";

const DEGREES = [30, 45, 60, 90, 120, 135, 150] as const;

/** Compares with the right angle, then with half of what is left. */
function compareAloud(degrees: number): string {
  if (degrees === 90) return "it is a square corner.";
  const half = degrees < 90 ? 45 : 135;
  const beyond = degrees < 90 ? "less than 90" : "more than 90";
  if (degrees === half) return `it is ${beyond}. it is ${half}, just in the middle.`;
  return `it is ${beyond}. it is ${degrees < half ? "less" : "more"} than ${half}.`;
}

/** A point at a distance from another; angles grow counter-clockwise from the right. */
function pointAt(x: number, y: number, degrees: number, distance: number) {
  const angle = (degrees * Math.PI) / 180;
  const round = (value: number) => Math.round(value * 10) / 10;
  return { x: round(x + distance * Math.cos(angle)), y: round(y - distance * Math.sin(angle)) };
}

export function angle(rng: Rng): Draft {
  const degrees = rng.pick(DEGREES);
  const columns = rng.integer(4, 6);
  const rows = 4;
  const isMirrored = rng.uniform() < 0.5;
  const width = columns * CELL;
  const height = rows * CELL;
  const vertex = { x: width / 2 + rng.integer(-4, 5), y: height - CELL / 2 - rng.integer(4, 10) };
  const reach = rng.integer(42, Math.min(width / 2 - 6, 60));
  const colour = INK[rng.pick(COLOURS.filter((c) => c !== "yellow"))];
  const first = pointAt(vertex.x, vertex.y, isMirrored ? 180 : 0, reach);
  const second = pointAt(vertex.x, vertex.y, isMirrored ? 180 - degrees : degrees, reach);
  const arcFrom = pointAt(vertex.x, vertex.y, isMirrored ? 180 : 0, 20);
  const arcTo = pointAt(vertex.x, vertex.y, isMirrored ? 180 - degrees : degrees, 20);
  const arc = `<path d="M${arcFrom.x} ${arcFrom.y}A20 20 0 0 ${isMirrored ? 1 : 0} ${arcTo.x} ${arcTo.y}" fill="none" stroke="${INK.black}" stroke-width="3"/>`;
  const guess = degrees < 90 ? 45 : 120;
  return {
    wordings: [
      "how large is the angle, in degrees?",
      "what is the angle between the two lines, in degrees?",
      "two lines meet here. how many degrees is the angle?",
      "give the size of the angle in degrees.",
      "look at the corner. how many degrees does it open?",
    ],
    gold: `${degrees}^\\circ`,
    reasoning: `${compareAloud(degrees)} so ${degrees}.`,
    shortcut: {
      reasoning: `it looks ${degrees < 90 ? "sharp" : "wide"}, like ${guess}.`,
      answer: `${guess}^\\circ`,
    },
    picture: {
      width,
      height,
      ground: ground(rng),
      elements: [arc, line(vertex, first, 6, colour, "ray"), line(vertex, second, 6, colour, "ray")],
    },
  };
}
