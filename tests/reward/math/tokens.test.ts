import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalText, type TokenOptions, tokensOf } from "../../../src/reward/math/tokens.js";

const r = String.raw;

/** Texts of the tokens, a space between. */
function shown(answer: string, options?: TokenOptions): string {
  return tokensOf(answer, options)
    .map(({ text }) => text)
    .join(" ");
}

const MARKS: readonly (readonly [string, string])[] = [
  [r`2\times3`, "2 * 3"],
  [r`2\cdot3`, "2 * 3"],
  ["2×3", "2 * 3"],
  ["2·3", "2 * 3"],
  ["6÷2", "6 / 2"],
  ["−3", "- 3"],
  ["2–1", "2 - 1"],
  [r`a\leq b`, "a ≤ b"],
  ["a<=b", "a ≤ b"],
  ["a=<b", "a ≤ b"],
  ["a≦b", "a ≤ b"],
  ["a>=b", "a ≥ b"],
  [r`a\ne b`, "a ≠ b"],
  ["a!=b", "a ≠ b"],
  ["a<>b", "a ≠ b"],
  [r`a\not=b`, "a ≠ b"],
  [r`a\not= b`, "a ≠ b"],
  ["a==b", "a = b"],
  ["a:=b", "a = b"],
  ["5!=120", "5 ! = 120"],
  ["(n)!=n", "( n ) ! = n"],
  ["2**3", "2 ^ 3"],
  ["1+/-2", "1 ± 2"],
  [r`\pm2`, "± 2"],
  ["a->b", "a → b"],
  ["1,...,9", "1 , … , 9"],
  [r`\lfloor x\rfloor`, "⌊ x ⌋"],
  [r`|x|`, "| x |"],
  [r`\|x\|`, "| x |"],
  [r`\lvert x\rvert`, "| x |"],
  [r`50\%`, "50 %"],
  [r`\$5`, "$ 5"],
  ["30°", "30 °"],
  [r`30^\circ`, "30 °"],
  [r`30^{\circ}`, "30 °"],
  [r`30\degree`, "30 °"],
  ["72℃", "72 ° C"],
  [r`\angle ABC`, "∠ ABC"],
  [r`f'`, "f '"],
  ["f′", "f '"],
  [r`f^\prime`, "f ^ '"],
  [r`\dfrac{1}{2}`, r`\frac { 1 } { 2 }`],
  ["½", r`\frac { 1 } { 2 }`],
  ["1½", r`1 \frac { 1 } { 2 }`],
  ["x²", "x ^ { 2 }"],
  ["x⁻¹²", "x ^ { - 12 }"],
  ["x₁₂", "x _ { 12 }"],
  [r`\alpha\beta`, "α β"],
  [r`\pi r^2`, "pi r ^ 2"],
  ["π", "pi"],
  ["∞", "infinity"],
  [r`x\lor y`, "x or y"],
  [r`x\land y`, "x and y"],
  [r`\{1,2\}`, r`\{ 1 , 2 \}`],
  [r`\lbrace1\rbrace`, r`\{ 1 \}`],
  [r`\langle1,2\rangle`, "⟨ 1 , 2 ⟩"],
  ["（1，2）", "( 1 , 2 )"],
  ["x＝５", "x = 5"],
  ["√2", "√ 2"],
  [r`\unknown{x}`, r`\unknown { x }`],
];

const NUMBERS: readonly (readonly [string, string])[] = [
  ["1,234", "1234"],
  ["1,234,567", "1234567"],
  ["1,234.5", "1234.5"],
  ["12,34", "12 , 34"],
  ["1,2345", "1 , 2345"],
  ["1234,567", "1234 , 567"],
  ["0,123", "0 , 123"],
  [r`1{,}234`, "1234"],
  [r`1,\!234`, "1234"],
  [r`1\,234`, "1234"],
  ["1 234", "1234"],
  ["1 234 567", "1234567"],
  ["1_000", "1000"],
  ["1 234/5", "1 234 / 5"],
  ["(1,234)", "( 1 , 234 )"],
  ["(1,000)", "( 1000 )"],
  ["[1,234; 5]", "[ 1 , 234 ; 5 ]"],
  [r`(1{,}234, 5)`, "( 1234 , 5 )"],
  ["3.14", "3.14"],
  [".5", ".5"],
  ["5.", "5 ."],
  ["1.2.3", "1.2 .3"],
  [r`0{,}5`, "0.5"],
  ["1e5", "1e5"],
  ["1E-5", "1e-5"],
  ["1e", "1 e"],
  ["2ex", "2 ex"],
  ["1e5x", "1 e 5 x"],
  ["2 x 10^5", "2 * 10 ^ 5"],
  ["2x", "2 x"],
  [r`0.\overline{3}`, "0.(3)"],
  [r`0.1\overline{6}`, "0.1(6)"],
  [r`0.\bar3`, "0.(3)"],
  ["0.(3)", "0.(3)"],
  ["0.3̄", "0.(3)"],
  [r`0.\dot{1}4285\dot{7}`, "0.(142857)"],
  ["0.333...", "0.(3)"],
  ["0.1666…", "0.1(6)"],
  [r`0.1212\ldots`, "0.(12)"],
  ["0.12...", "0.12 …"],
  ["٣", "3"],
  ["𝟓", "5"],
];

