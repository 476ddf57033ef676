/**
 * @module Compares the outputs of two runs of a notebook, as far as they are meant to be the same: times, rates, memory
 * and paths are not, nor are the bytes of pictures.
 *
 * A cell tagged `varies` shows results of arithmetic whose last digits depend on the machine (training, sampling): of
 * its outputs only the kinds are compared.
 */
import { canonicalJson } from "../core/files/digest.js";
import { type Cell, joinText, type Notebook, type Output } from "./notebook.js";

/** What differs in one cell. */
export interface Difference {
  /** The cell's execution count. */
  readonly cell: number;
  /** Which output of the cell, from 1; 0: how many there are, and of which kinds. */
  readonly output: number;
  readonly expected: string;
  readonly actual: string;
}

const VARIES = "varies";

const NUMBER = "\\d[\\d,]*(?:\\.\\d+)?";
// Escape codes of terminals begin with a control character.
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is the one looked for
const COLOUR = /\u001b\[[0-9;]*m/g;

/** In this order; each pattern and what stands for it. */
const NORMALISED: readonly (readonly [RegExp, string])[] = [
  [COLOUR, ""],
  [/data:[\w/+.-]+;base64,[A-Za-z0-9+/=]+/g, "<data>"],
  [/(?<![\w<./])(?:\/[\w.@+-]+){2,}\/?/g, "<path>"],
  [/[A-Z]:\\[\w.@+\\-]+/g, "<path>"],
  [new RegExp(`${NUMBER} ?(?:\\w+ ?)?/s\\b`, "g"), "<rate>"],
  [new RegExp(`(?:${NUMBER} h )?(?:${NUMBER} min )?${NUMBER} ?(?:ms|µs|s|seconds)\\b`, "g"), "<time>"],
  [new RegExp(`${NUMBER} (?:h|min)\\b`, "g"), "<time>"],
  [new RegExp(`${NUMBER} ?(?:[kKMG]i?B|bytes)\\b`, "g"), "<size>"],
];

/** A text without what changes from run to run and from machine to machine. */
export function normaliseText(text: string): string {
  return NORMALISED.reduce((kept, [pattern, replacement]) => kept.replace(pattern, replacement), text);
}

type Bundle = Extract<Output, { output_type: "display_data" }>["data"];
type Value = Bundle[string];

/** Digits that different machines agree on. */
const DIGITS = 5;

/** Numbers to a few digits, so that sums in another order are the same. */
function rounded(value: Value): Value {
  if (typeof value === "number") return Number(value.toPrecision(DIGITS));
  if (typeof value === "string") return normaliseText(value);
  if (Array.isArray(value)) return value.map(rounded);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rounded(inner)]));
}

function isText(value: Value): value is string | string[] {
  return (
    typeof value === "string" || (Array.isArray(value) && value.every((line) => typeof line === "string"))
  );
}

/** One media type of an output, as it is compared. */
function comparable(type: string, value: Value): string {
  if (type.startsWith("image/")) return "<picture>";
  return isText(value) ? normaliseText(joinText(value)) : canonicalJson(rounded(value));
}

function kindOf(output: Output): string {
  if (output.output_type === "stream") return output.name;
  if (output.output_type === "error") return "error";
  return `${output.output_type}(${Object.keys(output.data).sort().join(", ")})`;
}

function contentOf(output: Output): string {
  if (output.output_type === "stream") return normaliseText(joinText(output.text));
  if (output.output_type === "error") return normaliseText(`${output.ename}: ${output.evalue}`);
  const parts = Object.entries(output.data).map(([type, value]) => `${type}: ${comparable(type, value)}`);
  return parts.sort().join("\n");
}

/** A cell's outputs, with a text that arrived in several messages as one: not every client joins them. */
function outputsOf({ outputs = [] }: Cell): Output[] {
  const joined: Output[] = [];
  for (const output of outputs) {
    const last = joined.at(-1);
    if (output.output_type === "stream" && last?.output_type === "stream" && last.name === output.name) {
      joined.splice(-1, 1, { ...last, text: joinText(last.text) + joinText(output.text) });
    } else {
      joined.push(output);
    }
  }
  return joined;
}

function compareCells(expected: Cell, actual: Cell): Difference[] {
  const cell = actual.execution_count ?? 0;
  const [wanted, found] = [outputsOf(expected), outputsOf(actual)];
  const [wantedKinds, foundKinds] = [wanted.map(kindOf).join("; "), found.map(kindOf).join("; ")];
  if (wantedKinds !== foundKinds) return [{ cell, output: 0, expected: wantedKinds, actual: foundKinds }];
  if (expected.metadata.tags?.includes(VARIES)) return [];
  return wanted.flatMap((output, at) => {
    const other = found[at];
    const [before, after] = [contentOf(output), other ? contentOf(other) : ""];
    return before === after ? [] : [{ cell, output: at + 1, expected: before, actual: after }];
  });
}

/** How a run differs from the outputs that are kept. @param expected the notebook as it was @param actual as run */
export function compareNotebooks(expected: Notebook, actual: Notebook): Difference[] {
  return expected.cells.flatMap((cell, at) => {
    const other = actual.cells[at];
    return cell.cell_type === "code" && other ? compareCells(cell, other) : [];
  });
}

/** The first line in which two texts differ. */
function firstDifference(expected: string, actual: string): readonly [string, string] {
  const [wanted, found] = [expected.split("\n"), actual.split("\n")];
  const at = wanted.findIndex((line, index) => line !== found[index]);
  const line = at < 0 ? wanted.length : at;
  return [wanted[line] ?? "(nothing)", found[line] ?? "(nothing)"];
}

/** A difference in three lines, for people. */
export function formatDifference({ cell, output, expected, actual }: Difference): string {
  const where = output === 0 ? `cell ${cell}, kinds of output` : `cell ${cell}, output ${output}`;
  const [wanted, found] = firstDifference(expected, actual);
  return `${where}:\n  kept: ${wanted.slice(0, 300)}\n  now:  ${found.slice(0, 300)}`;
}
