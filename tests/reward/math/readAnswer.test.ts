import { describe, expect, it } from "vitest";
import type { Answer } from "../../../src/reward/math/answer.js";
import { readAnswer, textOf } from "../../../src/reward/math/readAnswer.js";
import { tokensOf } from "../../../src/reward/math/tokens.js";
import type { Expression } from "../../../src/reward/symbolic/expression.js";
import { realValue } from "../../../src/reward/symbolic/probe.js";

const r = String.raw;

function short(expression: Expression): string {
  const value = realValue(expression);
  if (value !== null) return `${Number(value.toPrecision(8))}`;
  switch (expression.kind) {
    case "name":
      return expression.name === "infinity" ? "∞" : expression.name;
    case "negate":
      return `-${short(expression.argument)}`;
    case "call":
      return `${expression.name}(${short(expression.argument)})`;
    default:
      return "left" in expression
        ? `(${short(expression.left)}${expression.kind}${short(expression.right)})`
        : "?";
  }
}

/** An answer on one line: its kind by its brackets. */
function shown(answer: Answer): string {
  switch (answer.kind) {
    case "value":
      return `${short(answer.expression)}${answer.unit ? ` [${answer.unit.dimension}]` : ""}`;
    case "text":
      return `“${answer.words}”`;
    case "choice":
      return answer.content ? `choice ${answer.letter}: ${shown(answer.content)}` : `choice ${answer.letter}`;
    case "collection":
      return `${answer.form} ${answer.elements.map(shown).join(" | ")}`;
    case "group":
      return `${answer.open}${answer.elements.map(shown).join(" ; ")}${answer.close}`;
    case "matrix":
      return `matrix ${answer.rows.map((row) => row.map(shown).join(" ")).join(" / ")}`;
    case "labelled":
      return `${answer.label.replaceAll("\u0001", "")} := ${shown(answer.value)}`;
    case "relation":
      return `${short(answer.left)} ${answer.operator} ${short(answer.right)}`;
    case "ratio":
      return answer.parts.map(short).join(" : ");
    case "clock":
      return `clock ${answer.hours}h${answer.minutes}${answer.half ?? ""}${answer.ratio ? " or ratio" : ""}`;
  }
}

const read = (text: string) => shown(readAnswer(tokensOf(text)));

const CHOICES: readonly (readonly [string, string])[] = [
  ["A", "choice A"],
  ["(A)", "choice A"],
  ["A.", "choice A"],
  ["A)", "choice A"],
  ["b", "choice b"],
  ["x", "choice x"],
  ["The answer is C", "choice C"],
  ["Answer: (D).", "choice D"],
  ["Option B", "choice B"],
  ["A. 5", "choice A: 5"],
  ["(A) 5 cm", "choice A: 5 [m^1]"],
  ["B: red", "choice B: “red”"],
  ["E - octagon", "choice E: “octagon”"],
  ["B、正方形", "choice B: 正方形"],
  ["A - B", "(A-B)"],
  ["K.", "choice K"],
  ["a: b", "a : b"],
];

const LISTS: readonly (readonly [string, string])[] = [
  ["1, 2", "list 1 | 2"],
  ["1; 2", "list 1 | 2"],
  ["1 and 2", "list 1 | 2"],
  ["1, 2, and 3", "list 1 | 2 | 3"],
  ["x=1 or x=2", "x := list 1 | 2"],
  ["x=1, y=2", "list x := 1 | y := 2"],
  [r`\pm3`, "list 3 | -3"],
  [r`1, \pm2`, "list 1 | 2 | -2"],
  [r`2\pm1`, "list 3 | 1"],
  [r`x=\pm3`, "x := list 3 | -3"],
  [r`\{1,2\}`, "set 1 | 2"],
  ["{1,2}", "set 1 | 2"],
  [r`\{\}`, "“∅”"],
  [r`\emptyset`, "“∅”"],
  [r`\{x \mid x=2\}`, "x := 2"],
  [r`\{x \mid x>2\}`, "(2 ; ∞)"],
  ["(1,2) or (3,4)", "union (1 ; 2) | (3 ; 4)"],
  ["(1,2), (3,4)", "list (1 ; 2) | (3 ; 4)"],
  [r`(-\infty,1)\cup(2,\infty)`, "union (-∞ ; 1) | (2 ; ∞)"],
  ["A, C", "list choice A | choice C"],
];

const GROUPS: readonly (readonly [string, string])[] = [
  ["(1,2)", "(1 ; 2)"],
  ["(1;2)", "(1 ; 2)"],
  ["[1,2)", "[1 ; 2)"],
  ["(1,2]", "(1 ; 2]"],
  [r`\langle1,2\rangle`, "(1 ; 2)"],
  ["(1,(2,3))", "(1 ; (2 ; 3))"],
  ["(5)", "5"],
  ["((1,2))", "(1 ; 2)"],
  ["[[1,2],[3,4]]", "matrix 1 2 / 3 4"],
  ["[(1,2),(3,4)]", "[(1 ; 2) ; (3 ; 4)]"],
  [r`\begin{pmatrix}1&2\\3&4\end{pmatrix}`, "matrix 1 2 / 3 4"],
  [r`\left(\begin{array}{cc}1&2\end{array}\right)`, "matrix 1 2"],
  [r`2\begin{bmatrix}1\\x\end{bmatrix}`, "matrix 2 / (2*x)"],
  [r`\begin{pmatrix}1\\2\end{pmatrix}-\begin{pmatrix}3\\4\end{pmatrix}`, "matrix -2 / -2"],
  [r`-\begin{pmatrix}1\\2\end{pmatrix}+\begin{pmatrix}3\\4\end{pmatrix}`, "matrix 2 / 2"],
  [r`\begin{pmatrix}1\\2\end{pmatrix}+\begin{pmatrix}3&4\end{pmatrix}`, r`“\begin1\\2\end+\begin3&4\end”`],
  [r`\begin{cases}x=1\\y=2\end{cases}`, "list x := 1 | y := 2"],
  [r`\left\{\begin{array}{l}x=1\\y=2\end{array}\right.`, "list x := 1 | y := 2"],
];

