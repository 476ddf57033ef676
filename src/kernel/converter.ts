/**
 * @module tslab's converter (TypeScript cells → CommonJS) on the project's TypeScript, with its faults mended.
 */
import { createRequire } from "node:module";
import type { QuickInfo } from "typescript";
import type { StepMaps } from "./cellMaps.js";
import type { CellDiagnostic, Compiler, Completeness, Completions, Converted } from "./compiler.js";
import { replaceCompiler } from "./projectCompiler.js";
import { expandShorthand } from "./shorthand.js";
import { takenNames } from "./takenNames.js";
import { hasTopLevelAwait } from "./topLevelAwait.js";

interface Converter {
  convert(previous: string, source: string): Converted;
  addModule(name: string, source: string, metadata: object): readonly CellDiagnostic[];
  inspect(previous: string, source: string, position: number): QuickInfo | undefined;
  complete(previous: string, source: string, position: number): Completions;
  close(): void;
}

interface ConverterModule {
  createConverter(options: { isJS: boolean; isBrowser: boolean }): Converter;
  isCompleteCode(source: string): Completeness;
}
interface MetadataModule {
  getCodeMetadata(source: string): object;
}

/**
 * Reads the declarations that cells are going to import and makes the first checker; takes this thread for its own.
 * @param library the library's declaration file
 */
export function startConverter(library: string): Compiler {
  const require = createRequire(import.meta.url);
  let mapsOfCell: StepMaps | undefined;
  const ts = replaceCompiler({
    library,
    onCompiled({ maps }) {
      mapsOfCell = maps ?? mapsOfCell;
    },
  });
  const { createConverter, isCompleteCode } = require("tslab/dist/converter.js") as ConverterModule;
  const { getCodeMetadata } = require("tslab/dist/metadata.js") as MetadataModule;
  const converter = createConverter({ isJS: false, isBrowser: false });
  const convert = (previous: string, source: string): Converted => {
    mapsOfCell = undefined;
    const diagnostics = takenNames(ts, source);
    if (diagnostics.length > 0) return { diagnostics };
    const converted = converter.convert(previous, expandShorthand(ts, source));
    if (!converted.output) return converted;
    const waits = { hasToplevelAwait: hasTopLevelAwait(ts, source) };
    return { ...converted, ...waits, ...(mapsOfCell ? { maps: mapsOfCell } : {}) };
  };
  convert("", "0"); // the first checker takes longest
  return {
    convert,
    addModule: converter.addModule,
    inspect: converter.inspect,
    complete(previous, source, position) {
      const { start, end, candidates } = converter.complete(previous, source, position);
      return { start, end, candidates };
    },
    isCompleteCode,
    metadataOf: getCodeMetadata,
    close: converter.close,
  };
}
