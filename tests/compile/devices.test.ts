import { describe, expect, it } from "vitest";
import {
  cureOf,
  requireDevice,
  requirePrecision,
  shortProblem,
  tryDevices,
} from "../../src/compile/runtime/devices.js";
import type { Device } from "../../src/compile/runtime/session.js";
import { tryDevice } from "../../src/compile/runtime/trial.js";
import { resolveConfig } from "../../src/config/load.js";
import type { RunConfigInput } from "../../src/config/schema.js";
import { ConfigError, messageOf } from "../../src/core/errors.js";
import { trainInFolder } from "../../src/train/trainInFolder.js";

const FOLDER = "/x/node_modules/onnxruntime-node/bin/napi-v6/linux/x64";
const ORT =
  "ONNX Runtime: /onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:1988 Get() [ONNXRuntimeError] : 1 : FAIL : ";

describe("tryDevice", () => {
  it("runs a graph on the CPU and says through what", async () => {
    const trial = await tryDevice("cpu");
    expect(trial.problem).toBeUndefined();
    expect(trial.runtime).toMatch(/^ONNX Runtime [\d.]+, C API$/);
  });

  it("of every device says that it works, or why not and what to do", async () => {
    for (const trial of await tryDevices()) {
      expect(trial.runtime ?? shortProblem(trial.problem ?? "")).not.toBe("");
      expect(cureOf(trial)).not.toBe("");
    }
  });
});

describe.runIf(process.platform === "linux")("the cure", () => {
  // Messages of onnxruntime-node 1.30.0.
  it.each([
    [
      "cuda",
      `${ORT}Failed to load library ${FOLDER}/libonnxruntime_providers_shared.so with error: ${FOLDER}/libonnxruntime_providers_shared.so: cannot open shared object file: No such file or directory\n`,
      `${FOLDER}/libonnxruntime_providers_shared.so: cannot open shared object file: No such file or directory`,
      "npx sharegrpo install-cuda",
    ],
    [
      "cuda",
      `${ORT}Failed to load library ${FOLDER}/libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared object file: No such file or directory\n`,
      "libcublasLt.so.13: cannot open shared object file: No such file or directory",
      "not on LD_LIBRARY_PATH: libcublasLt.so.13 of CUDA 13",
    ],
    [
      "cuda",
      `${ORT}CUDA failure 35: CUDA driver version is insufficient`,
      "CUDA failure 35: CUDA driver version is insufficient",
      "nvidia-smi",
    ],
    [
      "webgpu",
      "ONNX Runtime: webgpu_context.cc:136 adapter_result.status == wgpu::RequestAdapterStatus::Success was false. Failed to get a WebGPU adapter: No supported adapters\n",
      "Failed to get a WebGPU adapter: No supported adapters",
      "libvulkan1",
    ],
  ] as const)("of %s names what is missing: %#", (device, problem, said, cure) => {
    expect(shortProblem(problem)).toBe(said);
    expect(cureOf({ device, problem })).toContain(cure);
  });

  it("names every library that does not load, and the driver before all", () => {
    const problem = `${ORT}Failed to load library`;
    const missing = ["libcudart.so.13", "libcurand.so.10"];
    expect(cureOf({ device: "cuda", problem, missing })).toContain(missing.join(", "));
    expect(cureOf({ device: "cuda", problem, missing: ["libcuda.so.1", ...missing] })).toMatch(
      /^libcuda.*driver/,
    );
  });
});

describe("requireDevice", () => {
  const broken = async (device: Device) => ({
    device,
    problem: `${ORT}Failed to load library x with error: libcublasLt.so.13: cannot open shared object file`,
  });
  const works = async (device: Device) => ({ device, runtime: "C API" });

  it("takes the CPU untried and any other device that runs a graph", async () => {
    const never = () => Promise.reject(new Error("tried"));
    expect(await requireDevice("cpu", never)).toBe("cpu");
    expect(await requireDevice("cuda", works)).toBe("cuda");
    expect(await requireDevice("webgpu", works)).toBe("webgpu");
  });

  it("auto is cuda where a graph runs there, else the CPU", async () => {
    expect(await requireDevice("auto", works)).toBe("cuda");
    expect(await requireDevice("auto", broken)).toBe("cpu");
  });

  it.runIf(process.platform === "linux")(
    "refuses by name, with what is missing and what mends it",
    async () => {
      const refusal = requireDevice("cuda", broken);
      await expect(refusal).rejects.toThrow(ConfigError);
      await expect(refusal).rejects.toThrow(
        /^engine\.device=cuda: cannot be had: libcublasLt\.so\.13: cannot open .*: libcublasLt\.so\.13 of CUDA 13: `pip install/,
      );
    },
  );

  it("is asked before a training reads anything", async () => {
    const engine = { kind: "local", device: "webgpu" } as const;
    const config = resolveConfig({ engine, model: "/nowhere/model" }, "test");
    const trial = (await tryDevices()).find(({ device }) => device === "webgpu");
    const error = await trainInFolder({ config, out: "/nowhere/run" }).catch((thrown: unknown) => thrown);
    expect(messageOf(error)).toMatch(trial?.problem === undefined ? /nowhere/ : /^engine\.device=webgpu/);
  });
});

describe("requirePrecision", () => {
  it("takes any on a card, and float32 everywhere", () => {
    for (const precision of ["float32", "tf32", "bf16"] as const) requirePrecision("cuda", precision);
    for (const device of ["cpu", "webgpu"] as const) requirePrecision(device, "float32");
  });

  it("refuses others where products are float32 alone, by name", () => {
    const message = "engine.precision=bf16: unsupported on cpu: only a card has such products";
    expect(() => requirePrecision("cpu", "bf16")).toThrow(ConfigError);
    expect(() => requirePrecision("cpu", "bf16")).toThrow(message);
    const settings = (device: string) => ({ engine: { device, precision: "tf32" } }) as RunConfigInput;
    expect(() => resolveConfig(settings("cpu"), "test")).toThrow("set engine.device to cuda or auto");
    expect(resolveConfig(settings("auto"), "test").engine.precision).toBe("tf32");
  });
});
