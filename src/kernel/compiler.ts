/**
 * @module What a notebook needs of TypeScript: cells compiled and checked, names completed and explained. Plain data
 * in, plain data out, so that it can be done in another thread.
 */
import type { QuickInfo } from "typescript";
import type { StepMaps } from "./cellMaps.js";

/** A place in a cell, from 0, as tslab counts. */
interface Place {
  readonly line: number;
  readonly character: number;
}

/** What tslab's executor prints of a fault. */
export interface CellDiagnostic {
  readonly start: Place;
  readonly messageText: string;
  readonly fileName?: string;
}

/** A cell, compiled; or why it was not. The executor reads it. */
export interface Converted {
  readonly output?: string;
  /** Types of what the cell declares, for the cells after it. */
  readonly declOutput?: string;
  readonly diagnostics: readonly CellDiagnostic[];
  readonly hasToplevelAwait?: boolean;
  /** The variable that holds the value of the last expression. */
  readonly lastExpressionVar?: string;
  /** TypeScript files that the cell imports, compiled. */
  readonly sideOutputs?: readonly { readonly path: string; readonly data: string }[];
  /** From `output` to the cell. */
  readonly maps?: StepMaps;
}

/** What is suggested for a position in a cell. */
export interface Completions {
  /** The part of the cell that a candidate replaces, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  readonly candidates: readonly string[];
}

/** Whether a cell is complete; if not, what its next line begins with. */
export interface Completeness {
  readonly completed: boolean;
  readonly indent?: string;
}

/** `previous` is what the cells so far declare: their last `declOutput`. */
export interface Compiler {
  convert(previous: string, source: string): Converted;
  /** A whole cell that is a module of its own: `@module name` in its first comment. @returns its faults */
  addModule(name: string, source: string, metadata: object): readonly CellDiagnostic[];
  inspect(previous: string, source: string, position: number): QuickInfo | undefined;
  complete(previous: string, source: string, position: number): Completions;
  isCompleteCode(source: string): Completeness;
  /** What a cell's first comment asks for: a module, a browser. */
  metadataOf(source: string): object;
  close(): void;
}
