/**
 * @module Solves drawn scenes from the SVG and the words alone: a second opinion on every gold answer.
 */

import type { FamilyName, Scene } from "../../../src/data/scenes/draw.js";
import { type DrawnMark, readMarks } from "./marks.js";

const COLOURS = ["red", "blue", "green", "yellow"];

type Solver = (words: string, marks: readonly DrawnMark[]) => string;

/** Which of the words occur, in the order they occur. */
function found(words: string, wanted: readonly string[]): string[] {
  const pattern = new RegExp(`\\b(${wanted.join("|")})s?\\b`, "g");
  return [...words.matchAll(pattern)].map((match) => match[1] ?? "");
}

/** The letter in front of a choice. */
function letterFor(words: string, choice: string): string {
  const match = new RegExp(`([A-D])\\. ${choice}\\b`).exec(words);
  return match?.[1] ?? "none";
}

const withoutChoices = (words: string): string => words.replace(/([A-D]\. \w+ ?)+/, "");
const named = (marks: readonly DrawnMark[], part: string) =>
  marks.filter((mark) => mark.name.split(" ").includes(part));

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

function solveRelation(words: string, marks: readonly DrawnMark[]): string {
  const pairs = [...withoutChoices(words).matchAll(/(red|blue|green|yellow) (circle|square|triangle)/g)];
  const [first, second] = pairs.map((pair) => marks.filter((mark) => mark.name === pair[0]));
  if (first?.length !== 1 || second?.length !== 1) return "ambiguous";
  const asked = withoutChoices(words);
  // "seen from B, where is A", "start at B and go to A", "on which side of B is A" name the anchor first.
  const isAnchorFirst = /^<image>(seen from|start at|on which side of)/.test(asked);
  const [one, anchor] = isAnchorFirst ? [second[0], first[0]] : [first[0], second[0]];
  if (!one || !anchor) return "ambiguous";
  const [across, down] = [one.x - anchor.x, one.y - anchor.y];
  const side =
    Math.abs(across) > Math.abs(down) ? (across < 0 ? "left" : "right") : down < 0 ? "above" : "below";
  return letterFor(words, side);
}

function solveGrid(words: string, marks: readonly DrawnMark[]): string {
  const row = Number(/row (\d)/.exec(words)?.[1]);
  const column = Number(/column (\d)/.exec(words)?.[1]);
  const axis = (values: number[]) => [...new Set(values)].sort((a, b) => a - b);
  const [xs, ys] = [axis(marks.map((mark) => mark.x)), axis(marks.map((mark) => mark.y))];
  const cell = marks.find((mark) => mark.x === xs[column - 1] && mark.y === ys[row - 1]);
  return letterFor(words, cell?.name.split(" ")[0] ?? "none");
}

function solveAngle(_: string, rays: readonly DrawnMark[]): string {
  const directions = rays.map(({ attributes: a }) =>
    Math.atan2(Number(a["y2"]) - Number(a["y1"]), Number(a["x2"]) - Number(a["x1"])),
  );
  const between = Math.abs((directions[0] ?? 0) - (directions[1] ?? 0)) * (180 / Math.PI);
  return `${Math.round(between > 180 ? 360 - between : between)}^\\circ`;
}

function solveRectangle(words: string, marks: readonly DrawnMark[]): string {
  const units = named(marks, "tick").length + 1;
  const letter = marks.find((mark) => /^[a-z]$/.test(mark.name))?.name ?? "none";
  return words.includes("area") ? `${units}${letter}` : `2${letter}+${2 * units}`;
}

const SOLVERS: Readonly<Record<FamilyName, Solver>> = {
  count: (words, marks) => {
    const [what = "none"] = found(words, [...COLOURS, "circle", "square", "triangle"]);
    return String(named(marks, what).length);
  },
  difference: (words, marks) => {
    const counts = found(words, COLOURS).map((colour) => named(marks, colour).length);
    return String(Math.max(...counts) - Math.min(...counts));
  },
  barValue: (words, marks) => String(named(marks, found(words, COLOURS)[0] ?? "none").length),
  barSum: (words, marks) =>
    String(
      found(words, COLOURS)
        .map((colour) => named(marks, colour).length)
        .reduce((a, b) => a + b, 0),
    ),
  relation: solveRelation,
  grid: solveGrid,
  angle: solveAngle,
  fraction: (words, marks) => {
    const part = named(marks, found(words, COLOURS)[0] ?? "none").length;
    const divisor = gcd(part, marks.length);
    return `\\frac{${part / divisor}}{${marks.length / divisor}}`;
  },
  dice: (words, marks) => {
    const names = named(marks, "die").map((die) => die.name.split(" ")[0] ?? "");
    const [a = 0, b = 0] = names.map((name) => marks.filter((mark) => mark.name === `${name} pip`).length);
    return String(/sum|add/.test(words) ? a + b : a * b);
  },
  cards: (_, marks) => {
    const digits = marks.map((mark) => Number(mark.name));
    return String(Math.max(...digits) - Math.min(...digits));
  },
  rectangle: solveRectangle,
};

/** The answer to one wording of a scene's question, worked out from the drawing. */
export function solve(scene: Scene, words: string): string {
  return SOLVERS[scene.family](words, readMarks(scene.svg));
}
