import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readText, readTextList } from "../../src/data/cells.js";

/** As Python's `repr` writes a list of strings. */
function pythonRepr(items: readonly string[]): string {
  const quoted = items.map(
    (item) =>
      `'${item.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll("\n", "\\n").replaceAll("\r", "\\r")}'`,
  );
  return `[${quoted.join(", ")}]`;
}

const words = fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 6 });

describe("readTextList(…)", () => {
  it("reads a list, its JSON and its Python notation alike", () => {
    fc.assert(
      fc.property(words, (items) => {
        expect(readTextList(items)).toEqual({ items });
        expect(readTextList(JSON.stringify(items))).toEqual({ items });
        expect(readTextList(pythonRepr(items))).toEqual({ items });
      }),
    );
  });

  it("takes nothing for an empty list", () => {
    for (const cell of [null, undefined, "", "  ", "None", "[]", []]) {
      expect(readTextList(cell)).toEqual({ items: [] });
    }
  });

  it("takes numbers in a list for their text", () => {
    expect(readTextList([1, 2n, "three"])).toEqual({ items: ["1", "2", "three"] });
  });

  it.each([
    ["a call", "__import__('os').system('true')"],
    ["a list with a call", "[str(1)]"],
    ["plain words", "How many?"],
    ["a list of lists", "[['a']]"],
    ["a number", 3.5],
    ["an object", { a: 1 }],
    ["a cut-off list", '["a", "b'],
  ])("says what is wrong with %s, and runs nothing", (_name, cell) => {
    expect(readTextList(cell)).toHaveProperty("problem");
  });
});

describe("readText(…)", () => {
  it("reads words, numbers, truth values and bytes", () => {
    const cells = ["a", 2, 3n, false, new TextEncoder().encode("π")];
    expect(cells.map(readText)).toEqual(["a", "2", "3", "false", "π"]);
  });

  it("reads no text from lists, objects and nothing", () => {
    expect([[], {}, null, undefined].map(readText)).toEqual([undefined, undefined, undefined, undefined]);
  });
});
