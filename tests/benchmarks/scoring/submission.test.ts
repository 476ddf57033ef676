import { describe, expect, it } from "vitest";
import type { DatasetInfo, Prediction } from "../../../benchmarks/records.js";
import { plainPrediction } from "../../../benchmarks/scoring/predictionFile.js";
import { submissionOf } from "../../../benchmarks/scoring/submission.js";
import { BENCHMARK } from "../../../benchmarks/suites/registry.js";

const dataset: DatasetInfo = { name: "MMMU_TEST", url: "", split: "test", hidesAnswers: true };
const options = { A: "cat", B: "dog" };
const rows = [
  { index: "1", cells: { id: "test_Art_1", question: "Which?", ...options }, images: [] },
  { index: "2", cells: { id: "test_Art_2", question: "Which?", ...options }, images: [] },
  { index: "3", cells: { id: "test_Math_1", question: "How many?" }, images: [] },
  { index: "4", cells: { question: "Which?", ...options }, images: [] },
];

function answer(index: string, prediction: string, more: Partial<Prediction> = {}): Prediction {
  return { ...plainPrediction("MMMU_TEST", index, prediction), ...more };
}

const predictions = [
  answer("1", "<think>A or B?</think> \\boxed{B}"),
  answer("1", "\\boxed{A}", { sample: 1 }),
  answer("2", "neither of the two"),
  answer("3", "So the answer is 12 km."),
  answer("4", "", { status: "failed", error: "timeout" }),
];

describe("submissionOf(…)", () => {
  const submission = (mode: "fixed" | "compatible") =>
    submissionOf({ benchmark: BENCHMARK.MMMU, dataset, rows, predictions }, { rules: "2026-08", mode });

  it("has a letter or an open answer by the row's id, nothing where none was read", () => {
    expect(submission("fixed")).toEqual({
      test_Art_1: "B",
      test_Art_2: "",
      test_Math_1: "12 km",
      "4": "",
    });
  });

  it("has whole responses to open questions where it is compatible", () => {
    expect(submission("compatible")["test_Math_1"]).toBe("So the answer is 12 km.");
  });

  it("refuses predictions of other data, and benchmarks without a server", () => {
    const settings = { rules: "2026-08", mode: "fixed" } as const;
    const foreign = { benchmark: BENCHMARK.MMMU, dataset, rows, predictions: [answer("9", "A")] };
    expect(() => submissionOf(foreign, settings)).toThrow("unknown index: 9");
    const other = { benchmark: BENCHMARK.AI2D, dataset, rows, predictions };
    expect(() => submissionOf(other, settings)).toThrow("MMMU_TEST: there is no server to send answers to");
  });
});
