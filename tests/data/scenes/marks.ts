/**
 * @module Reads a drawn picture back from its SVG, without the code that drew it.
 */

export interface DrawnMark {
  /** What `data-mark` says, e.g. `"red circle"`. */
  readonly name: string;
  /** Middle of the mark, pixels. */
  readonly x: number;
  readonly y: number;
  readonly attributes: Readonly<Record<string, string>>;
}

function middleOf(tag: string, a: Readonly<Record<string, string>>): readonly [number, number] {
  const number = (name: string) => Number(a[name]);
  if (tag === "circle") return [number("cx"), number("cy")];
  if (tag === "rect") return [number("x") + number("width") / 2, number("y") + number("height") / 2];
  if (tag === "line") return [(number("x1") + number("x2")) / 2, (number("y1") + number("y2")) / 2];
  if (tag === "polygon") {
    const points = (a["points"] ?? "").split(" ").map((point) => point.split(",").map(Number));
    const mean = (axis: number, pick: (values: number[]) => number) => pick(points.map((p) => p[axis] ?? 0));
    const centre = (values: number[]) => (Math.min(...values) + Math.max(...values)) / 2;
    return [mean(0, centre), mean(1, centre)];
  }
  const move = /translate\(([\d.-]+) ([\d.-]+)\) scale\(([\d.]+)\)/.exec(a["transform"] ?? "");
  const [, x, y, scale] = (move ?? []).map(Number);
  return [(x ?? 0) + 5 * (scale ?? 0), (y ?? 0) + 8 * (scale ?? 0)];
}

/** The named marks in drawing order. */
export function readMarks(svg: string): DrawnMark[] {
  return [...svg.matchAll(/<(\w+) ([^>]*data-mark="([^"]+)"[^>]*)\/>/g)].map(
    ([, tag = "", text = "", name = ""]) => {
      const attributes = Object.fromEntries(
        [...text.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key ?? "", value ?? ""]),
      );
      const [x, y] = middleOf(tag, attributes);
      return { name, x, y, attributes };
    },
  );
}
