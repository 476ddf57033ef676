import { describe, expect, it } from "vitest";
import { ownRow } from "../../../src/train/run/easyR1Row.js";
import type { MetricDefinition } from "../../../src/train/run/metricDefinition.js";
import { METRICS } from "../../../src/train/run/metrics.js";

describe("ownRow", () => {
  it("gives EasyR1's metrics our names, and leaves out what we do not measure or measure otherwise", () => {
    expect(ownRow({ "timing_s/gen": 2, "actor/ppo_kl": 0.1, "unknown/metric": 3 })).toEqual({
      "timing_s/rollout": 2,
      ...(Object.values<MetricDefinition>(METRICS).some(({ easyR1 }) => easyR1 === "actor/ppo_kl")
        ? { "policy/kl_approx": 0.1 }
        : {}),
    });
    expect(ownRow({ "perf/cpu_memory_used_gb": 12 })).toEqual({});
    expect(ownRow({})).toEqual({});
  });

  it("takes no two of ours for one of EasyR1's", () => {
    const names = Object.values<MetricDefinition>(METRICS).flatMap(({ easyR1 }) => easyR1 ?? []);
    expect(names).toHaveLength(new Set(names).size);
  });
});
