/**
 * @module Where the texts of an SVG element stand, by their attributes alone: what a browser's layout would say.
 */
import { textWidth } from "./textWidth.js";

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The part of a DOM element that is read. */
export interface SvgNode {
  readonly tagName: string;
  readonly textContent: string | null;
  readonly parentElement: SvgNode | null;
  getAttribute(name: string): string | null;
  querySelectorAll(selector: string): Iterable<SvgNode>;
}

/** Ascent and height of a line, as shares of the font size. */
const ASCENT = 0.8;
const LINE = 1.2;

type Point = readonly [number, number];

function styleOf(element: SvgNode, property: string): string | undefined {
  return new RegExp(`(?:^|[;\\s])${property}:\\s*([^;]+)`).exec(element.getAttribute("style") ?? "")?.[1];
}

/** The size set on a text or on what it stands in; a browser's 12 where nothing is set. */
function fontSizeOf(element: SvgNode): number {
  const size = Number.parseFloat(styleOf(element, "font-size") ?? "");
  if (Number.isFinite(size)) return size;
  return element.parentElement ? fontSizeOf(element.parentElement) : 12;
}

/** A text's box before any transform: one line a `tspan.line`, each as wide as its letters. */
function ownBox(text: SvgNode): Box {
  const size = fontSizeOf(text);
  const tspans = [...text.querySelectorAll("tspan.line")].map((line) => line.textContent ?? "");
  const lines = tspans.length > 0 ? tspans : [text.textContent ?? ""];
  const width = Math.max(...lines.map((line) => textWidth(line, size)));
  const anchor = styleOf(text, "text-anchor") ?? text.getAttribute("text-anchor") ?? "start";
  const shift = { middle: width / 2, end: width }[anchor] ?? 0;
  const x = Number(text.getAttribute("x") ?? 0) - shift;
  const y = Number(text.getAttribute("y") ?? 0) - ASCENT * size;
  return { x, y, width, height: LINE * size * lines.length };
}

/** Applies `translate(x,y)` and `rotate(angle,x,y)`, the last first, as SVG does. */
export function transformPoint(point: Point, transform: string): Point {
  const steps = [...transform.matchAll(/(translate|rotate)\(([^)]*)\)/g)].reverse();
  return steps.reduce<Point>(([x, y], [, name, list = ""]) => {
    const [a = 0, b = 0, c = 0] = list.split(/[\s,]+/).map(Number);
    if (name === "translate") return [x + a, y + b];
    const [cos, sin] = [Math.cos((a * Math.PI) / 180), Math.sin((a * Math.PI) / 180)];
    return [b + (x - b) * cos - (y - c) * sin, c + (x - b) * sin + (y - c) * cos];
  }, point);
}

/** A text's corners in the coordinates of `top`, whose own transform does not count. */
function cornersIn(top: SvgNode, text: SvgNode): Point[] {
  const { x, y, width, height } = ownBox(text);
  let corners: readonly Point[] = [
    [x, y],
    [x + width, y],
    [x, y + height],
    [x + width, y + height],
  ];
  for (let node: SvgNode | null = text; node && node !== top; node = node.parentElement) {
    const transform = node.getAttribute("transform");
    if (transform) corners = corners.map((corner) => transformPoint(corner, transform));
  }
  return [...corners];
}

/** The smallest box around all texts of an element; a point at the origin when it has none. */
export function boxOf(element: SvgNode): Box {
  const isText = element.tagName === "text" || element.tagName === "tspan";
  const texts = isText ? [element] : [...element.querySelectorAll("text")];
  const corners = texts.filter((text) => text.textContent !== "").flatMap((text) => cornersIn(element, text));
  if (corners.length === 0) return { x: 0, y: 0, width: 0, height: 0 };
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}
