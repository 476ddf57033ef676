import { describe, expect, it } from "vitest";
import { addDoctor } from "../../src/cli/doctor.js";

import { runCommand } from "../helpers/command.js";

describe("sharegrpo doctor --model", () => {
  it("prints what the model needs of this machine", async () => {
    const { printed, code } = await runCommand(addDoctor, "doctor", "--model", "tiny", "--pixels", "12544");
    expect(code).toBe(0);
    expect(printed).toMatch(/answer \(evaluate\) +\d/);
    expect(printed).toMatch(/train all weights +\d/);
    expect(printed).toMatch(/\d GB of [\d.]+ GB are available/);
  });

  it("knows a run's settings", async () => {
    const needs = async (...settings: string[]) => {
      const { printed } = await runCommand(addDoctor, "doctor", "--model", "tiny", "--json", ...settings);
      const document = JSON.parse(printed) as { plan: { lora: { anonymous: number } } };
      return document.plan.lora.anonymous;
    };
    expect(await needs("rollout.maxResponseLength=1024")).toBeGreaterThan(await needs());
  });
});
