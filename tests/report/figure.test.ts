import { describe, expect, it } from "vitest";
import type { StepRecord } from "../../src/core/files/runRecords.js";
import {
  curve,
  familyFigure,
  largest,
  median,
  memoryFigure,
  runningMean,
  seriesOf,
} from "../../src/report/figure.js";
import { evaluationRecord } from "./fixtures.js";

const steps = (values: readonly (number | null)[]): StepRecord[] =>
  values.map((value, at) => ({ step: at + 1, "policy/grad_norm": value }));

const options = {
  id: "grad-norm",
  title: "Gradient norm",
  caption: "Norm.",
  axis: "norm",
  lines: [{ metric: "policy/grad_norm", name: "norm", colour: "#000" }],
} as const;

describe("runningMean", () => {
  it("averages neighbours, fewer at the ends, and skips gaps", () => {
    expect(runningMean([1, 2, 6, null, 4], 3)).toEqual([1.5, 3, 4, 5, 4]);
    expect(runningMean([null], 3)).toEqual([null]);
    expect(runningMean([], 3)).toEqual([]);
  });
});

describe("seriesOf", () => {
  it("scales, and gives null where a step has no finite number", () => {
    const rows: StepRecord[] = [{ step: 1, "perf/resident_bytes": 2e6 }, { step: 2 }, ...steps([null])];
    expect(seriesOf(rows, "perf/resident_bytes", 1e-6)).toEqual([2, null, null]);
  });
});

describe("curve", () => {
  it("draws every step of a short run and lists the numbers", () => {
    const figure = curve(steps([1, null, 3]), options);
    expect(figure.data).toHaveLength(1);
    expect(figure.data[0]).toMatchObject({ x: [1, 2, 3], y: [1, null, 3], mode: "lines+markers" });
    expect(figure.table.rows).toEqual([
      ["1", "1"],
      ["2", "–"],
      ["3", "3"],
    ]);
  });

  it("draws a running mean over the faint steps of a long run, and says over how many", () => {
    const figure = curve(steps(Array.from({ length: 60 }, (_, at) => at)), options);
    expect(figure.data.map((trace) => trace["showlegend"])).toEqual([false, undefined]);
    // 2·⌊60 / 30⌋ + 3 = 7; a line equals its own running mean away from the ends.
    expect(figure.caption).toContain("mean of 7 steps");
    const smooth = figure.data[1]?.["y"];
    expect(Array.isArray(smooth) && smooth[30]).toBe(30);
  });
});

describe("largest and median", () => {
  it("leave gaps out, and are undefined for nothing", () => {
    expect(largest(steps([1, null, 3]), "policy/grad_norm")).toBe(3);
    expect(median(steps([1, null, 3]), "policy/grad_norm")).toBe(2);
    expect(largest([], "policy/grad_norm")).toBeUndefined();
    expect(median(steps([null]), "policy/grad_norm")).toBeUndefined();
  });
});

describe("memoryFigure", () => {
  it("states the peak and the drift of the second half", () => {
    const rows = [9e8, 9.1e8, 9.2e8, 9.5e8].map((bytes, at) => ({
      step: at + 1,
      "perf/resident_bytes": bytes,
      "perf/peak_bytes": 1e9,
    }));
    expect(memoryFigure(rows).caption).toBe(
      "Should be flat. Peak 1.00 GB. From the middle of the run to its end: +30.0 MB.",
    );
  });
});

describe("familyFigure", () => {
  it("puts before above after, with whiskers to the ends of the intervals", () => {
    const figure = familyFigure(evaluationRecord("before", 0), evaluationRecord("after", 9));
    expect(figure.data.map((trace) => trace["name"])).toEqual(["before", "after"]);
    // 21 of 70: 30 %, Wilson 20.5 to 41.5.
    const first = figure.data[0];
    const shares = first?.["x"];
    expect(Array.isArray(shares) && shares[0]).toBeCloseTo(30, 3);
    const whiskers = first?.["error_x"] as { readonly array: number[]; readonly arrayminus: number[] };
    expect(whiskers.array[0]).toBeCloseTo(11.5, 1);
    expect(whiskers.arrayminus[0]).toBeCloseTo(9.5, 1);
  });

  it("draws one set of bars where only one evaluation was made, and none for none", () => {
    expect(familyFigure(undefined, evaluationRecord("after", 9)).data).toHaveLength(1);
    expect(familyFigure().data).toEqual([]);
  });
});
