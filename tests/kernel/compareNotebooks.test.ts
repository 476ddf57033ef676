import { describe, expect, it } from "vitest";
import { compareNotebooks, formatDifference, normaliseText } from "../../src/kernel/compareNotebooks.js";
import type { Notebook, Output } from "../../src/kernel/notebook.js";

function notebookOf(outputs: Output[], tags: string[] = []): Notebook {
  const cell = { cell_type: "code" as const, metadata: { tags }, source: "1", execution_count: 1, outputs };
  return { cells: [cell], metadata: {}, nbformat: 4, nbformat_minor: 5 };
}

const text = (value: string): Output => ({ output_type: "stream", name: "stdout", text: value });
const bundle = (data: Record<string, string | number | object>): Output =>
  ({ output_type: "display_data", data, metadata: {} }) as Output;

const differs = (a: Output, b: Output, tags: string[] = []) =>
  compareNotebooks(notebookOf([a], tags), notebookOf([b], tags)).length > 0;

describe("normaliseText", () => {
  it.each([
    ["took 12.5 s", "took <time>"],
    ["2 min 05 s left", "<time> left"],
    ["120ms", "<time>"],
    ["1,234 tokens/s", "<rate>"],
    ["peak 1.5 GB of 16 GB", "peak <size> of <size>"],
    ["wrote /home/me/runs/a.json", "wrote <path>"],
    ["C:\\Users\\me\\a.json", "<path>"],
    ["\u001b[31mred\u001b[0m", "red"],
  ])("%s becomes %s", (given, expected) => {
    expect(normaliseText(given)).toBe(expected);
  });

  it.each(["46.0 % of 400", "3 steps", "ratio 1/2", "</td></tr>", "0.5 − 0.25", "https://example.org/a/b"])(
    "%s stays",
    (given) => {
      expect(normaliseText(given)).toBe(given);
    },
  );
});

describe("compareNotebooks", () => {
  it("finds a number that changed, and says where", () => {
    const [difference, ...more] = compareNotebooks(
      notebookOf([text("a\nreward 0.5\n")]),
      notebookOf([text("a\nreward 0.6\n")]),
    );
    expect(more).toEqual([]);
    expect(difference && formatDifference(difference)).toBe(
      "cell 1, output 1:\n  kept: reward 0.5\n  now:  reward 0.6",
    );
  });

  it("finds an output that is missing or of another kind", () => {
    const both = notebookOf([text("a"), bundle({ "text/plain": "b" })]);
    const missing = compareNotebooks(both, notebookOf([text("a")]));
    expect(missing).toMatchObject([
      { output: 0, expected: "stdout; display_data(text/plain)", actual: "stdout" },
    ]);
    expect(differs(text("a"), bundle({ "text/plain": "a" }))).toBe(true);
  });

  it("compares pictures by their being there, and figures by their numbers to five digits", () => {
    expect(differs(bundle({ "image/png": "AAAA" }), bundle({ "image/png": "BBBB" }))).toBe(false);
    expect(differs(bundle({ "image/svg+xml": "<svg/>" }), bundle({ "image/svg+xml": "<svg></svg>" }))).toBe(
      false,
    );
    const figure = (y: number) => bundle({ "application/vnd.plotly.v1+json": { data: [{ y: [y] }] } });
    expect(differs(figure(0.1234567), figure(0.1234568))).toBe(false);
    expect(differs(figure(0.1234), figure(0.1235))).toBe(true);
  });

  it("does not care how a file splits text into lines", () => {
    const inLines: Output = { output_type: "stream", name: "stdout", text: ["a\n", "b"] };
    expect(differs(text("a\nb"), inLines)).toBe(false);
  });

  it("does not care in how many messages a text arrived, but in which order", () => {
    const error: Output = { output_type: "stream", name: "stderr", text: "!" };
    const kept = notebookOf([text("one\ntwo\n"), error]);
    expect(compareNotebooks(kept, notebookOf([text("one\n"), text("two\n"), error]))).toEqual([]);
    expect(compareNotebooks(kept, notebookOf([text("one\n"), error, text("two\n")]))).toHaveLength(1);
  });

  it("compares only the kinds of outputs in a cell tagged varies", () => {
    expect(differs(text("0.5"), text("0.6"), ["varies"])).toBe(false);
    expect(differs(text("0.5"), bundle({ "text/plain": "0.5" }), ["varies"])).toBe(true);
  });
});
