import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { modelCard } from "../../src/report/modelCard.js";
import { readRunHead } from "../../src/report/run.js";
import { finishedRun } from "./fixtures.js";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";

async function cardOf(model: string): Promise<{ front: Record<string, unknown>; body: string }> {
  const run = await readRunHead(await finishedRun(4));
  const card = modelCard({ ...run, settings: { ...run.settings, model } }, 4);
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

  it("gives scores with intervals, and every setting", async () => {
    const { body } = await cardOf("tiny");
    expect(body).toMatch(/\| all \| 420 \| \d+\.\d % \[\d+\.\d, \d+\.\d\] \| \d+\.\d % \[/);
    expect(body).toContain("| update.algorithm | share-grpo |");
    expect(body).toContain("```yaml\nseed: 1\n");
  });
});
