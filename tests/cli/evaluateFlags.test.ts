import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { describe, expect, it, vi } from "vitest";
import { samplesFolder } from "../../benchmarks/data/locate.js";
import {
  addEvaluateFlags,
  dataPlaceOf,
  decodingOf,
  type EvaluateFlags,
  pixelsOf,
  promptStyleOf,
} from "../../src/cli/evaluateFlags.js";
import { ConfigError } from "../../src/core/errors.js";

function parsed(...args: readonly string[]): EvaluateFlags {
  const command = addEvaluateFlags(
    new Command("evaluate").exitOverride().configureOutput({ writeErr: () => undefined }),
  );
  command.parse(["node", "evaluate", "--benchmarks", "MMStar", ...args]);
  return command.opts<EvaluateFlags>();
}

describe("flags of evaluate", () => {
  it("are greedy, one answer a row, with the thinking prompt, unless told otherwise", () => {
    const flags = parsed();
    expect(decodingOf(flags)).toEqual({
      ...{ temperature: 0, topP: null, topK: null, repetitionPenalty: null },
      ...{ maxTokens: 2048, seed: 1 },
    });
    expect(flags.samples).toBe(1);
    expect(promptStyleOf(flags)).toEqual({ form: "generic", thinking: "r1-sharevl" });
    expect(pixelsOf(flags)).toEqual({ minPixels: null, maxPixels: null });
  });

  it("split lists at commas, with or without space", () => {
    const flags = parsed("--benchmarks", "MMStar, AI2D_TEST", "--model", "http://a:1,http://b:2");
    expect(flags.benchmarks).toEqual(["MMStar", "AI2D_TEST"]);
    expect(flags.model).toEqual(["http://a:1", "http://b:2"]);
  });

  it("reach decoding, prompt and pictures", () => {
    const flags = parsed(
      ...["--temperature", "0.7", "--top-p", "0.9", "--top-k", "20", "--repetition-penalty", "1.05"],
      ...[
        "--max-tokens",
        "16",
        "--seed",
        "0",
        "--prompt-text",
        "Think!",
        "--min-pixels",
        "4",
        "--max-pixels",
        "9",
      ],
    );
    expect(decodingOf(flags)).toEqual({
      ...{ temperature: 0.7, topP: 0.9, topK: 20, repetitionPenalty: 1.05 },
      ...{ maxTokens: 16, seed: 0 },
    });
    expect(promptStyleOf(flags)).toMatchObject({ thinkingText: "Think!" });
    expect(pixelsOf(flags)).toEqual({ minPixels: 4, maxPixels: 9 });
  });

  it("refuse several answers that would all be the same", () => {
    expect(() => decodingOf(parsed("--samples", "4"))).toThrow(ConfigError);
    expect(() => decodingOf(parsed("--samples", "4"))).toThrow("--samples needs --temperature above 0");
    expect(decodingOf(parsed("--samples", "4", "--temperature", "1")).temperature).toBe(1);
  });

  it.each([
    ["--temperature", "-1", "expected a number from 0"],
    ["--temperature", "", "expected a number from 0"],
    ["--temperature", "warm", "expected a number from 0"],
    ["--samples", "0", "expected a whole number from 1"],
    ["--top-p", "0", "expected a number above 0"],
    ["--retries", "-1", "expected a whole number from 0"],
    ["--prompt", "mine", "Allowed choices are"],
    ["--prompt-form", "mine", "Allowed choices are"],
    ["--out", "", "expected a path"],
  ])("refuse %s %j", (flag, value, message) => {
    expect(() => parsed(flag, value)).toThrow(message);
  });

  it("find data in a folder, among the samples, or where VLMEvalKit keeps it", () => {
    expect(dataPlaceOf(parsed("--data", "my/tsv"))).toEqual({ kind: "folder", folder: "my/tsv" });
    expect(dataPlaceOf(parsed("--data", "samples"))).toEqual({ kind: "folder", folder: samplesFolder() });
    vi.stubEnv("LMUData", "/nowhere/lmu"); // named, but not there: as VLMEvalKit does
    expect(dataPlaceOf(parsed())).toEqual({ kind: "root", folder: join(homedir(), "LMUData") });
    vi.stubEnv("LMUData", tmpdir());
    expect(dataPlaceOf(parsed())).toEqual({ kind: "root", folder: tmpdir() });
    vi.unstubAllEnvs();
  });
});
