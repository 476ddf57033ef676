import { describe, expect, it } from "vitest";
import { presetInput, resolveConfig } from "../../src/config/load.js";
import { ConfigError } from "../../src/core/errors.js";
import { modelFolder } from "../../src/model/load.js";
import { loadProcessor } from "../../src/model/processor.js";
import { requireMemory } from "../../src/train/requireMemory.js";
import { sceneSource } from "../../src/train/sceneSource.js";

const machine = (available: number) => ({ total: 16e9, available, limitedBy: "machine" }) as const;

async function check(available: number, settings: object = {}, card: object = {}): Promise<string[]> {
  const notes: string[] = [];
  const config = resolveConfig({ ...presetInput("tiny"), ...settings }, "test");
  const model = modelFolder("tiny");
  const run = {
    ...{ config, model, processor: await loadProcessor(model), questions: sceneSource(config) },
    onNote: (note: string) => void notes.push(note),
  };
  await requireMemory(run, { ...machine(available), ...card });
  return notes;
}

describe("requireMemory", () => {
  it("says what the run needs to answer, to train an adapter and to train all weights", async () => {
    const bytes = String.raw`\d[\d.]* [MG]B`;
    const pattern = `^memory  at most ${bytes} to answer, ${bytes} to train an adapter, ${bytes} to train all weights; 16.0 GB available$`;
    expect(await check(16e9)).toEqual([expect.stringMatching(new RegExp(pattern))]);
  });

  it("refuses a run that does not fit with the table and the nearest settings that fit", async () => {
    const refused = check(0.5e9);
    await expect(refused).rejects.toBeInstanceOf(ConfigError);
    await expect(refused).rejects.toThrow(/train all weights .* too much/);
    await expect(refused).rejects.toThrow(/these settings fit: .*update\.microBatchUnits=\d/);
  });

  it("says what a card needs and has, and refuses what it has no room for with the same table", async () => {
    const settings = { engine: { device: "cuda" } };
    const card = (free: number) => ({ card: { name: "Test Card", free, total: 8e9 } });
    const [, line] = await check(16e9, settings, card(8e9));
    expect(line).toMatch(/^card {4}at most [\d.]+ GB; 8\.00 GB free on Test Card$/);
    const refused = check(16e9, settings, card(1.2e9));
    await expect(refused).rejects.toThrow(/on the card, to +parameters +moments/);
    await expect(refused).rejects.toThrow(/1\.20 GB of 8\.00 GB are free on Test Card/);
    await expect(refused).rejects.toThrow(/these settings fit: |nothing smaller fits/);
  });

  it("says where nothing smaller fits", async () => {
    await expect(check(1e8)).rejects.toThrow("nothing smaller fits: choose a smaller model");
  });
});
