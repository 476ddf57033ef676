import { JSDOM } from "jsdom";
import { describe, expect, it } from "vitest";
import { boxOf, transformPoint } from "../../../src/report/notebook/svgBox.js";
import { textWidth } from "../../../src/report/notebook/textWidth.js";

/** The first element of a drawing. */
function elementOf(markup: string): Element {
  const { document } = new JSDOM(`<svg xmlns="http://www.w3.org/2000/svg">${markup}</svg>`).window;
  const element = document.querySelector("svg")?.firstElementChild;
  if (!element) throw new Error("no element");
  return element;
}

const box = (markup: string) => boxOf(elementOf(markup));
const W = textWidth("Wi", 10);

describe("boxOf", () => {
  it.each<readonly [what: string, markup: string, expected: readonly number[]]>([
    // x, y − 0.8 · size, width, 1.2 · size
    ["a text", '<text x="5" y="20" style="font-size: 10px">Wi</text>', [5, 12, W, 12]],
    [
      "one in the middle",
      '<text x="5" y="20" style="font-size: 10px; text-anchor: middle">Wi</text>',
      [5 - W / 2, 12, W, 12],
    ],
    [
      "one that ends there",
      '<text x="5" y="20" text-anchor="end" style="font-size: 10px">Wi</text>',
      [5 - W, 12, W, 12],
    ],
    ["one without a place", '<text style="font-size: 10px">Wi</text>', [0, -8, W, 12]],
    [
      "the size of what it stands in",
      '<g style="font-size: 10px"><text x="5" y="20">Wi</text></g>',
      [5, 12, W, 12],
    ],
    [
      "a browser's size where none is set",
      '<text x="0" y="0">Wi</text>',
      [0, -9.6, textWidth("Wi", 12), 14.4],
    ],
    [
      "several lines, as wide as the widest",
      '<text x="0" y="0" style="font-size: 10px"><tspan class="line">i</tspan><tspan class="line">Wi</tspan></text>',
      [0, -8, W, 24],
    ],
    [
      "two texts of a group",
      '<g style="font-size: 10px"><text x="0" y="10">Wi</text><text x="100" y="30">Wi</text></g>',
      [0, 2, 100 + W, 32],
    ],
    [
      "a text that was moved inside its group",
      '<g style="font-size: 10px"><text x="0" y="10" transform="translate(7,3)">Wi</text></g>',
      [7, 5, W, 12],
    ],
    ["nothing", "<g></g>", [0, 0, 0, 0]],
    ["empty text", '<text x="9" y="9"></text>', [0, 0, 0, 0]],
  ])("of %s", (_, markup, expected) => {
    const { x, y, width, height } = box(markup);
    [x, y, width, height].forEach((value, at) => {
      expect(value).toBeCloseTo(expected[at] ?? Number.NaN, 10);
    });
  });

  it("turns with the text: a label on its side is as high as it is long", () => {
    const { width, height } = box(
      '<g style="font-size: 10px"><text transform="rotate(-90,0,0)">Wi</text></g>',
    );
    expect([width, height]).toEqual([expect.closeTo(12, 10), expect.closeTo(W, 10)]);
  });

  it("does not count the transform of the element that is asked about", () => {
    const plain = box('<text x="5" y="20" style="font-size: 10px">Wi</text>');
    expect(box('<text x="5" y="20" style="font-size: 10px" transform="translate(50,50)">Wi</text>')).toEqual(
      plain,
    );
  });
});

describe("transformPoint", () => {
  it.each<readonly [transform: string, point: readonly [number, number]]>([
    ["", [1, 0]],
    ["translate(10,5)", [11, 5]],
    ["translate(10 5)", [11, 5]],
    ["translate(10)", [11, 0]],
    ["rotate(90)", [0, 1]],
    ["rotate(180,1,1)", [1, 2]],
    ["translate(10,0) rotate(90,0,0)", [10, 1]],
    ["rotate(90,0,0) translate(10,0)", [0, 11]],
  ])("%s moves (1, 0) to %j", (transform, [x, y]) => {
    const [a, b] = transformPoint([1, 0], transform);
    expect(a).toBeCloseTo(x, 10);
    expect(b).toBeCloseTo(y, 10);
  });
});
