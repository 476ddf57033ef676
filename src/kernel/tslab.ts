/**
 * @module The parts of tslab 1.0.22 that the kernel stands on, with types: the executor (runs cells, keeps their
 * variables), which asks a compiler of ours, and the place where tslab's `display` finds its sender.
 */
import { createRequire } from "node:module";
import process from "node:process";
import type { QuickInfo } from "typescript";
import { type CellMaps, createCellMaps } from "./cellMaps.js";
import type { Compiler, Completeness, Completions } from "./compiler.js";
import { replaceModule } from "./replaceModule.js";

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

/** The part of a compiler that the executor asks. */
type Converter = Pick<Compiler, "convert" | "addModule" | "inspect" | "complete" | "close">;

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
  isCompleteCode(source: string): Completeness;
  printQuickInfo: InspectModule["printQuickInfo"];
  /** Where `display` of tslab and of this library sends to. */
  setDisplay(send: SendDisplay): void;
  readonly maps: CellMaps;
}

/** The converter as the executor expects it, which names the code of every cell. */
function namingConverter(compiler: Compiler, maps: CellMaps): Converter {
  return {
    ...compiler,
    convert(previous, source) {
      const { maps: steps, ...converted } = compiler.convert(previous, source);
      const { output } = converted;
      return output === undefined || !steps
        ? converted
        : { ...converted, output: maps.record(output, steps) };
    },
  };
}

/** Loads tslab without a compiler of its own. */
export function loadTslab(compiler: Compiler): Tslab {
  const require = createRequire(import.meta.url);
  const { isCompleteCode, metadataOf: getCodeMetadata } = compiler;
  replaceModule(require.resolve("tslab/dist/converter.js"), { isCompleteCode });
  replaceModule(require.resolve("tslab/dist/metadata.js"), { getCodeMetadata });
  const { createExecutor } = require("tslab/dist/executor.js") as ExecutorModule;
  const { printQuickInfo } = require("tslab/dist/inspect.js") as InspectModule;
  const jupyter = require("tslab/dist/jupyter.js") as JupyterModule;
  const maps = createCellMaps();
  return {
    createExecutor(console) {
      const node = namingConverter(compiler, maps);
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
