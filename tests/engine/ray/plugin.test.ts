import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ADVANTAGE_MODES, advantageOf, hierarchicalAdvantages } from "../../../src/advantage/shareGrpo.js";
import { packageRoot } from "../../../src/core/files/packageRoot.js";
import { Rng } from "../../../src/core/rng.js";
import { zip } from "../../../src/core/zip.js";
import { golden } from "../../golden/load.js";

const PACKAGE = join(packageRoot(), "src", "engine", "ray", "easyr1", "sharegrpo_easyr1");
const SCRIPT = fileURLToPath(new URL("../../support/runPlugin.py", import.meta.url));
const hasPython = spawnSync("python3", ["--version"]).status === 0;

function run(requests: readonly object[]): unknown[] {
  const { stdout, stderr, status } = spawnSync("python3", [SCRIPT, PACKAGE], {
    input: JSON.stringify(requests),
    encoding: "utf8",
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as unknown[];
}

interface Case {
  readonly id: string;
  readonly m: number;
  readonly n: number;
  readonly rewards_by_source: number[][];
  readonly eps: number;
  readonly rows_in_order: { prompt: number; source: number; rollout: number }[];
  readonly advantages_code_semantics: number[];
  readonly advantages_paper_unbiased_distinct: number[];
}

const CASES = golden<{ advantages: Case[] }>("shareGrpo.json").advantages;

type Row = [question: string, k: number, j: number, i: number, reward: number];
const rowsOf = ({ rewards_by_source, rows_in_order }: Case): Row[] =>
  rows_in_order.map(({ prompt, source, rollout }) => {
    return ["q", prompt, source, rollout, rewards_by_source[source]?.[rollout] ?? 0];
  });

const settingsOf = (mode: keyof typeof ADVANTAGE_MODES) => {
  const { std, epsilon, doubleWhenSingle, terms } = ADVANTAGE_MODES[mode];
  return { std, epsilon, double_when_single: doubleWhenSingle, terms };
};

describe.skipIf(!hasPython)("the Python package's advantages", () => {
  it("are the golden ones in the released code's semantics, to 1e-9", () => {
    const settings = settingsOf("code");
    const found = run(CASES.map((one) => ({ do: "advantages", rows: rowsOf(one), settings }))) as number[][];
    let compared = 0;
    for (const [one, advantages] of zip(CASES, found)) {
      // n = 1: the released code gives NaN, recorded as null; here 0.
      for (const [advantage, wanted] of zip(advantages, one.advantages_code_semantics)) {
        if (typeof wanted !== "number") continue;
        expect(advantage, one.id).toBeCloseTo(wanted, 9);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(100);
  });

  it.each(["default", "paper", "code"] as const)(
    "are the product's own in mode %s, whatever the rows' order",
    (mode) => {
      const draws = Rng.fromSeed(5).split("rewards");
      const questions = ["a", "b"].map((id, at) => ({
        id,
        rewards_M_N: Array.from({ length: 2 + at }, () =>
          Array.from({ length: 3 }, () => draws.pick([0, 0.1, 0.9, 1])),
        ),
      }));
      const rows = questions.flatMap(({ id, rewards_M_N }) =>
        rewards_M_N.flatMap((_, k) =>
          rewards_M_N.flatMap((rewards_N, j) => rewards_N.map((reward, i): Row => [id, k, j, i, reward])),
        ),
      );
      const shuffled = draws.shuffle(rows);
      const [found] = run([{ do: "advantages", rows: shuffled, settings: settingsOf(mode) }]) as number[][];
      for (const [[id, k, j, i], advantage] of zip(shuffled, found ?? [])) {
        const { rewards_M_N = [] } = questions.find((question) => question.id === id) ?? {};
        const own = advantageOf(hierarchicalAdvantages(rewards_M_N, ADVANTAGE_MODES[mode]), { j, k, i });
        expect(advantage).toBeCloseTo(own, 12);
      }
    },
  );

  it("of equal rewards are exactly 0, and a response with two rewards is refused", () => {
    const equal = [0, 1, 2, 3, 4, 5].map((i): Row => ["q", 0, 0, i, 0.9]);
    const [zero, error] = run([
      { do: "advantages", rows: equal, settings: settingsOf("default") },
      {
        do: "advantages",
        rows: [
          ["q", 0, 0, 0, 1],
          ["q", 1, 0, 0, 0],
        ],
        settings: settingsOf("default"),
      },
    ]);
    expect(zero).toEqual([0, 0, 0, 0, 0, 0]);
    expect(error).toEqual({ error: "question q, response 0, 0: two rewards: 1, 0" });
  });
});

describe.skipIf(!hasPython)("the Python package's pairs", () => {
  it("number m · m · n a question, in the order of Eq. 8, whatever order the prompts came in", () => {
    // prompts 0 … 3 are b/0, a/0, b/1, a/1 with 2 responses each: rows 0 … 7
    const request = {
      do: "expansion",
      questions: ["b", "a", "b", "a"],
      variants: [0, 0, 1, 1],
      responses: 2,
    };
    const [pairs] = run([request]) as [unknown[][]];
    expect(pairs).toHaveLength(16);
    expect(pairs.slice(0, 4)).toEqual([
      [0, 0, "b", 0, 0, 0],
      [0, 1, "b", 0, 0, 1],
      [0, 4, "b", 0, 1, 0],
      [0, 5, "b", 0, 1, 1],
    ]);
    expect(pairs[4]).toEqual([4, 0, "b", 1, 0, 0]);
    expect(pairs[8]).toEqual([2, 2, "a", 0, 0, 0]);
  });

  it("are refused where a row was dropped or comes twice", () => {
    const [dropped, twice] = run([
      { do: "expansion", questions: ["a", "a", "b"], variants: [0, 1, 0], responses: 2 },
      { do: "expansion", questions: ["a", "a"], variants: [0, 0], responses: 2 },
    ]) as { error: string }[];
    expect(dropped?.error).toMatch(
      /questions have different variants: .*no row may be filtered or shuffled away/,
    );
    expect(twice?.error).toBe("question a: variant 0 comes twice");
  });
});
