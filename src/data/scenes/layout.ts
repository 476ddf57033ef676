/**
 * @module Where marks go and how rows are read aloud: a lattice of cells, row by row from the top left.
 */

import type { Rng } from "../../core/rng.js";
import { CELL, type Colour, type Point, type Shape } from "./ink.js";

/** Size of a lattice in cells. */
export interface Lattice {
  readonly columns: number;
  readonly rows: number;
}

/** Small lattices of varied aspect ratio; most pictures stay at or under 140 × 140 px. */
export const LATTICES: readonly Lattice[] = [
  { columns: 4, rows: 4 },
  { columns: 5, rows: 4 },
  { columns: 4, rows: 5 },
  { columns: 5, rows: 5 },
  { columns: 6, rows: 4 },
];

/** A shape of one colour. */
export interface Mark {
  readonly colour: Colour;
  readonly shape: Shape;
}

/** A mark in its cell; row and column count from 0 at the top left. */
export interface Placed extends Mark {
  readonly row: number;
  readonly column: number;
  readonly centre: Point;
}

/** The middle of a cell, moved by up to `jitter` pixels each way. */
export function cellCentre(row: number, column: number, jitter: number, rng: Rng): Point {
  const shift = () => (jitter === 0 ? 0 : rng.integer(-jitter, jitter + 1));
  return { x: column * CELL + CELL / 2 + shift(), y: row * CELL + CELL / 2 + shift() };
}

/** Puts each mark into a cell of its own, in reading order. */
export function scatter(marks: readonly Mark[], { columns, rows }: Lattice, rng: Rng): Placed[] {
  const cells = rng.shuffle(Array.from({ length: columns * rows }, (_, cell) => cell)).slice(0, marks.length);
  const ordered = cells.sort((a, b) => a - b);
  const shuffled = rng.shuffle(marks);
  return ordered.flatMap((cell, at) => {
    const mark = shuffled[at];
    if (mark === undefined) return [];
    const row = Math.floor(cell / columns);
    const column = cell % columns;
    return [{ ...mark, row, column, centre: cellCentre(row, column, 2, rng) }];
  });
}

/** How many marks of a kind stand in each row, from the top. */
export function countRows(
  marks: readonly Placed[],
  rows: number,
  isAsked: (mark: Mark) => boolean,
): number[] {
  return Array.from({ length: rows }, (_, row) => marks.filter((m) => m.row === row && isAsked(m)).length);
}

/** `"1+0+2=3"`; without spaces, because each would cost the policy a token. */
export function sumAloud(parts: readonly number[]): string {
  return `${parts.join("+")}=${parts.reduce((total, part) => total + part, 0)}`;
}

/** A number of [low, high), not `except`. */
export function integerExcept(low: number, high: number, except: number, rng: Rng): number {
  const drawn = rng.integer(low, high - 1);
  return drawn >= except ? drawn + 1 : drawn;
}

/** Four choices as text, `"A. red B. blue C. green D. yellow"`. */
export function choicesText(choices: readonly string[]): string {
  return choices.map((choice, at) => `${letterOf(at)}. ${choice}`).join(" ");
}

/** `A` for 0. */
export const letterOf = (at: number): string => "ABCDEFGH".charAt(at);
