import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readDataset } from "../../benchmarks/data/dataset.js";
import { samplesFolder } from "../../benchmarks/data/locate.js";
import { addReport } from "../../src/cli/report.js";
import { addScore } from "../../src/cli/score.js";
import { ConfigError, SharegrpoError } from "../../src/core/errors.js";
import { runCommand } from "../helpers/command.js";
import { emptyRun, finishedRun } from "../report/fixtures.js";

const AI2D = join(samplesFolder(), "AI2D_TEST.tsv");

let dir: string;
let first: string;
let second: string;

const report = (...args: readonly string[]) => runCommand(addReport, "report", ...args);

/** Scores answers of which the first `right` are right, as a file of `score --json`. */
async function scored(name: string, right: number): Promise<string> {
  const { rows } = await readDataset(AI2D, { columns: ["answer"], images: "skip" });
  const answers = rows.map(({ index, cells: { answer } }, at) => {
    const wrong = answer === "A" ? "B" : "A";
    return `${JSON.stringify({ index, prediction: at < right ? answer : wrong })}\n`;
  });
  const predictions = join(dir, `${name}.jsonl`);
  await writeFile(predictions, answers.join(""));
  const flags = ["--benchmark", "AI2D", "--data", AI2D, "--predictions", predictions, "--json"];
  const path = join(dir, `${name}.json`);
  await writeFile(path, (await runCommand(addScore, "score", ...flags)).printed);
  return path;
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "report-cli-"));
  first = await scored("first", 5);
  second = await scored("second", 9);
});

describe("sharegrpo report", () => {
  it("puts scores below the paper's rows and beside each other", async () => {
    const { printed } = await report(first, second);
    expect(printed).toMatch(/^\| GPT-4o \| 63\.8 \|/m);
    expect(printed).toMatch(/^\| first \| – \| – \| – \| – \| – \| 38\.5 \[.*\]† \| – \|$/m);
    // 5 and 9 of 13: the four that differ are all the second's.
    expect(printed).toMatch(
      /^\| second against first \| AI2D_TEST \| compatible \| accuracy \| 13 \| 4 : 0 \| \+30\.8 \[.*\] \| 0\.125 \|/m,
    );
  });

  it("writes a page, or records for a data frame", async () => {
    const out = join(dir, "comparison.html");
    expect((await report(first, "--format", "html", "--out", out)).printed).toBe(out);
    expect(readFileSync(out, "utf8")).toContain("<h2>Own scores</h2>");
    const { printed } = await report(second, "--format", "json", "--against", "gpt-4o", "--mode", "fixed");
    const { reference, records } = JSON.parse(printed);
    expect(reference).toBe("GPT-4o");
    expect(records.at(-1)).toMatchObject({ model: "second", mode: "compatible", caveat: "sample rows" });
  });

  it("makes a training run's page anew", async () => {
    const run = await emptyRun();
    expect((await report(run)).printed).toBe(join(run, "report.html"));
    expect(readFileSync(join(run, "report.html"), "utf8")).toContain("No step was finished yet.");
  });

  it("makes a training run's page where it is asked for, over what is there, and nowhere else", async () => {
    const run = await emptyRun();
    const out = join(dir, "page.html");
    await writeFile(out, "old");
    expect((await report(run, "--out", out)).printed).toBe(out);
    expect(readFileSync(out, "utf8")).toContain("No step was finished yet.");
    expect(existsSync(join(run, "report.html"))).toBe(false);
    const nowhere = join(dir, "nowhere", "page.html");
    await expect(report(run, "--out", nowhere)).rejects.toThrow(
      /ENOENT.*create the folder or choose another/,
    );
    await expect(report(run, "--out", dir)).rejects.toThrow(/EISDIR.*a folder has the file's name/);
  });

  it("puts trainings beside each other", async () => {
    const [a, b] = [await finishedRun(3), await finishedRun(3, 2)];
    const { printed } = await report(a, b);
    expect(printed).toContain(`| questions | ${basename(a)} | ${basename(b)} |`);
    expect(printed).toContain("## Settings that differ\n\nNone.");
    const out = join(dir, "trainings.html");
    await report(a, b, "--format", "html", "--out", out);
    expect(readFileSync(out, "utf8")).toContain('id="plot-reward-overall"');
    const { runs } = JSON.parse((await report(a, b, "--format", "json")).printed);
    expect(runs.map(({ id }: { id: string }) => id)).toEqual([a, b]);
  });

  it("names the mistake and its cure", async () => {
    const run = await emptyRun();
    const other = join(dir, "other.json");
    await writeFile(other, '{"version": 1}');
    const cases: readonly (readonly [args: readonly string[], message: string])[] = [
      [[first, "--against", "GPT-5"], "--against: unknown model: GPT-5: the paper's table has GPT-4o,"],
      [[first, run], `report: no scores: ${run}: trainings are compared with trainings`],
      [[run, join(dir, "nowhere")], "config.yaml"],
      [[join(dir, "nowhere")], "config.yaml"],
      [[join(dir, "nowhere.json")], "nowhere.json: missing"],
      [[other], "other.json: invalid score: benchmark"],
    ];
    for (const [args, message] of cases) {
      const refused = report(...args);
      await expect(refused).rejects.toThrow(message);
      await expect(refused).rejects.toBeInstanceOf(SharegrpoError);
    }
    await expect(report(first, "--against", "x")).rejects.toBeInstanceOf(ConfigError);
    await expect(report()).rejects.toThrow("missing required argument 'runs'");
    await expect(report(first, "--format", "pdf")).rejects.toThrow(
      "Allowed choices are markdown, html, json",
    );
  });
});
