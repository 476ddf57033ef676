/**
 * TensorFlow's own kernels, built here: in a Python of its own with `tensorflow-cpu` from its package index, or in the one
 * that `SHAREGRPO_TENSORFLOW_PYTHON` names.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { drawnBatch, policyGradients } from "../../benchmarks/measured/speed/backends.js";
import { eager } from "../../src/compile/eager.js";
import { jit } from "../../src/compile/jit.js";
import { installTensorflow, registerBuilt } from "../../src/compile/nativeTensorflow.js";
import { loadModel, modelFolder } from "../../src/model/load.js";
import { temporaryFolder } from "../support/fakeModel.js";
import { largestGap } from "./compare.js";

const run = promisify(execFile);
const WHEEL = "tensorflow-cpu==2.21.0";

/** A Python with TensorFlow's files; what they would import is not needed. */
async function pythonWithTensorflow(folder: string): Promise<string> {
  const named = process.env["SHAREGRPO_TENSORFLOW_PYTHON"];
  if (named) return named;
  const python = join(folder, "venv", "bin", "python");
  await run("python3", ["-m", "venv", join(folder, "venv")]);
  await run(python, ["-m", "pip", "install", "--quiet", "--no-deps", WHEEL]);
  return python;
}

describe.runIf(process.platform === "linux")("native TensorFlow", () => {
  beforeAll(async () => {
    const folder = await temporaryFolder();
    const built = join(folder, "built");
    await installTensorflow({ python: await pythonWithTensorflow(folder), folder: built });
    registerBuilt(built);
  }, 900_000);

  it("gives the bundled policy's scores, log-probs and gradients within 1e-4 of the compiled graph's", {
    timeout: 120_000,
  }, async () => {
    const model = await loadModel(modelFolder("tiny"));
    const { packed, sampler } = await drawnBatch(model);
    const gradients = policyGradients(model);
    const expected = await jit(gradients, { name: "policy gradients" })(model.params, packed, sampler);
    const found = await eager(gradients, { backend: "tensorflow" })(model.params, packed, sampler);
    expect(packed.image).toBeDefined();
    expect(Object.keys(found.grads)).toEqual(Object.keys(model.params));
    expect(largestGap(found, expected)).toBeLessThan(1e-4);
  });
});
