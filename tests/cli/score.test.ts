import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readDataset } from "../../benchmarks/data/dataset.js";
import { samplesFolder } from "../../benchmarks/data/locate.js";
import { JUDGE_PROMPTS } from "../../benchmarks/scoring/judgePrompts.js";
import { addScore } from "../../src/cli/score.js";
import { ConfigError, SharegrpoError } from "../../src/core/errors.js";
import { digestJson } from "../../src/core/files/digest.js";
import { startChatServer } from "../helpers/chatServer.js";
import { runCommand } from "../helpers/command.js";

const MMSTAR = join(samplesFolder(), "MMStar.tsv");
const UNREADABLE = "I would rather not say which of them it could be.";

let dir: string;
let answers: string;
let golds: readonly (readonly [index: string, gold: string])[];

const score = (...flags: readonly string[]) => runCommand(addScore, "score", ...flags);
const jsonl = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

async function write(name: string, text: string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, text);
  return path;
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "score-cli-"));
  const { rows } = await readDataset(MMSTAR, { columns: ["answer"], images: "skip" });
  golds = rows.map(({ index, cells }) => [index, cells["answer"] ?? ""]);
  // The first cannot be read, the second is wrong, the others are right.
  const wrong = golds[1]?.[1] === "A" ? "B" : "A";
  answers = await write(
    "answers.jsonl",
    jsonl(
      golds.map(([index, gold], at) => ({
        index,
        prediction: [UNREADABLE, `The answer is ${wrong}.`][at] ?? `The answer is ${gold}.`,
      })),
    ),
  );
});

describe("sharegrpo score", () => {
  it("counts what is right, wrong and unreadable, and prints the benchmark's tables", async () => {
    const { printed } = await score(
      "--benchmark",
      "mmstar",
      "--data",
      MMSTAR,
      "--predictions",
      answers,
      "--rules",
      "2025-05",
    );
    expect(printed).toMatch(/^MMStar \(MMStar\), rules 2025-05, rules only, no judge$/m);
    expect(printed).toMatch(/^compatible +86\.7 % .*, 13 of 15$/m);
    expect(printed).toContain("13 correct (86.7 %), 1 wrong (6.7 %), 1 unparsed (6.7 %)");
    expect(printed).toContain("MMStar, finer abilities, compatible");
  });

  it("as JSON gives every row's verdict, by the mode that is asked for", async () => {
    // A relative path is a bundled sample as well.
    const flags = ["--benchmark", "MMStar", "--data", "data/samples/MMStar.tsv", "--predictions", answers];
    const { printed } = await score(...flags, "--mode", "fixed", "--json");
    const { rows, ...rest } = JSON.parse(printed);
    expect(rest).toMatchObject({ mode: "fixed", total: 15, hits: 13, origin: "sample", missing: 0 });
    expect(rows.slice(0, 3)).toMatchObject([
      { index: golds[0]?.[0], outcome: "unparsed", extracted: null },
      { index: golds[1]?.[0], outcome: "wrong" },
      { index: golds[2]?.[0], outcome: "correct", extracted: golds[2]?.[1] },
    ]);
  });

  it("lets a judge read what rules cannot, and asks it once", async () => {
    const server = await startChatServer({ answer: () => golds[0]?.[1] ?? "" });
    try {
      const flags = ["--benchmark", "MMStar", "--data", MMSTAR, "--predictions", answers, "--json"];
      const judge = [
        "--judge",
        server.url,
        "--judge-model",
        "test-model",
        "--judge-cache",
        join(dir, "judge.jsonl"),
      ];
      const { printed } = await score(...flags, ...judge);
      expect(JSON.parse(printed)).toMatchObject({
        judge: "test-model",
        judgePrompts: digestJson(JUDGE_PROMPTS),
        hits: 14,
        outcomes: { unparsed: 0 },
      });
      await score(...flags, ...judge);
      expect(server.requests.filter(({ prompt }) => prompt.includes(UNREADABLE)).length).toBe(1);
    } finally {
      await server.close();
    }
  });

  it("names the mistake and its cure", async () => {
    const noColumn = await write("gold.tsv", "index\tanswer\n0\tA\n");
    const others = await write("others.jsonl", jsonl([{ index: 0, prediction: "A", dataset: "AI2D_TEST" }]));
    const foreign = await write("foreign.jsonl", jsonl([{ index: 99_999, prediction: "A" }]));
    const empty = await write("empty.jsonl", "");
    const missing = join(dir, "missing.jsonl");
    const [mmstar, data] = [
      ["--benchmark", "MMStar"],
      ["--data", MMSTAR],
    ];
    const cases: readonly (readonly [flags: readonly string[], message: string])[] = [
      [
        ["--benchmark", "MMStarr", ...data, "--predictions", answers],
        "unknown benchmark: MMStarr: choose from",
      ],
      [
        ["--benchmark", "MathVista", ...data, "--predictions", answers],
        "MMStar.tsv: missing columns: question_type",
      ],
      [
        [...mmstar, ...data, "--predictions", noColumn],
        "gold.tsv: missing columns: prediction; it has index, answer",
      ],
      [[...mmstar, ...data, "--predictions", others], "no predictions for MMStar: it holds AI2D_TEST"],
      [[...mmstar, ...data, "--predictions", foreign], "unknown index: 99999: MMStar has no such rows"],
      [[...mmstar, ...data, "--predictions", empty], "empty.jsonl: no predictions: the file is empty"],
      [[...mmstar, ...data, "--predictions", missing], `${missing}: cannot read`],
      [[...mmstar, "--data", answers, "--predictions", answers], "answers.jsonl: missing columns: index"],
      [
        [...mmstar, ...data, "--predictions", answers, "--judge", "http://127.0.0.1:9"],
        "missing --judge-model",
      ],
    ];
    for (const [flags, message] of cases) {
      const refused = score(...flags);
      await expect(refused).rejects.toThrow(message);
      await expect(refused).rejects.toBeInstanceOf(SharegrpoError);
    }
    await expect(score("--benchmark", "x", ...data, "--predictions", answers)).rejects.toBeInstanceOf(
      ConfigError,
    );
    await expect(score(...mmstar, ...data)).rejects.toThrow("required option '--predictions <file>'");
    const year = score(...mmstar, ...data, "--predictions", answers, "--rules", "2024");
    await expect(year).rejects.toThrow("Allowed choices are 2025-05, 2025-08, 2026-08");
  });
});
