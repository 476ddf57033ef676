import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { resolveConfig } from "../../../src/config/load.js";
import { localSettings } from "../../../src/engine/local/settings.js";
import { startEngine } from "../../../src/engine/process/engineInProcess.js";
import { modelFolder } from "../../../src/model/load.js";
import { loadProcessor } from "../../../src/model/processor.js";
import { buildPrompt } from "../../../src/model/prompt.js";
import type { Prompt } from "../../../src/records.js";

const decoding = { temperature: 1, topP: 1, topK: 0, isGreedy: true, maxTokens: 2 };
const reason = new Error("interrupted");
let prompt: Prompt;

beforeAll(async () => {
  const red = { create: { width: 56, height: 56, channels: 3, background: "red" } } as const;
  const bytes = new Uint8Array(await sharp(red).png().toBuffer());
  const question = { text: "<image>How many?", images: [{ kind: "bytes", bytes }] } as const;
  prompt = await buildPrompt(await loadProcessor(modelFolder("tiny")), question, "test");
});

describe("a call to an engine's process that is aborted", () => {
  it("while it waits for its turn ends with the signal's reason, and the images it brought are still known", async () => {
    const engine = startEngine({
      model: modelFolder("tiny"),
      local: localSettings(resolveConfig({}, "test")),
    });
    const request = { prompts: [prompt], responses: 1, decoding };
    const loading = engine.report();
    const controller = new AbortController();
    const waiting = engine.sampler.sample(request, { signal: controller.signal });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await loading;
    const [[rollout] = []] = await engine.sampler.sample(request);
    expect(rollout?.tokens).toHaveLength(2);
    await engine.close();
  });

  it("before it is sent brings nothing", async () => {
    const engine = startEngine({
      model: modelFolder("tiny"),
      local: localSettings(resolveConfig({}, "test")),
    });
    const request = { prompts: [prompt], responses: 1, decoding };
    const refused = engine.sampler.sample(request, { signal: AbortSignal.abort(reason) });
    await expect(refused).rejects.toBe(reason);
    const [[rollout] = []] = await engine.sampler.sample(request);
    expect(rollout?.tokens).toHaveLength(2);
    await engine.close();
  });
});
