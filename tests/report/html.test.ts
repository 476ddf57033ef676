import { createHash } from "node:crypto";
import { appendFile, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CheckpointError, DataError } from "../../src/core/errors.js";
import { sha256 } from "../../src/core/files/digest.js";
import type { RolloutRecord } from "../../src/core/files/runRecords.js";
import { Rng } from "../../src/core/rng.js";
import { writeReport } from "../../src/report/html.js";
import { emptyRun, evaluationRecord, finishedRun, jsonl, rolloutRecord, stepRecord } from "./fixtures.js";

const HOSTILE = `<script>alert(1)</script><img src=x onerror=alert(1)>"'&</textarea><!--`;

async function reportOf(dir: string): Promise<string> {
  return readFile(await writeReport(dir), "utf8");
}

/** The page without its scripts and style, where everything that a model wrote stands. */
function bodyOf(report: string): string {
  return report
    .replaceAll(/<script[^>]*>[\s\S]*?<\/script>/g, "")
    .replaceAll(/<style>[\s\S]*?<\/style>/g, "");
}

function figuresOf(report: string): { id: string; data: { x: unknown[]; y: unknown[] }[] }[] {
  const json = /<script type="application\/json" id="figures">([\s\S]*?)<\/script>/.exec(report)?.[1];
  if (json === undefined) throw new Error("the report has no figures");
  return JSON.parse(json);
}

function hostileRollout(rollout: RolloutRecord): RolloutRecord {
  return {
    ...rollout,
    questionId: HOSTILE,
    category: HOSTILE,
    question: HOSTILE,
    gold: HOSTILE,
    variants: rollout.variants.map((variant) => ({
      ...variant,
      text: HOSTILE,
      transform: HOSTILE,
      images: [`${HOSTILE}.png`],
    })),
    responses: rollout.responses.map((response, at) => ({
      ...response,
      text: HOSTILE,
      extracted: at % 2 === 0 ? { text: HOSTILE } : { none: HOSTILE },
      reward: { ...response.reward, reason: HOSTILE },
    })),
  };
}

describe("writeReport of a finished run", () => {
  it("says what a step would have cost without sharing", async () => {
    const body = bodyOf(await reportOf(await finishedRun(12)));
    expect(body).toContain("<dt>cost of sharing</dt><dd>1.40 ×"); // 5.6 s against 4 s
    expect(body).toContain("a step takes 5.60 s, about 4.00 s with own-variant pairs only");
  });

  it("shows accuracy before and after with 95 % intervals, overall and by family", async () => {
    const body = bodyOf(await reportOf(await finishedRun(12)));
    const { correct, total } = evaluationRecord("before", 0);
    // 177 of 420: share 42.14 %, Wilson 37.5 to 46.9.
    expect([correct, total]).toEqual([177, 420]);
    expect(body).toContain("<td>42.1\u00a0% [37.5,\u00a046.9]</td>");
    expect(body).toContain("<td>position</td>");
    expect(body).toContain("42.1\u00a0% → 66.0\u00a0%");
  });

  it("has the settings, every curve with its numbers, and every sampled image", async () => {
    const dir = await finishedRun(6);
    const report = await reportOf(dir);
    expect(report).toContain("<dt>variants per question (m)</dt><dd>2</dd>");
    const ids = figuresOf(report).map((figure) => figure.id);
    expect(ids).toEqual([
      "families",
      "reward",
      "valid-share",
      "response-length",
      "truncated",
      "clip-share",
      "grad-norm",
      "learning-rate",
      "entropy",
      "consistency",
      "rollout-speed",
      "seconds",
      "memory",
    ]);
    for (const id of ids) expect(report).toContain(`id="plot-${id}"`);
    for (const name of await readdir(join(dir, "images"))) {
      const bytes = await readFile(join(dir, "images", name));
      expect(report).toContain(`src="data:image/png;base64,${bytes.toString("base64")}"`);
    }
    expect(report).toContain("Peak 980 MB");
  });

  it("is the same text for the same run", async () => {
    const [one, two] = [await reportOf(await finishedRun(4)), await reportOf(await finishedRun(4))];
    expect(sha256(one)).toBe(sha256(two));
  });

  it("loads nothing: no address in an attribute or in the style sheet, and a policy that forbids it", async () => {
    const report = await reportOf(await finishedRun(3));
    const sources = [...bodyOf(report).matchAll(/\s(?:src|href|srcset|action|poster|data)\s*=\s*"([^"]*)"/g)];
    expect(sources.length).toBeGreaterThan(0);
    expect(sources.filter(([, address]) => !address?.startsWith("data:image/"))).toEqual([]);
    expect(report).not.toMatch(/<link|<script[^>]*\ssrc|<iframe|<base\s/);
    expect(/<style>([\s\S]*?)<\/style>/.exec(report)?.[1]).not.toMatch(/url\(|@import/);
    expect(report).toContain("default-src &#39;none&#39;; img-src data:;");
  });

  it("allows exactly the scripts that it holds", async () => {
    const report = await reportOf(await finishedRun(3));
    const scripts = [...report.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, source]) => source ?? "");
    const hashes = scripts.map((source) => `sha256-${createHash("sha256").update(source).digest("base64")}`);
    expect(scripts).toHaveLength(2);
    expect([...report.matchAll(/sha256-[A-Za-z0-9+/=]+/g)].map(([hash]) => hash)).toEqual(hashes);
  });
});

