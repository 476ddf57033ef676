import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runSchema } from "../../src/config/schema.js";
import type { Question } from "../../src/records.js";
import { loadRewarder, loadRewardFunction } from "../../src/reward/loadRewarder.js";
import { builtInRewarder, customRewarder, type RewardRow } from "../../src/reward/rewarder.js";

function question(id: string, gold: string, columns: Record<string, unknown> = {}): Question {
  return { id, text: "?", images: [], gold, rewrites: [], category: "all", columns };
}

function row(response: string, gold = "1/2", id = "q1"): RewardRow {
  return { response, question: question(id, gold), tokens: 3, stopReason: "eos" };
}

const SETTINGS = runSchema.parse({}).reward;

/** A module with this text. */
async function moduleFile(text: string): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), "reward-")), "own.mjs");
  await writeFile(path, text);
  return path;
}

describe("builtInRewarder", () => {
  const boxed = "<think>x</think>\\boxed{2/4}";

  it("grades as mathruler by default and as math where asked", async () => {
    const math = builtInRewarder({ ...SETTINGS, grader: "math" });
    const [strict] = await builtInRewarder(SETTINGS)([row(boxed)]);
    const [read] = await math([row(boxed)]);
    expect([strict?.overall, read?.overall]).toEqual([0.1, 1]);
    expect(read?.reason).toBe("equal values");
  });

  it("gives the rewards in the order of the responses", async () => {
    const rewards = await builtInRewarder(SETTINGS)([
      row("\\boxed{1/2}"),
      row("none"),
      row("\\boxed{2}", "2"),
    ]);
    expect(rewards.map(({ accuracy }) => accuracy)).toEqual([1, 0, 1]);
  });

  it("reads answer tags for r1v", async () => {
    const rewarder = builtInRewarder({ ...SETTINGS, kind: "r1v", formatWeight: 0.5 });
    const [reward] = await rewarder([row("<think>x</think><answer>1/2</answer>")]);
    expect(reward).toMatchObject({ overall: 1, accuracy: 1, format: 1 });
  });

  it("leaves white space around tags alone where asked", async () => {
    const spaced = "< think >x< / think > \\boxed{1/2}";
    const [joined] = await builtInRewarder(SETTINGS)([row(spaced)]);
    const [kept] = await builtInRewarder({ ...SETTINGS, joinTags: false })([row(spaced)]);
    expect([joined?.format, kept?.format]).toEqual([1, 0]);
  });
});

describe("customRewarder", () => {
  it("takes a bare number for the reward", async () => {
    const [reward] = await customRewarder(() => 0.25, "own")([row("a")]);
    expect(reward).toEqual({
      overall: 0.25,
      accuracy: 0.25,
      format: 0,
      extracted: { kind: "none", reason: "the reward names no answer" },
      reason: "own",
    });
  });

  it("passes the row with all its columns, waits, and keeps the order", async () => {
    const rows = [3, 1, 2].map((value) => ({ ...row("a"), question: question("q", "g", { value }) }));
    const rewarder = customRewarder(async ({ question: { columns } }) => {
      const value = Number(columns?.["value"]);
      for (let turn = 0; turn < value; turn++) await Promise.resolve();
      return { overall: value, accuracy: 1, parts: { doubled: 2 * value } };
    }, "own");
    const rewards = await rewarder(rows);
    expect(rewards.map(({ overall, parts }) => [overall, parts])).toEqual([
      [3, { doubled: 6 }],
      [1, { doubled: 2 }],
      [2, { doubled: 4 }],
    ]);
  });

  it.each([
    ["NaN", () => Number.NaN, 'own: invalid overall: NaN for question q1, response "a b"'],
    [
      "an infinite part",
      () => ({ overall: 1, parts: { far: Infinity } }),
      "own: invalid far: Infinity for question q1",
    ],
    ["nothing", () => JSON.parse("null"), "own: invalid overall: undefined for question q1"],
  ])("names the row whose reward is %s", async (_, reward, message) => {
    await expect(customRewarder(reward, "own")([row("a\n b")])).rejects.toThrow(message);
  });

  it("refuses parts whose names every reward has", async () => {
    const reward = () => ({ overall: 1, parts: { closeness: 1, overall: 1, std: 0 } });
    await expect(customRewarder(reward, "own")([row("a")])).rejects.toThrow(
      "own: invalid parts: overall, std: these names are taken: choose others",
    );
  });

  it("names the row on which the function fails", async () => {
    const failing = () => {
      throw new Error("no judge");
    };
    await expect(customRewarder(failing, "own")([row("a")])).rejects.toThrow(
      'own: failed on question q1, response "a": no judge',
    );
  });
});

describe("loadRewarder", () => {
  it("loads the named function, or the one called reward", async () => {
    const path = await moduleFile("export const reward = () => 1; export const half = async () => 0.5;");
    const settings = { ...SETTINGS, kind: "custom" } as const;
    const [one] = await (await loadRewarder({ ...settings, custom: path }))([row("a")]);
    const [half] = await (await loadRewarder({ ...settings, custom: `${path}#half` }))([row("a")]);
    expect([one?.overall, half?.overall]).toEqual([1, 0.5]);
  });

  it("says what the file exports when the name is wrong", async () => {
    const path = await moduleFile("export const other = 2;");
    await expect(loadRewardFunction(`${path}#other`)).rejects.toThrow(
      "exports no function other: it exports other",
    );
  });

  it("says what is wrong with the file", async () => {
    const path = await moduleFile("export const = 1;");
    await expect(loadRewardFunction(path)).rejects.toThrow(`reward.custom: cannot load ${path}: `);
    await expect(loadRewardFunction("missing.js")).rejects.toThrow("reward.custom: cannot load missing.js: ");
    await expect(loadRewardFunction("#name")).rejects.toThrow("reward.custom: missing file");
  });

  it("runs the sample reward", async () => {
    const rewarder = await loadRewarder({
      ...SETTINGS,
      kind: "custom",
      custom: "data/samples/nearMiss.js#nearMiss",
    });
    const rewards = await rewarder([row("\\boxed{7}", "7"), row("\\boxed{8}", "7"), row("8", "7")]);
    expect(rewards.map(({ overall }) => overall)).toEqual([1, 0.25, 0]);
    expect(rewards[1]).toMatchObject({ accuracy: 0, parts: { closeness: 0.5 }, reason: "1 away" });
    const [fraction] = await rewarder([row("\\boxed{1} \\boxed{\\frac{3}{4}}.", "\\frac{3}{4}")]);
    expect(fraction).toMatchObject({ overall: 1, reason: "the gold answer" });
  });
});

describe("reward settings", () => {
  it("want a function for the custom kind, and none otherwise", () => {
    const together = "reward.kind custom and reward.custom path/to/file.js#name go together";
    expect(() => runSchema.parse({ reward: { kind: "custom" } })).toThrow(together);
    expect(() => runSchema.parse({ reward: { custom: "own.js" } })).toThrow(together);
    expect(runSchema.parse({ reward: { kind: "custom", custom: "own.js" } }).reward.custom).toBe("own.js");
  });
});
