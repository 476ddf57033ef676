import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { modelCard } from "../../src/report/modelCard.js";
import { readRunHead } from "../../src/report/run.js";
import { finishedRun } from "./fixtures.js";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";

const SCORES = [
  { dataset: "MMStar", split: "val", total: 4, accuracy: { value: 0.5, low: 0.15, high: 0.85 } },
];

/** The card of a run of four steps, of the weights after `step`. */
async function cardOf(model: string, step = 4): Promise<{ front: Record<string, unknown>; body: string }> {
  const run = await readRunHead(await finishedRun(4));
  const benchmarks = { before: SCORES, after: SCORES };
  const card = modelCard({ ...run, benchmarks, settings: { ...run.settings, model } }, step);
  const [, front = "", body = ""] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(card) ?? [];
  return { front: parse(front), body };
}

describe("modelCard", () => {
  it("names the base model as hubs read it, at the commit that was trained", async () => {
    const { front, body } = await cardOf(`Qwen/Qwen2.5-VL-3B-Instruct@${COMMIT}`);
    expect(front).toMatchObject({
      base_model: "Qwen/Qwen2.5-VL-3B-Instruct",
      pipeline_tag: "image-text-to-text",
      library_name: "transformers",
    });
    expect(body).toContain("at commit 0123456789ab with sharegrpo, 4 of 60 steps. Share-GRPO:");
  });

  it("has no base model on a hub where it was a folder", async () => {
    const { front, body } = await cardOf("models/mine");
    expect(front).not.toHaveProperty("base_model");
    expect(body).toContain("Trained from the model `models/mine`");
  });

  it("has no score of later weights in the card of an earlier checkpoint", async () => {
    const { front, body } = await cardOf("tiny", 2);
    expect(front).not.toHaveProperty("held_out_accuracy");
    expect(body).toContain("with sharegrpo, 2 of 60 steps.");
    expect(body).toContain("| all | 420 | 42.1 % [37.5, 46.9] |");
    expect(body).toContain("50.0 % [15.0, 85.0]");
    expect(body).not.toContain("66.0 %");
    const last = await cardOf("tiny", 4);
    expect(last.front).toMatchObject({ held_out_accuracy: 0.6595 });
    expect(last.body).toContain("66.0 %");
  });

  it("gives scores with intervals, and every setting", async () => {
    const { body } = await cardOf("tiny");
    expect(body).toMatch(/\| all \| 420 \| \d+\.\d % \[\d+\.\d, \d+\.\d\] \| \d+\.\d % \[/);
    expect(body).toContain("| update.algorithm | share-grpo |");
    expect(body).toContain("```yaml\nseed: 1\n");
  });
});
