/**
 * @module What stands where in a scene, in words: the colour of every cell of the lattice, row by row.
 *
 * The warm-up lets the policy read pictures out loud, which teaches it to see far sooner than answers alone do.
 */
import { IMAGE_MARKER } from "../../model/prompt.js";
import { CELL, COLOURS } from "./ink.js";
import type { FamilyName, Scene } from "./scene.js";

/** How the policy is asked to read a picture. */
export const READING_REQUEST = `${IMAGE_MARKER}read the colours, row by row.`;

/** Families whose marks are one to a lattice cell. */
const READABLE: readonly FamilyName[] = ["count", "difference", "relation", "grid", "fraction"];

interface PlacedMark {
  readonly colour: string;
  readonly row: number;
  readonly column: number;
}

const MARK = /<(circle|rect|polygon) ([^>]*?)data-mark="(\w+) \w+"\/>/g;

function attribute(attributes: string, name: string): number {
  return Number(new RegExp(`(?:^| )${name}="(-?[\\d.]+)`).exec(attributes)?.[1] ?? Number.NaN);
}

/** Centre of a mark in pixels; a polygon's first point is its apex. */
function centre(element: string, attributes: string): readonly [number, number] {
  if (element === "circle") return [attribute(attributes, "cx"), attribute(attributes, "cy")];
  if (element === "rect") {
    const middle = (start: string, side: string) =>
      attribute(attributes, start) + attribute(attributes, side) / 2;
    return [middle("x", "width"), middle("y", "height")];
  }
  const points = /points="([^"]*)"/.exec(attributes)?.[1]?.split(" ") ?? [];
  const [apex = [], corner = []] = points.map((point) => point.split(",").map(Number));
  return [apex[0] ?? Number.NaN, ((apex[1] ?? Number.NaN) + (corner[1] ?? Number.NaN)) / 2];
}

function placedMarks(svg: string): PlacedMark[] {
  return [...svg.matchAll(MARK)].flatMap(([, element = "", attributes = "", colour = ""]) => {
    if (!COLOURS.some((known) => known === colour)) return [];
    const [x, y] = centre(element, attributes);
    return [{ colour, row: Math.floor(y / CELL) + 1, column: Math.floor(x / CELL) + 1 }];
  });
}

/**
 * `row 1: none red none blue. row 2: …`, one word a cell, so that every image token is asked for once, in order.
 * Undefined for scenes that cannot be read so.
 */
export function pictureReading(
  scene: Pick<Scene, "family" | "svg" | "width" | "height">,
): string | undefined {
  if (!READABLE.includes(scene.family)) return undefined;
  const [rows, columns] = [Math.round(scene.height / CELL), Math.round(scene.width / CELL)];
  const cells = Array.from({ length: rows }, () => Array.from({ length: columns }, () => "none"));
  for (const { colour, row, column } of placedMarks(scene.svg)) {
    const line = cells[row - 1];
    if (line && column >= 1 && column <= columns) line[column - 1] = colour;
  }
  return cells.map((line, at) => `row ${at + 1}: ${line.join(" ")}.`).join(" ");
}
