import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { type Dataset, readDataset } from "../../../benchmarks/data/dataset.js";
import { fileIn, samplesFolder } from "../../../benchmarks/data/locate.js";
import { BENCHMARKS, type BenchmarkName } from "../../../benchmarks/records.js";
import { planDataset } from "../../../benchmarks/run/plan.js";
import { firstPrompts } from "../../../benchmarks/run/run.js";
import { tsvText } from "../../../benchmarks/samples/sampleFile.js";
import { sampleFiles } from "../../../benchmarks/samples/samples.js";
import { benchmarkNamed } from "../../../benchmarks/suites/registry.js";

const read = (name: BenchmarkName): Promise<Dataset> => {
  const { benchmark, dataset } = benchmarkNamed(name);
  return readDataset(fileIn(samplesFolder(), dataset), { columns: benchmark.columns, images: "memory" });
};

describe("the sample files", () => {
  it("are what `node dist/benchmarks/samples/make.js` writes, pictures aside", async () => {
    for (const file of await sampleFiles()) {
      const stored = readFileSync(join(samplesFolder(), `${file.dataset}.tsv`), "utf8");
      const withoutPictures = (text: string) => text.replace(/[A-Za-z0-9+/=]{65,}/g, "…");
      expect(withoutPictures(stored)).toBe(withoutPictures(tsvText(file)));
    }
  });

  it("are small together", () => {
    const sizes = BENCHMARKS.map(
      (name) => statSync(fileIn(samplesFolder(), benchmarkNamed(name).dataset)).size,
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(300_000);
  });

  it.each(BENCHMARKS)(
    "hold at least twelve %s rows, every picture readable, every row askable",
    async (name) => {
      const { benchmark, dataset } = benchmarkNamed(name);
      const root = samplesFolder();
      const plan = await planDataset(benchmark, dataset, fileIn(root, dataset), { root });
      expect(plan.file.rows.length).toBeGreaterThanOrEqual(12);
      for (const { images, problem } of plan.file.rows) {
        expect(problem).toBeUndefined();
        expect(images.length).toBeGreaterThan(0);
        for (const image of images) {
          const { width } = await sharp(image.kind === "bytes" ? image.bytes : image.path).metadata();
          expect(width).toBeGreaterThan(100);
        }
      }
      for (const form of ["generic", "qwen"] as const) {
        const shown = firstPrompts(plan, { prompt: { form, thinking: "none" } }, 99);
        expect(shown.filter((text) => text.includes("(index"))).toEqual([]);
      }
    },
  );
});

describe("column traps of the samples", () => {
  it("MMStar: a lost option, three options, a borrowed picture, a row without one, a quoted tab", async () => {
    const { rows, withoutImage } = await read("MMStar");
    const byIndex = new Map(rows.map((row) => [row.index, row]));
    expect(withoutImage).toBe(1);
    expect(byIndex.get("13")?.cells).not.toHaveProperty("D");
    expect(byIndex.get("12")?.cells).not.toHaveProperty("D");
    expect(byIndex.get("14")?.images).toEqual(byIndex.get("0")?.images);
    expect(byIndex.get("3")?.cells["question"]).toMatch(/^The picture is called "marks"\.\n\t/);
  });

  it("MMMU: several pictures, options that are pictures, open questions, nine options, `None` as the right one", async () => {
    const { rows } = await read("MMMU");
    expect(rows.map(({ images }) => images.length)).toEqual([1, 2, 3, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    expect(rows.filter(({ cells }) => cells["A"] === undefined).map(({ index }) => index)).toEqual([
      "7",
      "8",
      "9",
    ]);
    expect(rows[8]?.cells["answer"]).toMatch(/^[A-Z]$/);
    expect(rows[9]?.cells).toMatchObject({ answer: "D" });
    expect(rows[9]?.cells).not.toHaveProperty("D");
    expect(rows[10]?.cells["I"]).toMatch(/^\d\.0$/); // a numeric column with gaps
    expect(new Set(rows.map(({ cells }) => cells["split"]))).toEqual(new Set(["dev", "validation"]));
  });

  it("MathVista: an apostrophe in a choice, a gold of 0, both precisions, a list, a carriage return, a unit", async () => {
    const { rows } = await read("MathVista");
    const texts = rows.map(({ cells }) => cells);
    expect(texts.some(({ choices }) => choices?.includes(`"a painter's palette"`))).toBe(true);
    expect(texts.some(({ answer }) => answer === "0")).toBe(true);
    expect(texts.flatMap(({ precision }) => precision ?? [])).toEqual(["1.0", "2.0"]);
    expect(texts.some((cells) => cells["answer_type"] === "list")).toBe(true);
    expect(texts.some(({ question }) => question?.includes("\r\n"))).toBe(true);
    expect(texts.some(({ question }) => question?.includes("(Unit: degrees)"))).toBe(true);
  });

  it("MathVerse: five versions of each problem, four of them with the first one's picture", async () => {
    const { rows } = await read("MathVerse");
    expect(rows.length).toBe(15);
    expect(new Set(rows.map(({ cells }) => cells["problem_version"])).size).toBe(5);
    expect(rows[4]?.images).toEqual(rows[0]?.images);
  });

  it("MathVision: no choices, letters as choices, golds in LaTeX", async () => {
    const { rows } = await read("MathVision");
    const choices = rows.map(({ cells }) => cells["choices"]);
    expect(choices).toContain("[]");
    expect(choices).toContain("['A', 'B', 'C', 'D', 'E']");
    expect(rows.some(({ cells }) => cells["answer"]?.includes("\\frac"))).toBe(true);
  });

  it("AI2D: JPEG pictures, a second question about the same one, a boolean column", async () => {
    const { rows } = await read("AI2D");
    const [first, second] = rows;
    expect(first?.images).toEqual(second?.images);
    const image = first?.images[0];
    expect(image?.kind === "bytes" && [...image.bytes.subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff]);
    expect(new Set(rows.map(({ cells }) => cells["abcLabel"]))).toEqual(new Set(["True", "False"]));
  });
});
