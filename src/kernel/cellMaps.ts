/**
 * @module From positions in compiled cells back to positions in cells, for stack traces.
 *
 * A cell is compiled twice, TypeScript → modern JavaScript → CommonJS, and each step has a source map. Every compiled
 * cell is given a name of its own through a `sourceURL` comment, so that a function of one cell that throws in another
 * is found where it is written.
 */
import { SourceMap } from "node:module";
import { invariant } from "../core/errors.js";

/** A place in a cell, counted from 1. */
export interface CellPlace {
  /** The cell's execution count. */
  readonly cell: number;
  readonly line: number;
  readonly column: number;
}

type Payload = ConstructorParameters<typeof SourceMap>[0];

/** The maps of both steps; plain data. */
export interface StepMaps {
  /** From modern JavaScript to TypeScript. */
  readonly first: Payload;
  /** From CommonJS to modern JavaScript. */
  readonly second: Payload;
}

/** What both steps made of a cell, or of a file that it imports. */
export interface CompiledCode {
  readonly code: string;
  /** Of a cell only. */
  readonly maps?: StepMaps;
}

interface Transpiled {
  readonly outputText: string;
  readonly sourceMapText?: string | undefined;
}

export interface CellMaps {
  /** From here on, what is compiled belongs to the cell of this execution count. */
  begin(cell: number): void;
  /** Keeps the maps of the cell's code. @returns the code, named */
  record(code: string, maps: StepMaps): string;
  /** The stack with every frame of a cell where the person wrote it. */
  restore(stack: string): string;
}

const INLINE_MAP = /\/\/# sourceMappingURL=data:application\/json;base64,([A-Za-z0-9+/=]+)\s*$/;
/** Of the second step, and of the first, which the second keeps as a comment. */
const MAP_COMMENTS = /(?:\n?\/\/# sourceMappingURL=.*)+\s*$/;
const USE_STRICT = /^"use strict";\n/;
/** A frame's place: `tslab-cell-3:2:7`. */
const PLACE = /tslab-cell-(\d+):(\d+):(\d+)/g;

/** A whole frame, with the line feed before it. */
const CALL_FRAME = /\n\s+at tslab-cell-(\d+):(\d+):\d+/g;

/** tslab's executor puts one of these before the code, on its first line. */
const PREFIXES = ["(async function(exports, require) { ", "(function(exports, require) { "] as const;
/** tslab's converter puts a line of its own before the cell. */
const LINES_BEFORE_CELL = 1;

interface Steps {
  readonly first: SourceMap;
  readonly second: SourceMap;
  /** Lines of the code; the executor's call of it stands below. */
  readonly lines: number;
}

/** Whether a map is of the cell itself, and not of a file that the cell imports. */
function isOfCell({ sources }: Payload): boolean {
  return sources.some((name) => name.endsWith("__tslab__.ts"));
}

/** Both positions from 0; undefined where the compiler made code of its own. */
function original(map: SourceMap, line: number, column: number): readonly [number, number] | undefined {
  const entry = map.findEntry(line, column);
  return "originalLine" in entry ? [entry.originalLine, entry.originalColumn] : undefined;
}

/**
 * Takes the maps out of the code.
 * @param source the first step's output, with its map inline
 * @param transpiled the second step's
 */
export function compiledCode(source: string, { outputText, sourceMapText }: Transpiled): CompiledCode {
  const inline = INLINE_MAP.exec(source)?.[1];
  invariant(inline !== undefined, "cellMaps: the first step has its source map inline");
  invariant(sourceMapText !== undefined, "cellMaps: the second step has a source map");
  invariant(USE_STRICT.test(outputText), "cellMaps: CommonJS begins with a line of its own");
  const code = outputText.replace(MAP_COMMENTS, "").replace(USE_STRICT, "");
  const first = JSON.parse(Buffer.from(inline, "base64").toString()) as Payload;
  if (!isOfCell(first)) return { code };
  return { code, maps: { first, second: JSON.parse(sourceMapText) as Payload } };
}

export function createCellMaps(): CellMaps {
  const steps = new Map<number, Steps>();
  let current = 0;

  /** @param line from 1, in the code without the "use strict" line */
  const placeOf = (cell: number, line: number, column: number): CellPlace | undefined => {
    const maps = steps.get(cell);
    if (!maps) return undefined;
    // Line 1 begins with the executor's prefix; which of the two does not matter at this precision.
    const shift = line === 1 ? PREFIXES[1].length : 0;
    const middle = original(maps.second, line, Math.max(0, column - 1 - shift));
    const first = middle && original(maps.first, ...middle);
    if (!first) return undefined;
    return { cell, line: first[0] + 1 - LINES_BEFORE_CELL, column: first[1] + 1 };
  };

  return {
    begin(cell) {
      current = cell;
    },
    record(code, { first, second }) {
      steps.set(current, {
        first: new SourceMap(first),
        second: new SourceMap(second),
        lines: code.split("\n").length,
      });
      return `${code}\n//# sourceURL=tslab-cell-${current}`;
    },
    restore: (stack) =>
      stack
        .replace(CALL_FRAME, (found, cell: string, line: string) =>
          Number(line) > (steps.get(Number(cell))?.lines ?? Number.POSITIVE_INFINITY) ? "" : found,
        )
        .replace(PLACE, (found, cell: string, line: string, column: string) => {
          const place = placeOf(Number(cell), Number(line), Number(column));
          return place
            ? `cell ${place.cell}, line ${place.line}:${place.column}`
            : found.replace("tslab-", "");
        }),
  };
}
