import { describe, expect, it } from "vitest";
import { TAKEN_PARTS } from "../../../src/reward/rewarder.js";
import {
  assertKnown,
  EASYR1_NAMES_ELSEWHERE,
  isRewardPart,
  METRICS,
  metricDefinition,
} from "../../../src/train/run/metrics.js";

const definitions = Object.entries(METRICS);

describe("METRICS", () => {
  it("names every metric stage/quantity, but for TRL's frac_reward_zero_std", () => {
    const odd = definitions.map(([name]) => name).filter((name) => !/^[a-z_]+\/[a-z_]+$/.test(name));
    expect(odd).toEqual(["frac_reward_zero_std"]);
  });

  it("gives each of TRL's and EasyR1's names to one metric only", () => {
    for (const key of ["trl", "easyR1"] as const) {
      const names = definitions.map(([name]) => metricDefinition(name)?.[key]).filter(Boolean);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it("has every number that the released trainer logs, or says where it is", () => {
    const group = (prefix: string, names: string) => names.split(" ").map((name) => `${prefix}/${name}`);
    const released = [
      ...group("reward", "overall format accuracy"),
      ...["score", "rewards", "advantages", "returns"].flatMap((part) =>
        group(`critic/${part}`, "mean max min"),
      ),
      ...group("critic", "kl kl_coef"),
      ...group("actor", "pg_loss pg_clipfrac_higher pg_clipfrac_lower entropy_loss ppo_kl grad_norm lr"),
      ...group("actor", "kl_loss kl_coef"),
      ...group("response_length", "mean max min clip_ratio"),
      ...group("prompt_length", "mean max min clip_ratio"),
      ...group("timing_s", "gen reward old ref adv update_actor validation save_checkpoint step"),
      ...group("timing_per_token_ms", "gen reward old adv update_actor"),
      ...group("perf", "total_num_tokens time_per_step throughput cpu_memory_used_gb"),
      ...group("val", "reward_score overall_reward format_reward accuracy_reward"),
    ];
    const known = definitions.map(([name]) => metricDefinition(name)?.easyR1);
    const lost = released.filter(
      (name) => !known.includes(name) && !Object.hasOwn(EASYR1_NAMES_ELSEWHERE, name),
    );
    expect(lost).toEqual([]);
  });

  it("states a formula for each", () => {
    expect(definitions.filter(([, { formula }]) => formula.length < 8)).toEqual([]);
  });
});

describe("assertKnown", () => {
  it("accepts defined names, step and epoch", () => {
    assertKnown({ step: 1, epoch: 0, "reward/overall": 0.5, frac_reward_zero_std: 0.2 });
  });

  it("names every unknown metric", () => {
    expect(() => assertKnown({ step: 1, "policy/los": 0.5, toString: 1 })).toThrow(
      "metrics: unknown name: policy/los, toString; define it in train/run/metrics.ts",
    );
  });
});

describe("parts of a custom reward", () => {
  it("are metrics below reward/, and cannot take the name of one that every reward has", () => {
    assertKnown({ "reward/closeness": 0.5 });
    expect(metricDefinition("reward/closeness")?.formula).toContain("custom reward");
    const own = definitions.map(([name]) => name).filter((name) => name.startsWith("reward/"));
    expect(TAKEN_PARTS.map((part) => `reward/${part}`).sort()).toEqual(own.sort());
    expect(own.filter(isRewardPart)).toEqual([]);
  });
});