describe("writeReport of held-out examples", () => {
  it("shows the response before beside the one after, escaped, with the verdicts", async () => {
    const dir = await emptyRun();
    const sample = (response: string, accuracy: number) => ({
      questionId: "q1",
      category: "count",
      question: "How many?",
      gold: "3",
      images: [],
      response,
      stopReason: "eos",
      extracted: { text: "3" },
      reward: { overall: accuracy, accuracy, format: 1, reason: "graded" },
    });
    const rows = [
      { ...evaluationRecord("before", 0), samples: [sample("four <b>", 0)] },
      { ...evaluationRecord("after", 9), samples: [sample("three", 1)] },
    ];
    await writeFile(join(dir, "evaluations.jsonl"), jsonl(rows));
    const body = bodyOf(await reportOf(dir));
    expect(body).toContain("✗ → ✓");
    expect(body.indexOf("four &lt;b&gt;")).toBeGreaterThan(0);
    expect(body.indexOf("three</p>")).toBeGreaterThan(body.indexOf("four &lt;b&gt;"));
  });
});

describe("writeReport of what a model or a data set wrote", () => {
  it("escapes it wherever it stands", async () => {
    const dir = await emptyRun();
    const rollout = hostileRollout(await rolloutRecord(dir, 1, Rng.fromSeed(3)));
    await writeFile(join(dir, "rollouts.jsonl"), jsonl([rollout]));
    const evaluation = evaluationRecord("after", 1);
    const perCategory = { [HOSTILE]: { total: 420, correct: 200 } };
    await writeFile(join(dir, "evaluations.jsonl"), jsonl([{ ...evaluation, perCategory }]));
    await writeFile(join(dir, "config.yaml"), `model: ${JSON.stringify(HOSTILE)}\n`);
    const report = await reportOf(dir);
    expect(report).not.toContain("<script>alert");
    expect(report).not.toContain("<img src=x");
    expect(report).not.toContain("<!--");
    expect(report).not.toContain(`"'&</textarea>`);
    const escaped = "&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;";
    // Question, gold, category, id, two variants' words, transform and image name, twelve responses with their parts.
    expect(bodyOf(report).split(escaped).length).toBeGreaterThan(4 + 6 + 12 * 3);
  });

  it("gives Plotly labels that it cannot read as markup", async () => {
    const dir = await emptyRun();
    const perCategory = { '<a href="javascript:alert(1)">x</a>': { total: 420, correct: 200 } };
    await writeFile(
      join(dir, "evaluations.jsonl"),
      jsonl([{ ...evaluationRecord("after", 1), perCategory }]),
    );
    const [families] = figuresOf(await reportOf(dir));
    expect(families?.data[0]?.y).toEqual(['&lt;a href="javascript:alert(1)"&gt;x&lt;/a&gt;']);
  });

  it("embeds no file from outside the run folder and nothing that is not an image", async () => {
    const dir = await emptyRun();
    const rollout = await rolloutRecord(dir, 1, Rng.fromSeed(3));
    const [first, second] = rollout.variants;
    if (!first || !second) throw new Error("the fixture has two variants");
    const variants = [
      { ...first, images: ["../secret.png"] },
      { ...second, images: ["config.yaml", "images/gone.png"] },
    ];
    await writeFile(join(dir, "rollouts.jsonl"), jsonl([{ ...rollout, variants }]));
    const body = bodyOf(await reportOf(dir));
    expect(body).toContain("../secret.png: lies outside the run folder");
    expect(body).toContain("config.yaml: not PNG, JPEG, GIF, WebP or BMP");
    expect(body).toContain("images/gone.png: file is missing");
  });
});