const LAYOUT: readonly (readonly [string, string])[] = [
  [r`\text{red}`, "red"],
  [r`\mathrm{cm}`, "cm"],
  [r`5\text{ cm}`, "5 cm"],
  [r`\left(1,2\right)`, "( 1 , 2 )"],
  [r`\left.x\right|`, "x |"],
  [r`\big(1\big)`, "( 1 )"],
  [r`\displaystyle\frac12`, r`\frac 12`],
  [r`a\,b\;c\quad d~e`, "a b c d e"],
  [r`\color{red}{5}`, "5"],
  [r`\textcolor{red}{5}`, "5"],
  [r`\fcolorbox{red}{blue}{5}`, "5"],
  [r`\boxed{5}`, "5"],
  [r`5\phantom{00}6`, "5 6"],
  [r`5\tag{1}`, "5"],
  [r`\hspace{1cm}5`, "5"],
  ["$5$", "5"],
  ["$$5$$", "5"],
  [r`\(5\)`, "5"],
  [r`\[5\]`, "5"],
  ["$5", "$ 5"],
  ["**5**", "5"],
  ["*5*", "5"],
  ["`5`", "5"],
  ["the **B.** one", "the B . one"],
  ['"yes"', "yes"],
  ["“yes”", "yes"],
  [r`\\frac{1}{2}`, r`\frac { 1 } { 2 }`],
  [r`x^{\text{2}}`, "x ^ { 2 }"],
  [r`\overrightarrow{AB}`, "AB"],
  [r`\begin{pmatrix}1\\2\end{pmatrix}`, r`\begin 1 \\ 2 \end`],
  [r`\begin{array}{cc}1&2\end{array}`, r`\begin 1 & 2 \end`],
  [r`\begin{itemize}x\end{itemize}`, r`\begin{itemize} x \end{itemize}`],
  ["", ""],
  ["   ", ""],
];

describe("tokensOf", () => {
  it.each([...MARKS, ...NUMBERS, ...LAYOUT])("cuts %s into %s", (answer, tokens) => {
    expect(shown(answer)).toBe(tokens);
  });

  it.each([
    ["1,234", "1 , 234"],
    ["1,234,567", "1 , 234 , 567"],
    [r`1{,}234`, "1234"],
    ["1 234", "1234"],
  ])("reads a comma in %s as %s where commas separate", (answer, tokens) => {
    expect(shown(answer, { commasSeparate: true })).toBe(tokens);
  });

  it("says what kind each token is", () => {
    const kinds = tokensOf(r`2\pi r=\text{area}`).map(({ kind, text }) => [text, kind]);
    expect(kinds).toEqual([
      ["2", "number"],
      ["pi", "word"],
      ["r", "word"],
      ["=", "mark"],
      ["area", "word"],
    ]);
  });

  it("says where white space stands before a token, typed or set", () => {
    const spaced = (answer: string) => tokensOf(answer).map(({ isSpaced }) => isSpaced);
    expect(spaced("5 m")).toEqual([false, true]);
    expect(spaced("5m")).toEqual([false, false]);
    for (const space of [" ", "~", r`\,`, r`\;`, r`\ `, r`\quad `, "\u00a0", "\n"]) {
      expect([space, spaced(`5${space}m`)]).toEqual([space, [false, true]]);
    }
    expect(spaced(r`5\!m`)).toEqual([false, false]);
  });

  it("says what stands in upright type, however deep, and no further than its brace", () => {
    const upright = (answer: string) =>
      tokensOf(answer)
        .filter(({ isUpright }) => isUpright)
        .map(({ text }) => text);
    expect(upright(r`5\,\mathrm{m} t`)).toEqual(["m"]);
    expect(upright(r`\text{so \mathbf{x} is} y`)).toEqual(["so", "x", "is"]);
    expect(upright(r`\mathbf{v}`)).toEqual([]);
    expect(upright("5 m")).toEqual([]);
  });

  it("takes 1200 tokens and no more", () => {
    expect(tokensOf("+".repeat(1200))).toHaveLength(1200);
    expect(() => tokensOf("+".repeat(1201))).toThrow("too many parts");
  });

  it("ends on any text, with tokens that are never empty", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (answer) => {
        for (const { text } of tokensOf(answer)) expect(text).not.toBe("");
      }),
      { numRuns: 2000, seed: 6 },
    );
  });

  it("does not change what it read when it reads that again", () => {
    const plain = fc
      .array(fc.constantFrom("12", "x", "+", "-", "(", ")", "=", "/", "^", "cm", "0.5", "|", "≤"), {
        maxLength: 8,
      })
      .map((parts) => parts.join(" "));
    fc.assert(
      fc.property(plain, (answer) => {
        const once = shown(answer);
        expect(shown(once)).toBe(once);
      }),
      { numRuns: 500, seed: 6 },
    );
  });
});

describe("canonicalText", () => {
  it("is the same for other layout, and another for other tokens", () => {
    const text = (answer: string) => canonicalText(tokensOf(answer));
    expect(text(r`\left( 1 , 2 \right)`)).toBe(text("(1,2)"));
    expect(text(r`\dfrac{1}{2}`)).toBe(text("½"));
    expect(text("1 2")).not.toBe(text("12"));
    expect(text("ab")).not.toBe(text("a b"));
    expect(text("")).toBe("");
  });
});