const RELATIONS: readonly (readonly [string, string])[] = [
  ["x=5", "x := 5"],
  ["5=x", "x := 5"],
  ["x_1 = 5", "x_1 := 5"],
  ["f(x)=2x", "f(x) := (2*x)"],
  ["area = 5 cm", "area := 5 [m^1]"],
  ["|CD| = 7", "|CD| := 7"],
  [r`\angle ABC = 30°`, "∠ABC := (30*°)"],
  ["y = 1/4 ≈ 0.2", "y := 0.25"],
  [r`\pi ≈ 3.14`, "3.1415927"],
  ["2x = 10", "(2*x) = 10"],
  ["x+y=1", "(x+y) = 1"],
  ["x ≠ 4", "x ≠ 4"],
  ["x < 3", "(-∞ ; 3)"],
  ["x > 3", "(3 ; ∞)"],
  ["3 > x", "(-∞ ; 3)"],
  ["x ≤ 3", "(-∞ ; 3]"],
  ["x ≥ 3", "[3 ; ∞)"],
  ["1 < x ≤ 2", "(1 ; 2]"],
  ["2 ≥ x > 1", "(1 ; 2]"],
  ["1 < 2x < 6", "(0.5 ; 3)"],
  ["-2x < 8", "(-4 ; ∞)"],
  ["|x| ≤ 3", "[-3 ; 3]"],
  [r`-\infty < x < 3`, "(-∞ ; 3)"],
  ["x > 1 and x < 3", "(1 ; 3)"],
  ["x < 1 or x > 3", "union (-∞ ; 1) | (3 ; ∞)"],
  ["x > 3 and x < 1", "list (3 ; ∞) | (-∞ ; 1)"],
  ["x < y", "x < y"],
  ["x^2 < 4", "(x**2) < 4"],
  ["x ∈ (1,2)", "x := (1 ; 2)"],
  ["3:4", "3 : 4"],
  ["2:3:5", "2 : 3 : 5"],
  ["AM : MB = 2 : 5", "AM:MB := 2 : 5"],
  ["12:15", "clock 12h15 or ratio"],
  ["3:45 pm", "clock 3h45pm"],
  ["3:45 p.m.", "clock 3h45pm"],
  ["7 am", "clock 7h0am"],
  ["25:15", "25 : 15"],
  ["12:60", "12 : 60"],
];

const WORDS: readonly (readonly [string, string])[] = [
  ["red", "“red”"],
  ["the red one", "“redone”"],
  ["No solution.", "“nosolution”"],
  ["no solutions", "“nosolution”"],
  ["DNE", "“doesnotexist”"],
  ["does not exist", "“doesnotexist”"],
  ["AB", "“ab”"],
  ["BA", "“ab”"],
  ["∠ABC", "“∠abc”"],
  ["△ABC", "“△abc”"],
  ["dog", "“dog”"],
  ["an", "“an”"],
  ["five", "5"],
  ["twenty five", "25"],
  [r`\pi`, "3.1415927"],
  [r`\infty`, "∞"],
  ["So the answer is 5.", "5"],
  ["Therefore, 5", "list “therefore” | 5"],
  [r`\int x`, r`“\intx”`],
];

describe("readAnswer", () => {
  it.each([...CHOICES, ...LISTS, ...GROUPS, ...RELATIONS, ...WORDS])("reads %s as %s", (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  it("reads eight levels of brackets, and takes what is deeper for text", () => {
    const nested = (depth: number) => `${"(1,".repeat(depth)}2${")".repeat(depth)}`;
    expect(read(nested(8))).toBe(`${"(1 ; ".repeat(8)}2${")".repeat(8)}`);
    expect(read(nested(9))).toContain("“");
  });

  it("reads nothing as text", () => {
    expect(readAnswer([])).toMatchObject({ kind: "text", words: "" });
  });
});

describe("textOf", () => {
  it("leaves out articles and punctuation, not a lone article", () => {
    const words = (text: string) => textOf(tokensOf(text), "words").words;
    expect(words("The Red, round (one)!")).toBe("redroundone");
    expect(words("a")).toBe("a");
    expect(words("AN")).toBe("an");
  });

  it("says whether a command in it may be mathematics that is not read", () => {
    expect(textOf(tokensOf(r`\sum x`), "words").isUnread).toBe(true);
    expect(textOf(tokensOf("sum x"), "words").isUnread).toBe(false);
    expect(textOf(tokensOf(r`\{ x`), "words").isUnread).toBe(false);
    expect(textOf(tokensOf("x"), "why").reason).toBe("why");
  });
});
