import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { addVariants } from "../../src/cli/variants.js";
import { ConfigError } from "../../src/core/errors.js";
import { packageRoot } from "../../src/core/files/packageRoot.js";
import { runCommand } from "../helpers/command.js";

const DATA = join(packageRoot(), "data", "samples", "train", "train.jsonl");
const SMALL = ["expand.variants=2", "rollout.responses=2", "engine.kind=local"];

const variants = (...args: readonly string[]) => runCommand(addVariants, "variants", ...args);

describe("sharegrpo variants", { timeout: 120_000 }, () => {
  it("counts every way of asking the questions of a file, and forecasts from the counts", async () => {
    const { printed } = await variants(
      ...[DATA, ...SMALL, "--questions", "2", "--samples", "4", "--views", "2", "--json"],
    );
    const found = JSON.parse(printed);
    expect(found.questions).toBe(2);
    expect(found.samples).toBe(4);
    expect(found.sharing.group).toEqual({ variants: 2, responses: 2, transformProbability: 0.3 });
    expect(found.sharing.verdict).toMatch(/points \[.*\] of valid groups at equal responses/);
    for (const { id, variants: asked } of found.asked_Q) {
      expect(asked[0], id).toMatchObject({ wording: "original", transform: "none" });
      expect(
        asked.filter((each: { transform: string }) => each.transform !== "none").length,
      ).toBeLessThanOrEqual(2);
      expect(asked.every((each: { rewards: number[] }) => each.rewards.length === 4)).toBe(true);
    }
  });

  it("reads the same questions greedily as rates and consistency, without a forecast", async () => {
    const { printed } = await variants(
      "scenes",
      ...SMALL,
      "--questions",
      "1",
      "--views",
      "1",
      "--heldout",
      "--greedy",
    );
    expect(printed).toMatch(/1 questions asked in \d+ ways, 1 answers each/);
    expect(printed).toMatch(/same answer to two variants: [\d.]+ %/);
    expect(printed).not.toContain("valid groups");
  });

  it("refuses samples or views that are too few for the group, before a model is loaded", async () => {
    await expect(variants("scenes", "--samples", "8", "--model", "no-such-folder")).rejects.toThrow(
      ConfigError,
    );
    await expect(variants("scenes", "--samples", "8")).rejects.toThrow(/--samples 8: .* = 12/);
    await expect(variants("scenes", "--views", "1")).rejects.toThrow(/--views 1: with expand.variants=2/);
  });
});
