/**
 * @module Marks as SVG: few bright colours, big shapes, and signs made of thick strokes (no font is needed).
 *
 * Everything sits on a lattice of 28 px, the size of one image token of the policy, so that a mark is seen whole.
 * Each mark names itself in `data-mark`, for tests and for people reading the SVG.
 */

import type { Rng } from "../../core/rng.js";
import type { Picture } from "./scene.js";

/** Side of a lattice cell in pixels: one merged image token of Qwen2.5-VL. */
export const CELL = 28;

export const COLOURS = ["red", "blue", "green", "yellow"] as const;
export type Colour = (typeof COLOURS)[number];
export const INK: Readonly<Record<Colour | "black" | "white", string>> = {
  red: "#e0182d",
  blue: "#1f48e0",
  green: "#12a03a",
  yellow: "#f7c600",
  black: "#202020",
  white: "#ffffff",
};

export const SHAPES = ["circle", "square", "triangle"] as const;
export type Shape = (typeof SHAPES)[number];

const GROUNDS = ["#ffffff", "#f1f1f1", "#fbf4e6", "#eaf3fb"];

/** A plain light ground. */
export const ground = (rng: Rng): string => rng.pick(GROUNDS);

/** The whole drawing as an SVG document. */
export function svgDocument({ width, height, ground: fill, elements }: Picture): string {
  const open = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`;
  return [open, `<rect width="${width}" height="${height}" fill="${fill}"/>`, ...elements, "</svg>"].join(
    "\n",
  );
}

/** Where something is, in pixels. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A filled shape centred at a point; `radius` is half its extent. */
export function shapeMark(shape: Shape, colour: Colour, { x, y }: Point, radius: number): string {
  const look = `fill="${INK[colour]}" data-mark="${colour} ${shape}"`;
  if (shape === "circle") return `<circle cx="${x}" cy="${y}" r="${radius}" ${look}/>`;
  if (shape === "square") return rectangle({ x: x - radius, y: y - radius }, 2 * radius, 2 * radius, look);
  const points = `${x},${y - radius} ${x + radius},${y + radius} ${x - radius},${y + radius}`;
  return `<polygon points="${points}" ${look}/>`;
}

/** A rectangle from its top-left corner; `look` holds its other attributes. */
export function rectangle({ x, y }: Point, width: number, height: number, look: string): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" ${look}/>`;
}

/** A straight stroke with round ends. */
export function line(from: Point, to: Point, thickness: number, colour: string, mark = ""): string {
  const name = mark === "" ? "" : ` data-mark="${mark}"`;
  return `<line x1="${from.x}" y1="${from.y}" x2="${to.x}" y2="${to.y}" stroke="${colour}" stroke-width="${thickness}" stroke-linecap="round"${name}/>`;
}

/** Strokes of digits and letters as SVG paths in a box 10 wide and 16 high. */
const GLYPHS: Readonly<Record<string, string>> = {
  "0": "M5 0C-1.5 0 -1.5 16 5 16C11.5 16 11.5 0 5 0",
  "1": "M1 4L6 0V16",
  "2": "M0 4C0 -1.5 10 -1.5 10 4.5C10 8 4 11 0 16H10",
  "3": "M0 0H10L4.5 6C12 6 12 16 5 16C2 16 0.5 14.5 0 13",
  "4": "M8 16V0L0 11H10",
  "5": "M9 0H1.5L1 7C4 5 10 5.5 10 10.5C10 17 2 17.5 0 13.5",
  "6": "M8.5 0C4 1.5 0 6 0 11C0 17.5 10 17.5 10 11C10 5.5 2.5 5.5 0.3 9.5",
  "7": "M0 0H10L4 16",
  "8": "M5 7.2C-1 7.2 -0.5 0 5 0C10.5 0 11 7.2 5 7.2C-2 7.2 -1.5 16 5 16C11.5 16 12 7.2 5 7.2",
  "9": "M1.5 16C6 14.5 10 10 10 5C10 -1.5 0 -1.5 0 5C0 10.5 7.5 10.5 9.7 6.5",
  x: "M0 5L10 16M10 5L0 16",
  y: "M0 4L5.3 12M10 4L3 16",
  n: "M0.5 16V5M0.5 9C2 4 9.5 3.5 9.5 9V16",
};

/** The signs that `glyphMark` can draw. */
export const SIGNS: readonly string[] = Object.keys(GLYPHS);

/** A digit or letter centred at a point, `height` pixels high. @throws RangeError when it is not one of `SIGNS` */
export function glyphMark(sign: string, { x, y }: Point, height: number, colour: string): string {
  const path = GLYPHS[sign];
  if (path === undefined) throw new RangeError(`glyphMark: unknown sign: "${sign}"`);
  const scale = height / 16;
  const move = `translate(${x - 5 * scale} ${y - 8 * scale}) scale(${scale})`;
  return `<path d="${path}" transform="${move}" fill="none" stroke="${colour}" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round" data-mark="${sign}"/>`;
}
