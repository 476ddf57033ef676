import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readList } from "../../src/expand/readList.js";

const items = (reply: string) => {
  const list = readList(reply);
  return "items" in list ? list.items : list.problem;
};

describe("readList", () => {
  test.each<[string, string, readonly string[]]>([
    ["a plain array", '["a", "b"]', ["a", "b"]],
    ["a fence and words around it", 'Here:\n```json\n["a",\n "b"]\n```\nDone [1].', ["a", "b"]],
    ["reasoning before it", '<think>maybe ["x"]</think>["a"]', ["a"]],
    ["LaTeX with doubled backslashes", '["$\\\\frac{1}{2}$ of \\\\times"]', ["$\\frac{1}{2}$ of \\times"]],
    [
      "LaTeX with single backslashes",
      '["$\\frac{1}{2} \\times \\alpha \\neq \\{1\\}$"]',
      ["$\\frac{1}{2} \\times \\alpha \\neq \\{1\\}$"],
    ],
    ["line breaks as escapes and raw", '["one\\nTwo\nthree\\n\\nA. x"]', ["one\nTwo\nthree\n\nA. x"]],
    ["brackets and quotes in strings", '["[1] says \\"no]\\"", "\\u00e9"]', ['[1] says "no]"', "é"]],
    ["a comma too many", '["a", "b",]', ["a", "b"]],
    ["an empty list", "[]", []],
  ])("reads %s", (_, reply, expected) => {
    expect(items(reply)).toEqual(expected);
  });

  test.each([
    ["", "no complete JSON array in the reply"],
    ["I cannot do that.", "no complete JSON array in the reply"],
    ['["a", "b', "no complete JSON array in the reply"],
    ["['a', 'b']", "the array in the reply is not JSON"],
    ['[{"q": "a"}]', "the list holds something else than strings"],
  ])("says what is wrong with %j", (reply, problem) => {
    expect(items(reply)).toBe(problem);
  });

  test("reads back whatever JSON.stringify writes, trimmed", () => {
    // Strings with LaTeX commands that JSON escapes could hide (\b, \f, \n, \r, \t before letters) are ambiguous.
    const text = fc.string({ unit: "grapheme" }).filter((value) => !/[\b\f\n\r\t\v]/.test(value));
    fc.assert(
      fc.property(fc.array(text), (list) => {
        expect(items(JSON.stringify(list))).toEqual(list.map((item) => item.trim()));
      }),
    );
  });

  test("never throws, however deep or odd the reply", () => {
    fc.assert(fc.property(fc.string(), (reply) => void readList(reply)));
    expect(items("[".repeat(100_000))).toBe("no complete JSON array in the reply");
    expect(items(`${"[".repeat(5000)}${"]".repeat(5000)}`)).toMatch(/list|JSON/);
  });
});