describe("writeReport of an unfinished run", () => {
  it("says what is not there yet when only the settings exist", async () => {
    const body = bodyOf(await reportOf(await emptyRun()));
    expect(body).toContain("No step was finished yet.");
    expect(body).toContain("No evaluation was made yet.");
    expect(body).toContain("No rollouts were logged yet.");
    expect(body).not.toContain("NaN");
  });

  it("draws one step, and numbers that are missing as gaps", async () => {
    const dir = await emptyRun();
    const step = { ...stepRecord(1, 1, Rng.fromSeed(1)), "policy/grad_norm": Number.NaN };
    await writeFile(join(dir, "metrics.jsonl"), jsonl([step]));
    await writeFile(join(dir, "evaluations.jsonl"), jsonl([evaluationRecord("before", 0)]));
    const report = await reportOf(dir);
    const gradient = figuresOf(report).find((figure) => figure.id === "grad-norm");
    expect(gradient?.data[0]).toMatchObject({ x: [1], y: [null] });
    expect(bodyOf(report)).not.toContain("NaN");
    expect(bodyOf(report)).toContain("before training");
  });

  it("draws the parts of a custom reward behind the reward, named as they are", async () => {
    const dir = await emptyRun();
    const steps = [1, 2].map((step) => ({
      ...stepRecord(step, 2, Rng.fromSeed(1)),
      "reward/closeness": step / 4,
      ...(step === 2 ? { "reward/<b>calls": 3 } : {}),
    }));
    await writeFile(join(dir, "metrics.jsonl"), jsonl(steps));
    const parts = figuresOf(await reportOf(dir))[1];
    expect(parts?.id).toBe("reward-parts");
    expect(parts?.data).toMatchObject([
      { name: "closeness", y: [0.25, 0.5] },
      { name: "&lt;b&gt;calls", y: [null, 3] },
    ]);
  });

  it("leaves out a torn last line and says so", async () => {
    const dir = await finishedRun(3);
    await appendFile(join(dir, "metrics.jsonl"), '{"step":4,"rew');
    const report = await reportOf(dir);
    expect(report).toContain("metrics.jsonl: line 4 was cut off while being written; left out");
    expect(figuresOf(report)[1]?.data[0]?.x).toEqual([1, 2, 3]);
  });
});

describe("writeReport refuses", () => {
  it("a folder that holds no run, and says which folder to give", async () => {
    const dir = await mkdtemp(join(tmpdir(), "sharegrpo-norun-"));
    await expect(writeReport(dir)).rejects.toThrow(CheckpointError);
    await expect(writeReport(dir)).rejects.toThrow(/missing config\.yaml: ENOENT.*give the folder of a run/);
  });

  it("rows of another shape, naming file, row and field", async () => {
    const dir = await finishedRun(3);
    await appendFile(join(dir, "evaluations.jsonl"), '{"label":"between"}\n');
    await expect(writeReport(dir)).rejects.toThrow(DataError);
    await expect(writeReport(dir)).rejects.toThrow(/evaluations\.jsonl: invalid rows: row 3: label: /);
  });
});
