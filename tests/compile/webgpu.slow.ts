/**
 * WebGPU itself, with no operator left to the processor: on the machine's own Vulkan driver, or in software on SwiftShader,
 * which Chromium brings (a hundred times slower than the processor). Skipped where ONNX Runtime finds neither.
 */
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it, vi } from "vitest";
import { drawnBatch, policyGradients } from "../../benchmarks/measured/speed/backends.js";
import { jit } from "../../src/compile/jit.js";
import { tryApart } from "../../src/compile/runtime/devices.js";
import type { Device } from "../../src/compile/runtime/session.js";
import { loadModel, modelFolder } from "../../src/model/load.js";
import { largestGap } from "./compare.js";
import { work } from "./webgpuWork.js";

vi.mock("../../src/compile/runtime/sessionConfig.js", async (original) => {
  const actual = await original<typeof import("../../src/compile/runtime/sessionConfig.js")>();
  const sessionConfig: typeof actual.sessionConfig = (graph, options) => ({
    ...actual.sessionConfig(graph, options),
    ...(options.device === "webgpu" ? { "session.disable_cpu_ep_fallback": "1" } : {}),
  });
  return { ...actual, sessionConfig };
});

const SWIFTSHADER = "/usr/lib/chromium/libvk_swiftshader.so";

/** Whether a graph runs; in software where the machine has no driver of its own. */
async function findDriver(): Promise<boolean> {
  const own = await tryApart("webgpu");
  if (own.problem === undefined) return true;
  if (!existsSync(SWIFTSHADER)) return false;
  const manifest = join(mkdtempSync(join(tmpdir(), "sharegrpo-test-")), "swiftshader.json");
  const icd = { library_path: SWIFTSHADER, api_version: "1.3.0" };
  writeFileSync(manifest, JSON.stringify({ file_format_version: "1.0.0", ICD: icd }));
  process.env["VK_DRIVER_FILES"] = manifest; // read by newer loaders
  process.env["VK_ICD_FILENAMES"] = manifest;
  return (await tryApart("webgpu")).problem === undefined;
}

const hasDriver = await findDriver();
if (!hasDriver) process.stderr.write("no Vulkan driver that ONNX Runtime takes: skipping WebGPU\n");

describe.skipIf(!hasDriver)("on WebGPU", { timeout: 600_000 }, () => {
  it.each(["qwen2_5_vl", "qwen3_vl"] as const)(
    "sampling and learning give the processor's numbers: %s",
    async (family) => {
      const expected = await work("cpu", family);
      const found = await work("webgpu", family);
      expect(found.tokens).toEqual(expected.tokens);
      found.numbers.forEach((number, at) => {
        expect(number).toBeCloseTo(expected.numbers[at] as number, 4);
      });
      expect(largestGap(found.gradients, expected.gradients)).toBeLessThan(1e-4);
    },
  );

  it("the bundled policy's scores, log-probs and gradients are the processor's within 1e-4", async () => {
    const model = await loadModel(modelFolder("tiny"));
    const { packed, sampler } = await drawnBatch(model, { responses: 1, length: 16 });
    const run = (device: Device) =>
      jit(policyGradients(model), { name: "policy gradients", runtime: { device } })(
        model.params,
        packed,
        sampler,
      );
    expect(largestGap(await run("webgpu"), await run("cpu"))).toBeLessThan(1e-4);
  });
});
