/**
 * @module What LaTeX commands and Unicode characters mean in an answer: a mark, a name, or nothing but layout.
 */

/** Commands and characters that stand for one mark. */
const MARKS: Readonly<Record<string, string>> = {
  "*": "\\times \\cdot \\ast \\bullet × · ⋅ ∙ • ∗",
  "/": "\\div ÷ ⁄ ∕",
  "-": "− – — ‐ ‑",
  "±": "\\pm",
  "∓": "\\mp",
  "≤": "\\le \\leq \\leqslant \\leqq ⩽ ≦",
  "≥": "\\ge \\geq \\geqslant \\geqq ⩾ ≧",
  "<": "\\lt",
  ">": "\\gt",
  "≠": "\\ne \\neq",
  "≈": "\\approx \\thickapprox \\simeq ≃ ≅ ≒",
  "∪": "\\cup \\bigcup",
  "∩": "\\cap \\bigcap",
  "∈": "\\in",
  "∅": "\\emptyset \\varnothing",
  "°": "\\circ \\degree ∘ º ˚",
  "'": "\\prime ′ ’",
  "(": "\\lparen （",
  ")": "\\rparen ）",
  "[": "\\lbrack ［",
  "]": "\\rbrack ］",
  "\\{": "\\lbrace",
  "\\}": "\\rbrace",
  "⟨": "\\langle \\lang 〈",
  "⟩": "\\rangle \\rang 〉",
  "|": "\\vert \\lvert \\rvert \\mid ∣ \\| \\Vert \\lVert \\rVert ‖ ∥",
  "⌊": "\\lfloor",
  "⌋": "\\rfloor",
  "⌈": "\\lceil",
  "⌉": "\\rceil",
  "∠": "\\angle \\measuredangle",
  "△": "\\triangle \\bigtriangleup ∆",
  "⊥": "\\perp",
  "∥": "\\parallel",
  "→": "\\to \\rightarrow \\Rightarrow \\implies \\longrightarrow",
  "…": "\\ldots \\dots \\cdots \\dotsc",
  ":": "\\colon ∶ ：",
  ",": "， 、",
  ";": "；",
  "=": "＝ \\equiv",
  "%": "％",
  "\\frac": "\\dfrac \\tfrac \\cfrac",
  "\\binom": "\\dbinom \\tbinom",
  $: "＄",
};

/** Words that commands and characters stand for: functions, constants, Greek letters. */
const WORDS: Readonly<Record<string, string>> = {
  pi: "\\pi π",
  infinity: "\\infty ∞",
  α: "\\alpha",
  β: "\\beta",
  γ: "\\gamma",
  δ: "\\delta",
  ε: "\\epsilon \\varepsilon ϵ",
  ζ: "\\zeta",
  η: "\\eta",
  θ: "\\theta \\vartheta ϑ",
  κ: "\\kappa",
  λ: "\\lambda",
  μ: "\\mu µ",
  ν: "\\nu",
  ξ: "\\xi",
  ρ: "\\rho \\varrho ϱ",
  σ: "\\sigma",
  τ: "\\tau",
  φ: "\\phi \\varphi ϕ",
  χ: "\\chi",
  ψ: "\\psi",
  ω: "\\omega",
  Γ: "\\Gamma",
  Δ: "\\Delta",
  Θ: "\\Theta",
  Λ: "\\Lambda",
  Ξ: "\\Xi",
  Π: "\\Pi",
  Σ: "\\Sigma",
  Φ: "\\Phi",
  Ψ: "\\Psi",
  Ω: "\\Omega Ω",
  ℓ: "\\ell",
};

/** Functions that have a command of their own name; the others are unknown here. */
const FUNCTION_COMMANDS =
  "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh ln log lg exp max min gcd".split(" ");

function inverted(table: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(table).flatMap(([meaning, spellings]) =>
      spellings.split(" ").map((spelling) => [spelling, meaning] as const),
    ),
  );
}

