import { join } from "node:path";
import { expect, it } from "vitest";
import { resolveConfig } from "../../../src/config/load.js";
import { readJsonl } from "../../../src/core/files/jsonl.js";
import { METRICS, type StepMetrics } from "../../../src/train/run/metrics.js";
import { RunFolder } from "../../../src/train/run/runFolder.js";
import { readEvents } from "../../../src/train/run/tensorboard.js";
import { temporaryFolder } from "../../support/fakeModel.js";

it("RunFolder writes the parts of a custom reward into metrics.jsonl and for TensorBoard", async () => {
  const dir = await temporaryFolder();
  const run = await RunFolder.open(dir, resolveConfig({}, "test"), { isResume: false });
  const plain = Object.fromEntries(Object.keys(METRICS).map((name) => [name, 0.5]));
  const metrics = { ...(plain as StepMetrics), "reward/closeness": 0.25 };
  await run.appendStep(1, metrics, []);
  expect((await readJsonl(join(dir, "metrics.jsonl"))).records).toEqual([{ step: 1, ...metrics }]);
  const events = await readEvents(join(dir, "events.out.tfevents.sharegrpo"));
  expect(events.at(-1)).toMatchObject({ step: 1, scalars: metrics });
});
