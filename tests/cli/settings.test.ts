import { describe, expect, it } from "vitest";
import { addSettings } from "../../src/cli/settings.js";
import { describeSettings } from "../../src/config/describe.js";
import { resolveConfig, withOverride } from "../../src/config/load.js";
import { runCommand } from "../helpers/command.js";

const settings = (...words: readonly string[]) => runCommand(addSettings, "settings", ...words);

describe("describeSettings", () => {
  it("gives every setting a meaning, and a key that can be set to its default", () => {
    for (const { key, default: value, meaning } of describeSettings()) {
      expect(meaning, key).not.toBe("");
      const set = withOverride({}, `${key}=${JSON.stringify(value)}`);
      expect(resolveConfig(set, key)).toEqual(resolveConfig({}, "defaults"));
    }
  });
});

describe("sharegrpo settings", () => {
  it("lists defaults, choices and meanings", async () => {
    const { printed } = await settings();
    expect(printed).toContain("train.steps=");
    expect(printed).toMatch(/^kl\.use=off {2}\(off \| loss \| reward\)\n {4}KL to the initial policy/m);
  });

  it("keeps those that hold all words, and shows a preset's values", async () => {
    const { printed } = await settings("learningrate", "paper", "--preset", "tiny");
    expect(printed).toMatch(/^update\.learningRate=0\.0002\n {4}AdamW; paper 1e-6$/);
    const none = await settings("no such", "thing");
    expect([none.printed, none.said]).toEqual([
      "",
      "no setting holds no such and thing in its name or meaning",
    ]);
  });

  it("gives the same as JSON", async () => {
    const { printed } = await settings("update.algorithm", "--preset", "tiny-grpo", "--json");
    expect(JSON.parse(printed)).toMatchObject([{ key: "update.algorithm", value: "grpo" }]);
  });

  it("refuses an unknown preset", async () => {
    await expect(settings("--preset", "tinny")).rejects.toThrow("unknown preset: tinny");
  });
});
