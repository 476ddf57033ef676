import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Benchmark, BenchmarkRow, Prediction } from "../../../benchmarks/records.js";
import { scoreJson } from "../../../benchmarks/scoring/present.js";
import { scoreBoth } from "../../../benchmarks/scoring/score.js";
import { benchmarkNamed, REGISTERED } from "../../../benchmarks/suites/registry.js";
import { readOwnRun } from "../../../benchmarks/tables/ownScores.js";

describe("benchmarkNamed(…)", () => {
  it("knows the paper's names and VLMEvalKit's, whatever their case", () => {
    const mathVerse = benchmarkNamed("mathverse");
    expect([mathVerse.benchmark.name, mathVerse.dataset.name]).toEqual(["MathVerse", "MathVerse_MINI"]);
    const mmmu = benchmarkNamed("MMMU_TEST");
    expect([mmmu.benchmark.name, mmmu.dataset.name]).toEqual(["MMMU", "MMMU_TEST"]);
    expect(benchmarkNamed("MMStar").dataset.name).toBe("MMStar");
    expect(benchmarkNamed("MathVision").dataset.rows).toBe(3040);
  });

  it("lists what there is when it does not know a name", () => {
    expect(() => benchmarkNamed("MathVisto")).toThrow(
      /unknown benchmark: MathVisto: choose from MathVista, .*AI2D_MINI/,
    );
  });
});

/** All that a new benchmark has to say. */
const sums: Benchmark = {
  name: "Sums",
  datasets: [{ name: "SUMS_TEST", url: "", split: "test" }],
  columns: ["question", "answer"],
  prompt: ({ cells }) => [{ kind: "text", text: cells["question"] ?? "" }],
  grade: async ({ cells }, response) => ({
    outcome: response.trim() === cells["answer"] ? "correct" : "wrong",
    extracted: response.trim(),
    rule: "whole response",
  }),
  tables: () => [],
  cluster: ({ index }) => index,
  isReported: () => true,
};

describe("a benchmark of one's own", () => {
  it("is named, graded and compared like the others, from one object", async () => {
    const named = benchmarkNamed("sums", [...REGISTERED, sums]);
    const rows: BenchmarkRow[] = ["3", "5"].map((answer, at) => ({
      index: String(at),
      cells: { question: `? ${at}`, answer },
      images: [],
    }));
    const predictions = rows.map(
      ({ index }): Prediction => ({
        ...{ version: 1, dataset: "SUMS_TEST", index, sample: 0, prediction: "3", status: "finished" },
        ...{ promptTokens: null, tokens: null, latencyMs: null },
      }),
    );
    const { fixed, compatible } = await scoreBoth(
      { ...named, rows, predictions },
      { rules: "2026-08", part: "whole" },
    );
    expect(fixed).toMatchObject({ benchmark: "Sums", total: 2, correct: 1 });
    const path = join(await mkdtemp(join(tmpdir(), "sums-")), "mine.json");
    await writeFile(path, JSON.stringify(scoreJson(fixed, compatible, { md5: "0", origin: "unknown" }, [])));
    expect((await readOwnRun(path)).scores[0]).toMatchObject({ benchmark: "Sums", dataset: "SUMS_TEST" });
  });
});
