/**
 * @module Gathers what a cell puts out into the outputs that a notebook file keeps.
 */
import type { CellOutcome, CellSink } from "./cells.js";
import { joinText, type Output, splitText } from "./notebook.js";
import type { StreamName } from "./streams.js";
import type { ValueBundle } from "./values.js";

type Bundle = Extract<Output, { output_type: "display_data" }>["data"];

/** A display that a later message replaces, also from a later cell. */
interface Shown {
  data: Bundle;
  metadata: Bundle;
}

export interface OutputGatherer {
  /** What follows belongs to a new cell. */
  begin(): CellSink;
  /** Takes the cell's value and error, and returns all its outputs, which later displays may still change. */
  end(outcome: CellOutcome, count: number): Output[];
}

/** Media types whose values are text for people, kept as lines; others are one string or JSON. */
function isLines(type: string): boolean {
  return type.startsWith("text/") || type === "image/svg+xml" || type === "application/javascript";
}

/** A bundle as a file keeps it: plain JSON, text in lines. */
function savedBundle(bundle: object): Bundle {
  const plain = JSON.parse(JSON.stringify(bundle)) as Bundle;
  const entries = Object.entries(plain).map(([type, value]) => [
    type,
    typeof value === "string" && isLines(type) ? splitText(value) : value,
  ]);
  return Object.fromEntries(entries) as Bundle;
}

/** Text as it was written; `inLines` cuts it up once, when the cell is done. */
function addText(outputs: Output[], name: StreamName, text: string): void {
  const last = outputs.at(-1);
  if (last?.output_type === "stream" && last.name === name && typeof last.text !== "string") {
    last.text.push(text);
  } else {
    outputs.push({ output_type: "stream", name, text: [text] });
  }
}

function inLines(outputs: readonly Output[]): void {
  for (const output of outputs) {
    if (output.output_type === "stream") output.text = splitText(joinText(output.text));
  }
}

function resultOutput({ data, metadata }: ValueBundle, count: number): Output {
  return {
    output_type: "execute_result",
    execution_count: count,
    data: savedBundle(data),
    metadata: savedBundle(metadata),
  };
}

export function createGatherer(): OutputGatherer {
  const shown = new Map<string, Shown>();
  let outputs: Output[] = [];
  const sink: CellSink = {
    stream: (name, text) => addText(outputs, name, text),
    display({ data, metadata, transient: { display_id: id } }, isUpdate) {
      const saved = { data: savedBundle(data), metadata: savedBundle(metadata) };
      if (isUpdate) {
        if (id !== undefined) Object.assign(shown.get(id) ?? {}, saved);
        return;
      }
      const output: Output = { output_type: "display_data", ...saved };
      outputs.push(output);
      if (id !== undefined) shown.set(id, output);
    },
  };
  return {
    begin() {
      outputs = [];
      return sink;
    },
    end(outcome, count) {
      if (outcome.value) outputs.push(resultOutput(outcome.value, count));
      if (outcome.kind === "failed") {
        const { name, message, traceback } = outcome.error;
        outputs.push({ output_type: "error", ename: name, evalue: message, traceback: [...traceback] });
      }
      inLines(outputs);
      return outputs;
    },
  };
}
