/**
 * @module What a notebook shows of a failed cell: name, message and a stack of the person's own frames, in the lines of
 * the cell and without folders of this machine.
 */
import { inspect } from "node:util";
import { SharegrpoError } from "../core/errors.js";
import { packageRoot } from "../core/files/packageRoot.js";
import type { CellMaps } from "./cellMaps.js";

export interface CellError {
  readonly name: string;
  readonly message: string;
  /** Lines. */
  readonly traceback: readonly string[];
}

function interruption(message: string): CellError {
  return { name: "Interrupted", message, traceback: [`Interrupted: ${message}`] };
}

/** The cell ended at once, or was left while its work goes on. */
export const INTERRUPTED = interruption("the cell was interrupted");
/** The cell ended by itself after it was asked to. */
export const STOPPED = interruption("the cell stopped on request; its variables are kept");

const FRAME = /^\s+at /;
/** Frames from here down run the cell and are not part of it. */
const BELOW_CELL = /^\s+at .*(node:vm:|[\\/]tslab[\\/]dist[\\/])/;
/** A person's frames. */
const CELL_FRAME = /cell \d+, line \d+/;

/** Without the frames that ran the cell, and without the source line that Node puts before a mapped stack. */
function withoutMachinery(lines: readonly string[]): readonly string[] {
  const start = /^\S+:\d+$/.test(lines[0] ?? "") ? lines.indexOf("") + 1 : 0;
  const end = lines.findIndex((line) => BELOW_CELL.test(line));
  return lines.filter((line, at) => at >= start && (end < 0 || at < end || !FRAME.test(line)));
}

/** Errors made on purpose say in their message what to do; of their stack only the cell's lines are of use. */
function isOnPurpose(error: Error): boolean {
  return error instanceof SharegrpoError;
}

/** @param error anything that a cell threw */
export function cellError(error: unknown, maps: CellMaps): CellError {
  if (!(error instanceof Error)) {
    const text = inspect(error);
    return { name: "Thrown", message: text, traceback: [`Thrown: ${text}`] };
  }
  if ("code" in error && error.code === "ERR_SCRIPT_EXECUTION_INTERRUPTED") return INTERRUPTED;
  const stack = maps
    .restore(inspect(error))
    .replaceAll(packageRoot(), "sharegrpo")
    .replaceAll("at Proxy.", "at ");
  const lines = withoutMachinery(stack.split("\n"));
  const kept = isOnPurpose(error)
    ? lines.filter((line) => !FRAME.test(line) || CELL_FRAME.test(line))
    : lines;
  return { name: error.name, message: error.message, traceback: kept };
}

/** TypeScript's number-less messages that have a cure in a notebook, and the cure. */
const CURES: readonly (readonly [RegExp, string])[] = [
  [
    /has or is using (private )?name .* but cannot be named/,
    "give the variable a type, or import its type at the top of the cell",
  ],
];

/** A diagnostic with the line it is about and a caret below the place. */
function withSource(diagnostic: string, source: string): string[] {
  const [, line, column] = /^(\d+):(\d+) - /.exec(diagnostic) ?? [];
  const text = line === undefined ? undefined : source.split("\n")[Number(line) - 1];
  const cure = CURES.find(([pattern]) => pattern.test(diagnostic))?.[1];
  const lines = cure === undefined ? [diagnostic] : [diagnostic, `  (${cure})`];
  return text === undefined ? lines : [...lines, `    ${text}`, `    ${" ".repeat(Number(column) - 1)}^`];
}

/** The error for a cell that was not run, because its types are wrong. @param diagnostics `line:column - message` */
export function typeErrors(diagnostics: readonly string[], source: string): CellError {
  const traceback = diagnostics.flatMap((diagnostic) => withSource(diagnostic, source));
  return { name: "TypeScriptError", message: diagnostics.join("\n"), traceback };
}
