import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { benchGpu } from "../../../benchmarks/measured/gpu/gpu.js";
import type { Measured } from "../../../benchmarks/measured/gpu/jobs.js";
import { planModel, weightsOf } from "../../../benchmarks/measured/gpu/model.js";
import { type GpuRow, gpuTable, lossDisagreement, problems } from "../../../benchmarks/measured/gpu/table.js";

const measured = (values: readonly number[], milliseconds = [30, 10, 20]): Measured => ({
  ...{ part: "step", precision: "float32", milliseconds, values },
});

describe("weights of the card's benchmark", () => {
  it("repeat one block of draws, each from a place of its own", async () => {
    const block = Float32Array.from({ length: 1_048_573 }, (_, at) => at);
    const plan = await planModel("xs");
    const name = "model.layers.1.mlp.down_proj.weight";
    const rule = plan.rules[name];
    if (!rule || !("std" in rule)) throw new Error("drawn weights are expected");
    const { data } = weightsOf(plan, block)[name] ?? { data: [] };
    expect(data).toHaveLength(64 * 128);
    const at = (index: number) => Math.fround(rule.std * ((rule.begin + index) % block.length));
    expect([data[0], data[1], data.at(-1)]).toEqual([at(0), at(1), at(64 * 128 - 1)]);
  });
});

describe("the card's table", () => {
  it("compares the first losses, as far as both sides have them", () => {
    expect(lossDisagreement(measured([4, 3, 9]), measured([4, 2]))).toBe(0.5);
    expect(lossDisagreement(measured([Number.NaN, 3]), measured([4, 3]))).toBe(Number.POSITIVE_INFINITY);
    expect(lossDisagreement(measured([4]), measured([4]))).toBeUndefined();
  });

  it("says which is faster, and what was not measured and why", () => {
    const row = { size: "xs", parameters: 1e6, part: "step", precision: "float32" } as const;
    const rows: GpuRow[] = [
      { ...row, own: measured([1, 1]), torch: measured([1, 1], [60]), disagreement: 0.1, operations: 4e12 },
      { ...row, own: { part: "step", precision: "float32", error: "no card" } },
    ];
    const { head, rows: cells } = gpuTable(rows);
    const cell = (name: string) => cells.map((each) => each[head.indexOf(name)]);
    expect(cell("ours")).toEqual(["20 ms", "–"]);
    expect(cell("ours is faster by")).toEqual(["3.00×", ""]);
    expect(cell("TFLOP/s")).toEqual(["200 / 66.67", ""]);
    expect(cell("losses differ by")).toEqual(["1.0e-1: TOO MUCH", ""]);
    expect(head).not.toContain("torch.compile");
    expect(problems(rows)).toEqual(["xs, step, float32, ours: no card"]);
  });
});

describe("bench gpu on the processor", () => {
  it("measures our side without a peer, and writes what it found", async () => {
    const results = await mkdtemp(join(tmpdir(), "bench-gpu-"));
    const printed: string[] = [];
    const report = await benchGpu({
      ...{
        sizes: ["xs"],
        parts: ["step", "replay", "learner", "prefill"],
        precisions: ["float32"],
        device: "cpu",
      },
      ...{ python: join(results, "nothing"), isTorchCompiled: false, steps: 1, budget: 1, results },
      print: (text) => printed.push(text),
    });
    expect(report.rows.map(({ part }) => part)).toEqual(["step", "replay", "learner", "prefill"]);
    expect(problems(report.rows)).toEqual([]);
    for (const { own } of report.rows) expect((own as Measured).milliseconds[0]).toBeGreaterThan(0);
    expect(report.peer).toContain("does not start");
    expect(JSON.parse(await readFile(join(results, "gpu.json"), "utf8"))).toMatchObject({
      rows: [{ part: "step" }, {}, {}, {}],
    });
    expect(await readFile(join(results, "gpu.md"), "utf8")).toContain("| xs, 0.1 M |");
    expect(printed.join()).toContain("training step, the learner");
  }, 60_000);
});
