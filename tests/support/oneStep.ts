import { resolveConfig } from "../../src/config/load.js";
import type { RunConfig } from "../../src/config/schema.js";

/** The shortest training of a model folder: one step of one question, nothing evaluated. */
export function oneStep(model: string, settings: object = {}): RunConfig {
  const run = {
    model,
    engine: { kind: "local" },
    train: { steps: 1, questionsPerStep: 1, evaluateQuestions: 0 },
    rollout: { responses: 2, maxResponseLength: 4 },
    update: { optimizerStepsPerRollout: 1 },
    ...settings,
  };
  return resolveConfig(run, "test");
}
