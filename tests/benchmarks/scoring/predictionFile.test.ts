import { mkdtempSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readPredictionFile } from "../../../benchmarks/scoring/predictionFile.js";
import { golden } from "../../golden/load.js";

const folder = mkdtempSync(join(tmpdir(), "predictions-"));
let files = 0;
async function fileOf(extension: string, text: string): Promise<string> {
  const path = join(folder, `predictions-${files++}.${extension}`);
  await writeFile(path, text);
  return path;
}

async function read(extension: string, text: string) {
  const { predictions, notes } = await readPredictionFile(await fileOf(extension, text), "Set");
  return {
    notes,
    rows: predictions.map(({ index, sample, prediction, status }) => [index, sample, prediction, status]),
  };
}

describe("predictions", () => {
  it("are read from JSON Lines, with numbers as texts and nothing as failed", async () => {
    const lines = [
      '{"index": 1, "prediction": "B"}',
      '{"index": "2.0", "prediction": 14}',
      '{"index": "x", "prediction": null}',
    ];
    expect(await read("jsonl", lines.join("\n"))).toEqual({
      notes: [],
      rows: [
        ["1", 0, "B", "finished"],
        ["2", 0, "14", "finished"],
        ["x", 0, "", "failed"],
      ],
    });
  });

  it("are read from a list in JSON, and from TSV whose words for nothing become nan", async () => {
    expect((await read("json", '[{"index": 1, "prediction": "B", "A": "x"}]')).rows).toEqual([
      ["1", 0, "B", "finished"],
    ]);
    const tsv = 'INDEX\tA\tPrediction\n1\tx\t"two\nlines"\n2\tx\tNA\n3\tx\t\n';
    expect((await read("tsv", tsv)).rows).toEqual([
      ["1", 0, "two\nlines", "finished"],
      ["2", 0, "nan", "finished"],
      ["3", 0, "nan", "finished"],
    ]);
  });

  it("that failed are known by VLMEvalKit's words", async () => {
    const text = '{"index": 1, "prediction": "Failed to obtain answer via API."}';
    expect((await read("jsonl", text)).rows).toEqual([
      ["1", 0, "Failed to obtain answer via API.", "failed"],
    ]);
  });

  it("may follow a failed one of the same row, and may be several samples", async () => {
    const lines = [
      '{"index": 1, "sample": 0, "prediction": "", "status": "failed"}',
      '{"index": 1, "sample": 0, "prediction": "B"}',
      '{"index": 1, "sample": 1, "prediction": "C", "status": "truncated"}',
    ];
    expect((await read("jsonl", lines.join("\n"))).rows).toEqual([
      ["1", 0, "B", "finished"],
      ["1", 1, "C", "truncated"],
    ]);
  });

  it("for other datasets are left out with a note, and a torn last line too", async () => {
    const lines = [
      '{"index": 1, "prediction": "B", "dataset": "Set"}',
      '{"index": 1, "prediction": "B", "dataset": "Other"}',
      '{"index": 2, "predic',
    ];
    const { rows, notes } = await read("jsonl", lines.join("\n"));
    expect(rows).toHaveLength(1);
    expect(notes).toEqual([
      "line 3 was cut off while being written; left out",
      "1 predictions are for other datasets and left out",
    ]);
  });

  it.each([
    ["jsonl", '{"index": 1}\n{"prediction": "B"}\n', "invalid record: 2 (index:"],
    [
      "jsonl",
      '{"index": 1, "prediction": "B"}\n{"index": 1, "prediction": "B"}',
      "duplicate index: 1; for repeated samples",
    ],
    [
      "jsonl",
      '{"index": 1, "prediction": "B", "dataset": "Other"}',
      "no predictions for Set: it holds Other",
    ],
    ["jsonl", "", "the file is empty"],
    ["json", '{"index": 1}', "not a list"],
    ["json", "{", "cannot read as JSON"],
    ["tsv", "id\tanswer\n1\tB\n", "missing columns: index, prediction; it has id, answer"],
    ["xlsx", "not a spreadsheet", "missing columns"],
    ["csv", "index,prediction", "unknown kind of file: expected .jsonl, .json, .tsv or .xlsx"],
  ])("in a %s file %j are refused", async (extension, text, message) => {
    await expect(read(extension, text)).rejects.toThrow(message);
  });
});

describe("a spreadsheet of VLMEvalKit", () => {
  // Made by benchmarks/measured/parity/predictionFile.py.
  const path = (name: string) =>
    fileURLToPath(new URL(`../../golden/benchmarks/${name}.xlsx`, import.meta.url));
  const pandas = golden<{ texts: string[]; numbers: string[] }>("benchmarks/sheets.json");

  it("is read as pandas reads it, but for what the sheet did to line ends and to a text that begins with =", async () => {
    const { predictions, notes } = await readPredictionFile(path("texts"), "Set");
    const expected = pandas.texts.map((text) => text.replace("_x000D_", ""));
    expect(expected[2]).toBe("0"); // a formula's value, to pandas
    expected[2] = "=1+2";
    expect(predictions.map(({ prediction }) => prediction)).toEqual(expected);
    expect(notes).toEqual([
      "1 predictions fill a whole cell (32,767 characters): the spreadsheet cut them",
      "1 predictions were stored as formulas; their text is used",
    ]);
  });

  it("marks cut cells as truncated and failures as failed", async () => {
    const { predictions } = await readPredictionFile(path("texts"), "Set");
    const statuses = predictions.map(({ status }) => status);
    expect(statuses[4]).toBe("truncated");
    expect(statuses[5]).toBe("failed");
    expect(statuses.filter((status) => status === "finished")).toHaveLength(6);
  });

  it("holds a column of numbers as numbers", async () => {
    const { predictions } = await readPredictionFile(path("numbers"), "Set");
    expect(predictions.map(({ prediction }) => prediction)).toEqual(pandas.numbers);
  });
});
