import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { builtBinding, installTensorflow } from "../../src/compile/nativeTensorflow.js";
import { ConfigError } from "../../src/core/errors.js";
import { temporaryFolder } from "../support/fakeModel.js";

/** A program that answers like Python. */
async function pythonThat(script: string): Promise<string> {
  const python = join(await temporaryFolder(), "python");
  await writeFile(python, `#!/bin/sh\n${script}\n`);
  await chmod(python, 0o755);
  return python;
}

describe.runIf(process.platform === "linux")("installTensorflow", () => {
  const refusal = async (python: string) => {
    const folder = join(await temporaryFolder(), "built");
    const error = await installTensorflow({ python, folder }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect(builtBinding(folder)).toBeUndefined();
    return (error as ConfigError).message;
  };

  it("says what Python said, and what to install", async () => {
    const python = await pythonThat("echo it has no tensorflow >&2; exit 1");
    expect(await refusal(python)).toBe(
      `install-tensorflow: ${python}: it has no tensorflow: name one with \`pip install tensorflow\` (tensorflow[and-cuda] for a card) by --python`,
    );
    expect(await refusal("/nowhere/python")).toMatch(
      /^install-tensorflow: \/nowhere\/python: .*ENOENT: name one/,
    );
  });

  it("names what a TensorFlow lacks", async () => {
    const python = await pythonThat(`echo '{ "tensorflow": "/nowhere", "version": "1.15.0" }'`);
    expect(await refusal(python)).toMatch(
      /\/nowhere: missing libtensorflow_cc\.so\.2, .*c_api\.h: TensorFlow 2\.21/,
    );
  });
});

describe("builtBinding", () => {
  it("is gone with the TensorFlow that it was built against", async () => {
    const folder = await temporaryFolder();
    const built = { tensorflow: join(folder, "tensorflow"), version: "2.21.0" };
    await writeFile(join(folder, "built.json"), JSON.stringify(built));
    expect(builtBinding(folder)).toBeUndefined();
    const library = join(built.tensorflow, "libtensorflow_cc.so.2");
    await mkdir(dirname(library));
    await writeFile(library, "");
    expect(builtBinding(folder)).toEqual(built);
    await rm(built.tensorflow, { recursive: true });
    expect(builtBinding(folder)).toBeUndefined();
  });
});