export const MARK_OF = inverted(MARKS);
export const WORD_OF: ReadonlyMap<string, string> = new Map([
  ...inverted(WORDS),
  ...["\\lor", "\\vee", "∨"].map((sign) => [sign, "or"] as const),
  ...["\\land", "\\wedge", "∧"].map((sign) => [sign, "and"] as const),
  ...FUNCTION_COMMANDS.map((name) => [`\\${name}`, name] as const),
]);

/** Commands whose argument is shown as it is, in other type. */
export const WRAPPERS: ReadonlySet<string> = new Set(
  "text textbf textit textrm textsf texttt textnormal mathrm mathbf mathit mathsf mathtt mathcal mathbb boldsymbol bm operatorname mbox hbox boxed fbox framebox emph overline overrightarrow overleftrightarrow vec hat bar underline mathring"
    .split(" ")
    .map((name) => `\\${name}`),
);

/** Wrappers in whose type units and words stand, and variables do not. */
export const UPRIGHT: ReadonlySet<string> = new Set(
  "text textrm textsf textnormal mathrm mathsf operatorname mbox hbox".split(" ").map((name) => `\\${name}`),
);

/** Wrappers with arguments of their own before what they show: how many. */
export const COLOURED: ReadonlyMap<string, number> = new Map([
  ["\\color", 1],
  ["\\textcolor", 1],
  ["\\colorbox", 1],
  ["\\fcolorbox", 2],
  ["\\style", 1],
  ["\\class", 1],
]);

/** Commands that show nothing of their argument. */
export const UNSHOWN: ReadonlySet<string> = new Set(
  "phantom hphantom vphantom hspace vspace hspace* vspace* tag tag* label"
    .split(" ")
    .map((name) => `\\${name}`),
);

/** Commands that only move or size what follows. `\left` and `\right` also come with an invisible `.`. */
export const LAYOUT: ReadonlySet<string> = new Set(
  "left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle textstyle limits nolimits therefore because quad qquad , ; : > ! thinspace ( ) [ ] enspace tiny scriptsize footnotesize small normalsize large Large LARGE huge Huge scriptstyle scriptscriptstyle rm bf it sf tt cal bfseries itshape rmfamily mathstrut hfill noindent"
    .split(" ")
    .map((name) => `\\${name}`),
);

/** Superscript characters and what they raise to. */
export const SUPERSCRIPTS: ReadonlyMap<string, string> = new Map(
  [..."⁰¹²³⁴⁵⁶⁷⁸⁹⁻"].map((character, at) => [character, at < 10 ? String(at) : "-"]),
);

/** Subscript digits. */
export const SUBSCRIPTS: ReadonlyMap<string, string> = new Map(
  [..."₀₁₂₃₄₅₆₇₈₉"].map((character, at) => [character, String(at)]),
);

/** Fractions that are one character. */
export const VULGAR: ReadonlyMap<string, readonly [top: string, bottom: string]> = new Map([
  ["½", ["1", "2"]],
  ["⅓", ["1", "3"]],
  ["⅔", ["2", "3"]],
  ["¼", ["1", "4"]],
  ["¾", ["3", "4"]],
  ["⅕", ["1", "5"]],
  ["⅖", ["2", "5"]],
  ["⅗", ["3", "5"]],
  ["⅘", ["4", "5"]],
  ["⅙", ["1", "6"]],
  ["⅚", ["5", "6"]],
  ["⅛", ["1", "8"]],
  ["⅜", ["3", "8"]],
  ["⅝", ["5", "8"]],
  ["⅞", ["7", "8"]],
]);

/** Short words that are no products of letters. */
export const NO_PRODUCTS: ReadonlySet<string> = new Set(
  "max min gcd lcm mod dne nan and the for are not yes no is of or if in to by at all any am pm as it on so".split(
    " ",
  ),
);
