/**
 * @module What an answer can be. `readAnswer` makes one of a text, `compareAnswers` compares two.
 */
import type { Expression } from "../symbolic/expression.js";
import type { Token } from "./tokens.js";
import type { Unit } from "./units.js";

/** A quantity: a number or an expression, with its unit where it has one. */
export interface Value {
  readonly kind: "value";
  readonly expression: Expression;
  readonly unit: Unit | null;
  /** The unit as written: without other evidence, "4 h" may be 4·h. */
  readonly unitTokens: readonly Token[];
}

/** Words, or mathematics that is not read: compared as text. */
export interface Text {
  readonly kind: "text";
  /** Lower case, without spaces, articles and punctuation. */
  readonly words: string;
  /** Why it is not read as mathematics. */
  readonly reason: string;
  /** Whether it may be mathematics that the reader does not know: there is a command in it. */
  readonly isUnread: boolean;
}

/** A letter of a multiple choice, or a single letter as such; `content` is the option's text behind it. */
export interface Choice {
  readonly kind: "choice";
  readonly letter: string;
  readonly content: Answer | null;
}

/** Several answers in any order. A list may repeat one ("1, 1"), a set and a union may not. */
export interface Collection {
  readonly kind: "collection";
  readonly form: "list" | "set" | "union";
  readonly elements: readonly Answer[];
}

/** Tuple, interval, vector: elements in order, between brackets that mean something. */
export interface Group {
  readonly kind: "group";
  readonly open: "(" | "[";
  readonly close: ")" | "]";
  readonly elements: readonly Answer[];
}

export interface Matrix {
  readonly kind: "matrix";
  readonly rows: readonly (readonly Answer[])[];
}

/** "x = 5", "area = 5 cm²": a name for the answer, and the answer. */
export interface Labelled {
  readonly kind: "labelled";
  /** Canonical text of the name. */
  readonly label: string;
  readonly value: Answer;
  /** The same as an equation, where it is one. */
  readonly relation: Relation | null;
}

/** An equation or inequality; "<" and "≤" only, ">" is turned round. */
export interface Relation {
  readonly kind: "relation";
  readonly operator: "=" | "<" | "≤" | "≠";
  readonly left: Expression;
  readonly right: Expression;
}

/** 3:4, 2:3:5. */
export interface Ratio {
  readonly kind: "ratio";
  readonly parts: readonly Expression[];
}

/** A time of day. */
export interface Clock {
  readonly kind: "clock";
  readonly hours: number;
  readonly minutes: number;
  readonly half: "am" | "pm" | null;
  /** The same as a ratio: 12:15 may be one. */
  readonly ratio: Ratio | null;
}

export type Answer =
  | Value
  | Text
  | Choice
  | Collection
  | Group
  | Matrix
  | Labelled
  | Relation
  | Ratio
  | Clock;

/** Reads a part of an answer, with a bound on depth. */
export type ReadPart = (tokens: readonly Token[]) => Answer;
