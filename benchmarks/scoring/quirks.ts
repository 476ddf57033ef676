/**
 * @module What VLMEvalKit's scoring does that nobody would ask for, and what becomes of it in either mode. Every quirk
 * that `compatible` reproduces has a case in `tests/benchmarks/scoring/quirks.test.ts`.
 */
import type { BenchmarkName } from "../records.js";

export interface Quirk {
  readonly id: string;
  /** Where it shows; `choice`: wherever options are read. */
  readonly where: BenchmarkName | "choice" | "tables" | "files";
  /** What VLMEvalKit does. */
  readonly compatible: string;
  readonly fixed: string;
}

/** Reproduced by `compatible`. */
export const QUIRKS = [
  {
    id: "reasoning-is-read",
    where: "choice",
    compatible: "the whole response is searched for a letter, reasoning included",
    fixed: "the marked answer is read, else what follows the reasoning",
  },
  {
    id: "letter-in-word",
    where: "choice",
    compatible: 'from 2026-08 "answer is about" answers A: the letter may begin a word',
    fixed: "the letter stands alone",
  },
  {
    id: "article-is-letter",
    where: "choice",
    compatible: 'the word "A" counts as option A, so that "A" and the real letter are two',
    fixed: 'an "A" or "I" before a small letter is a word',
  },
  {
    id: "letter-in-signs",
    where: "choice",
    compatible: 'a letter in dollars, quotes or beside a slash is not seen: $B$, "B"',
    fixed: "it is seen",
  },
  {
    id: "text-in-word",
    where: "choice",
    compatible: "an option's text is found inside longer words: cat in category, a in parrot",
    fixed: "it must stand there in whole words; an option that is its own letter has no text",
  },
  {
    id: "failure-is-answer",
    where: "choice",
    compatible: "the words of a failed request are searched for option texts",
    fixed: "a failed row is failed",
  },
  {
    id: "lost-option",
    where: "MMMU",
    compatible: "an option whose text is None or NA is no option, also where it is the right one",
    fixed: "the right letter is always an option",
  },
  {
    id: "open-answer-is-substring",
    where: "MMMU",
    compatible: "an open answer is right where the gold text occurs in it: 19 for 9",
    fixed: "answers are compared as values and texts",
  },
  {
    id: "open-gold-letter",
    where: "MMMU",
    compatible:
      "an open gold of one capital letter is taken for the letter of an option: C can never be right",
    fixed: "it is a text like any other",
  },
  {
    id: "zero-is-nothing",
    where: "MathVista",
    compatible: "a right answer 0 counts as not found by rules and goes to the judge",
    fixed: "0 is an answer",
  },
  {
    id: "integer-without-point",
    where: "MathVista",
    compatible: "an integer answer with a point or a unit is none: 5.0 is not 5",
    fixed: "values are compared",
  },
  {
    id: "precision-ignored",
    where: "MathVista",
    compatible: "floats must be equal to the last digit, whatever precision was asked for",
    fixed: "they are compared at the asked precision",
  },
  {
    id: "lists-are-wrong",
    where: "MathVista",
    compatible: "a list is compared with the word None and always wrong",
    fixed: "lists are compared element by element",
  },
  {
    id: "a-equals-anything",
    where: "MathVision",
    compatible: "the answer a or A equals any number: it names a variable that holds the gold value",
    fixed: "it is a letter",
  },
  {
    id: "no-roots",
    where: "MathVision",
    compatible: "roots, π, names and degree signs have no value: sqrt(3) is not \\sqrt{3}",
    fixed: "answers are compared by the math grader: as expressions, sets, quantities",
  },
  {
    id: "null-is-nan",
    where: "MathVerse",
    compatible: "an extracted null is shown to the judge as nan",
    fixed: "it is shown as it is",
  },
] as const satisfies readonly Quirk[];

/** Left out on purpose in both modes: they depend on chance or surroundings, or end the program. */
export const NOT_REPRODUCED = [
  {
    id: "unseeded-guess",
    where: "choice",
    compatible: "where the judge fails, a random option is taken, another one each time",
    fixed: "no guess; --guess takes a seeded one",
  },
  {
    id: "verbose-changes-scores",
    where: "choice",
    compatible: "with the environment variable VERBOSE set, an A among more than three words is not read",
    fixed: "no environment variable is read",
  },
  {
    id: "random-order",
    where: "tables",
    compatible: "splits, versions and subjects come in an order that varies between runs",
    fixed: "splits and versions in the papers' order, names sorted",
  },
  {
    id: "apostrophe-in-metadata",
    where: "MathVerse",
    compatible: "an apostrophe in a metadata value ends the evaluation",
    fixed: "the cell is read as the Python literal it is",
  },
  {
    id: "second-level-ignored",
    where: "MMStar",
    compatible: "the finer abilities have no table: their column is spelt otherwise than expected",
    fixed: "they have a table of their own",
  },
  {
    id: "no-total",
    where: "MathVerse",
    compatible: "no mean over the versions; the summary shows Text Dominant",
    fixed: "the mean of the five versions has a table of its own",
  },
  {
    id: "escaped-line-ends",
    where: "files",
    compatible: "a carriage return comes back from xlsx as _x000D_",
    fixed: "it comes back as a line break",
  },
  {
    id: "formulas",
    where: "files",
    compatible: "a response that begins with = is stored as a formula and comes back as its value, 0",
    fixed: "its text is read",
  },
] as const satisfies readonly Quirk[];
