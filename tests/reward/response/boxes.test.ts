import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lastBoxes } from "../../../src/reward/response/boxes.js";

const r = String.raw;
const texts = (text: string) => lastBoxes(text)?.texts ?? null;

describe("lastBoxes", () => {
  it.each<readonly [string, readonly string[] | null, string]>([
    ["", null, "nothing"],
    ["no box", null, "none"],
    [r`\boxed{5}`, ["5"], "one"],
    [r`\boxed{ 5 }`, ["5"], "white space within"],
    [r`\boxed{}`, [""], "an empty one"],
    [r`\boxed {5}`, ["5"], "white space before the brace"],
    [r`\boxed 5`, ["5"], "no brace"],
    [r`\boxed -5.`, ["-5"], "no brace and a sign"],
    [r`\fbox{5}`, ["5"], "another command"],
    [r`\boxed{\frac{1}{2}}`, [r`\frac{1}{2}`], "braces within"],
    [r`\boxed{\{1\}}`, [r`\{1\}`], "braces that are marks"],
    [r`\boxed{\}}`, [r`\}`], "a closing brace that is a mark"],
    [r`\boxed{a\boxed{b}c}`, [r`a\boxed{b}c`], "the outer of two"],
    [r`\boxed{1`, null, "one that is not closed"],
    [r`\boxed{1} \boxed{2`, ["1"], "what stands before one that is not closed"],
    [r`\boxed{1} and \boxed{2}`, ["1", "2"], "two joined by a word"],
    [r`\boxed{1}, \boxed{2}, or \boxed{3}`, ["1", "2", "3"], "three"],
    [r`$\boxed{1}$ \quad $\boxed{2}$`, ["1", "2"], "nothing but layout between"],
    [r`\boxed{1} \text{ and } \boxed{2}`, ["1", "2"], "a word in type"],
    [r`\boxed{1}. Then \boxed{2}`, ["2"], "another sentence"],
    [r`\boxed{1}, but \boxed{2}`, ["2"], "a correction"],
    [r`\boxed{1} and, wait, \boxed{2}`, ["2"], "second thoughts"],
    [`\\boxed{1}\n\n\\boxed{2}`, ["1", "2"], "a blank line and no word"],
    [r`\boxed{1} which is \boxed{2}`, ["2"], "words that join nothing"],
    [`\\boxed{1} and ${"very ".repeat(20)}\\boxed{2}`, ["2"], "too many words between"],
    [r`\boxed{0}. Hence \boxed{1} and \boxed{2}`, ["1", "2"], "only the last ones that are joined"],
  ])("of %j is %o: %s", (text, expected) => {
    expect(texts(text)).toEqual(expected);
  });

  it("says where the last box ends", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("", "so ", r`\boxed{0}. Then `),
        fc.constantFrom("7", r`\frac{1}{2}`, ""),
        (before, answer) => {
          const box = `${before}\\boxed{${answer}}`;
          expect(lastBoxes(`${box} and so on.`)?.end).toBe(box.length);
        },
      ),
    );
    expect(lastBoxes(r`\boxed 12 apples`)?.end).toBe(r`\boxed 12`.length);
  });

  it("does not remember the text before", () => {
    expect(texts(r`\boxed{1} \boxed{2`)).toEqual(["1"]);
    expect(texts(r`\boxed{3}`)).toEqual(["3"]);
    expect(texts(r`\boxed{3}`)).toEqual(["3"]);
  });
});
