/**
 * @module The parts of tslab 1.0.22 that the kernel stands on, with types: the converter (TypeScript cells → CommonJS),
 * the executor (runs them, keeps their variables) and the place where tslab's `display` finds its sender.
 */
import { createRequire } from "node:module";
import process from "node:process";
import type { QuickInfo } from "typescript";
import { type CellMaps, replaceCompiler } from "./compiler.js";
import { expandShorthand } from "./shorthand.js";
import { hasTopLevelAwait } from "./topLevelAwait.js";

/** What tslab's converter makes of a cell; the parts that are used here. */
interface Converted {
  readonly output?: string;
  hasToplevelAwait?: boolean;
}

interface Converter {
  convert(previousDeclarations: string, source: string): Converted;
  close(): void;
}

/** What tslab suggests for a position in a cell. */
export interface Completions {
  /** The part of the cell that a candidate replaces, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  readonly candidates: readonly string[];
}

/** Runs cells one after another; their variables live on. */
export interface Executor {
  /** True: the cell ran. False: it did not, and `error` of the console was told why. */
  execute(source: string): Promise<boolean>;
  inspect(source: string, position: number): QuickInfo | undefined;
  complete(source: string, position: number): Completions;
  /** Ends the waiting for the cell in progress; what it started goes on. */
  interrupt(): void;
  close(): void;
}

/** Where the executor reports to. */
export interface ExecutorConsole {
  /** The value of a cell's last expression, unless null or undefined. */
  log(value: unknown): void;
  /** What a cell threw; or a format and its arguments for a type error. */
  error(first: unknown, ...more: readonly unknown[]): void;
}

/** One output of several media types, as tslab's `display` sends it. */
export interface DisplayMessage {
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: object;
  readonly transient: { readonly display_id?: string };
}

export type SendDisplay = (message: DisplayMessage, isUpdate: boolean) => void;

interface ConverterModule {
  createConverter(options: { isJS: boolean; isBrowser: boolean }): Converter;
  isCompleteCode(source: string): { readonly completed: boolean; readonly indent?: string };
}
interface ExecutorModule {
  createExecutor(
    folder: string,
    converters: { node: Converter; browser: Converter; close(): void },
    console: ExecutorConsole,
  ): Executor;
}
interface InspectModule {
  printQuickInfo(info: QuickInfo): string;
}
interface JupyterModule {
  lastWriteDisplayData: SendDisplay | null;
}

export interface Tslab {
  /** Cells import relative to the process's folder. */
  createExecutor(console: ExecutorConsole): Executor;
  isCompleteCode: ConverterModule["isCompleteCode"];
  printQuickInfo: InspectModule["printQuickInfo"];
  /** Where `display` of tslab and of this library sends to. */
  setDisplay(send: SendDisplay): void;
  readonly maps: CellMaps;
}

/**
 * Loads tslab on the project's TypeScript. The compiler starts with the first executor.
 * @param preloads declaration files that cells are going to import
 */
export function loadTslab(preloads: readonly string[]): Tslab {
  const require = createRequire(import.meta.url);
  const { ts, maps } = replaceCompiler(preloads);
  const { createConverter, isCompleteCode } = require("tslab/dist/converter.js") as ConverterModule;
  const { createExecutor } = require("tslab/dist/executor.js") as ExecutorModule;
  const { printQuickInfo } = require("tslab/dist/inspect.js") as InspectModule;
  const jupyter = require("tslab/dist/jupyter.js") as JupyterModule;

  const startConverter = (): Converter => {
    const converter = createConverter({ isJS: false, isBrowser: false });
    return {
      ...converter,
      convert(previousDeclarations, source) {
        const converted = converter.convert(previousDeclarations, expandShorthand(ts, source));
        if (converted.output) converted.hasToplevelAwait = hasTopLevelAwait(ts, source);
        return converted;
      },
    };
  };
  return {
    createExecutor(console) {
      const node = startConverter();
      return createExecutor(process.cwd(), { node, browser: node, close: () => node.close() }, console);
    },
    isCompleteCode,
    printQuickInfo,
    setDisplay(send) {
      jupyter.lastWriteDisplayData = send;
    },
    maps,
  };
}
