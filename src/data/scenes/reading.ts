/**
 * @module What stands where in a scene, in words: every coloured mark with its row and column on the lattice.
 *
 * The warm-up lets the policy read pictures out loud, which teaches it to see far sooner than answers alone do.
 */
import { CELL, COLOURS } from "./ink.js";
import type { FamilyName, Scene } from "./scene.js";

/** How the policy is asked to read a picture. */
export const READING_REQUEST = "<image>list the marks, row by row.";

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

/** `row 1: red 2, blue 4. row 3: green 1.` (colour, column), or undefined for scenes that cannot be read so. */
export function pictureReading(scene: Pick<Scene, "family" | "svg">): string | undefined {
  if (!READABLE.includes(scene.family)) return undefined;
  const marks = placedMarks(scene.svg);
  const rows = [...new Set(marks.map(({ row }) => row))].sort((a, b) => a - b);
  const lines = rows.map((row) => {
    const inRow = marks.filter((mark) => mark.row === row).sort((a, b) => a.column - b.column);
    return `row ${row}: ${inRow.map(({ colour, column }) => `${colour} ${column}`).join(", ")}.`;
  });
  return lines.length > 0 ? lines.join(" ") : undefined;
}
