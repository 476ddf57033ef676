import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sentencesOf } from "../../../src/reward/response/formulas.js";

const r = String.raw;

/** Sentences on one line: words as they are, formulas in ⟦⟧, a bar between sentences. */
function shown(text: string): string {
  return sentencesOf(text)
    .map((pieces) => pieces.map(({ kind, text: part }) => (kind === "formula" ? `⟦${part}⟧` : part)).join(""))
    .join("|");
}

describe("sentencesOf", () => {
  it.each([
    ["", ""],
    ["   \n ", ""],
    ["One. Two! Three? Four", "One| Two| Three| Four"],
    ["It is 3.5 m. Yes", "It is 3.5 m| Yes"],
    ["No.5 is it. Yes", "No.5 is it| Yes"],
    ['He said "yes." Then he left', 'He said "yes|" Then he left'],
    ["One\n\nTwo", "One|Two"],
    ["One\nTwo", "One\nTwo"],
    ["第一。 第二", "第一| 第二"],
    ["We get $x=1$ here", "We get ⟦x=1⟧ here"],
    ["$$x=1$$", "⟦x=1⟧"],
    [r`\(x\) and \[y\]`, "⟦x⟧ and ⟦y⟧"],
    [r`\begin{align*}x\end{align*}`, "⟦x⟧"],
    [r`\begin{cases}x\end{cases}`, r`\begin{cases}x\end{cases}`],
    ["$1.5 + 2. x$", "⟦1.5 + 2. x⟧"],
    ["So $x = 1.$ Next we", "So ⟦x = 1.⟧| Next we"],
    ["So $x = 1.$ next we", "So ⟦x = 1.⟧ next we"],
    [r`It costs \$5 or \$6.`, r`It costs \$5 or \$6`],
    [r`It costs $\$5$ now`, r`It costs ⟦\$5⟧ now`],
    ["It costs $5 in all", "It costs $5 in all"],
    [r`a \( b`, r`a \( b`],
    ["$a$$b$", "⟦a⟧⟦b⟧"],
  ])("cuts %j into %s", (text, sentences) => {
    expect(shown(text).replaceAll("..", ".")).toBe(sentences);
  });

  it("takes no formula of more than a thousand characters", () => {
    const length = (count: number) => sentencesOf(`$${"x".repeat(count)}$`)[0]?.[0]?.kind;
    expect(length(999)).toBe("formula");
    expect(length(1001)).toBe("words");
  });

  it("keeps every letter, in order, and has no empty sentence", () => {
    const pieces = fc
      .array(
        fc.constantFrom("a", "b ", ". ", "$", "$$", r`\(`, r`\)`, r`\[`, r`\]`, "\n\n", "!", r`\$`, "? C"),
        { maxLength: 15 },
      )
      .map((parts) => parts.join(""));
    const letters = (text: string) => text.replace(/[^a-zC]/g, "");
    fc.assert(
      fc.property(pieces, (text) => {
        const sentences = sentencesOf(text);
        expect(sentences.every((sentence) => sentence.length > 0)).toBe(true);
        expect(
          letters(
            sentences
              .flat()
              .map((piece) => piece.text)
              .join(""),
          ),
        ).toBe(letters(text));
      }),
      { numRuns: 1000, seed: 2 },
    );
  });
});
