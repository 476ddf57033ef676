import { expect, it } from "vitest";
import { createGatherer } from "../../src/kernel/outputs.js";

const DONE = { kind: "done" } as const;

it("writes of one stream become one output, whose text is kept in lines", () => {
  const gatherer = createGatherer();
  const sink = gatherer.begin();
  for (const text of ["a\nb", "c\n"]) sink.stream("stdout", text);
  sink.stream("stderr", "d");
  expect(gatherer.end(DONE, 1)).toEqual([
    { output_type: "stream", name: "stdout", text: ["a\n", "bc\n"] },
    { output_type: "stream", name: "stderr", text: ["d"] },
  ]);
});

it("a display that is updated keeps its place, also from a later cell", () => {
  const gatherer = createGatherer();
  const show = (html: string) => ({
    data: { "text/html": html },
    metadata: {},
    transient: { display_id: "1" },
  });
  const first = gatherer.begin();
  first.display(show("old"), false);
  first.stream("stdout", "after");
  const outputs = gatherer.end(DONE, 1);
  const second = gatherer.begin();
  second.display(show("new"), true);
  expect(gatherer.end(DONE, 2)).toEqual([]);
  expect(outputs[0]).toEqual({ output_type: "display_data", data: { "text/html": ["new"] }, metadata: {} });
});

it("a cell that failed after it showed a value keeps both", () => {
  const gatherer = createGatherer();
  gatherer.begin();
  const value = { data: { "text/plain": "1", "image/png": "iVBO" }, metadata: { "image/png": { width: 2 } } };
  const error = { name: "E", message: "m", traceback: ["E: m"] };
  expect(gatherer.end({ kind: "failed", value, error }, 7)).toEqual([
    {
      output_type: "execute_result",
      execution_count: 7,
      data: { "text/plain": ["1"], "image/png": "iVBO" },
      metadata: { "image/png": { width: 2 } },
    },
    { output_type: "error", ename: "E", evalue: "m", traceback: ["E: m"] },
  ]);
});
