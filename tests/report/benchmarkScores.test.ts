import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { benchmarkFolder, benchmarkTable, readBenchmarkScores } from "../../src/report/benchmarkScores.js";
import { writeReport } from "../../src/report/html.js";
import { emptyRun } from "./fixtures.js";

const score = (mode: string, value: number) => ({
  mode,
  reported: { total: 12, accuracy: { value, low: value - 0.1, high: value + 0.1 } },
});
const resultOf = (dataset: string, value: number) =>
  JSON.stringify({
    datasets: [{ dataset, split: "samples", scores: [score("fixed", value), score("compatible", 0)] }],
  });

async function writeScores(dir: string, label: "before" | "after", text: string): Promise<void> {
  await mkdir(benchmarkFolder(dir, label), { recursive: true });
  await writeFile(join(benchmarkFolder(dir, label), "result.json"), text);
}

describe("benchmark scores of a run", () => {
  it("are the reported accuracies of the mended rules, before and after", async () => {
    const dir = await mkdtemp(join(tmpdir(), "scores-"));
    expect(await readBenchmarkScores(dir)).toEqual({});
    await writeScores(dir, "before", resultOf("MMStar", 0.25));
    await writeScores(dir, "after", resultOf("MMStar", 0.5));
    expect(benchmarkTable(await readBenchmarkScores(dir)).rows).toEqual([
      ["MMStar (samples)", "12", "25.0 % [15.0, 35.0]", "50.0 % [40.0, 60.0]", "+25.0"],
    ]);
  });

  it("show a dash where one side was not measured", async () => {
    const dir = await mkdtemp(join(tmpdir(), "scores-"));
    await writeScores(dir, "after", resultOf("AI2D_TEST", 0.5));
    expect(benchmarkTable(await readBenchmarkScores(dir)).rows).toEqual([
      ["AI2D_TEST (samples)", "12", "–", "50.0 % [40.0, 60.0]", "–"],
    ]);
  });

  it("stand in the report, escaped; a damaged file is named", async () => {
    const dir = await emptyRun();
    await writeScores(dir, "after", resultOf("<img src=x onerror=alert(1)>", 0.5));
    const page = await readFile(await writeReport(dir), "utf8");
    expect(page).toContain("<h2>Benchmarks</h2>");
    expect(page).toContain("&lt;img src=x onerror=alert(1)&gt;");
    expect(page).not.toContain("<img src=x onerror");
    await writeScores(dir, "after", "{");
    await expect(writeReport(dir)).rejects.toThrow("result.json: not JSON");
    await writeScores(dir, "after", '{"datasets": 1}');
    await expect(writeReport(dir)).rejects.toThrow("result.json: datasets: ");
  });
});
