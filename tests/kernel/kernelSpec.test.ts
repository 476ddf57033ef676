import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, dirname, isAbsolute, join, normalize } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/files/packageRoot.js";
import {
  installKernelSpec,
  jupyterConfigPath,
  jupyterPath,
  kernelProgram,
  userDataFolder,
} from "../../src/kernel/kernelSpec.js";
import { temporaryFolder } from "../support/fakeModel.js";

const ROOT = packageRoot();
const COMMITTED = join(ROOT, "notebooks", "kernels", "tslab", "kernel.json");

interface Spec {
  readonly argv: string[];
  readonly metadata: object;
}
const readSpec = async (path: string) => JSON.parse(await readFile(path, "utf8")) as Spec;

describe("the committed kernel spec", () => {
  it("leads to the kernel's program from wherever the project lies", async () => {
    const { argv } = await readSpec(COMMITTED);
    const program = argv.find((part) => part.startsWith("{resource_dir}")) ?? "";
    expect(normalize(program.replace("{resource_dir}", dirname(COMMITTED)))).toBe(kernelProgram(ROOT));
    expect(argv.filter((part) => isAbsolute(part))).toEqual([]);
  });

  it("is found by an absolute search path, before the person's own", () => {
    expect(jupyterPath(ROOT, {})).toBe(join(ROOT, "notebooks"));
    expect(jupyterPath(ROOT, { JUPYTER_PATH: "/mine" })).toBe(
      [join(ROOT, "notebooks"), "/mine"].join(delimiter),
    );
  });
});

describe("the committed configuration of JupyterLab", () => {
  it("turns off the question about Jupyter's news, before the person's own settings", async () => {
    expect(jupyterConfigPath(ROOT, { JUPYTER_CONFIG_PATH: "/mine" })).toBe(
      [join(ROOT, "notebooks"), "/mine"].join(delimiter),
    );
    const path = join(jupyterConfigPath(ROOT, {}), "labconfig", "page_config.json");
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual({
      disabledExtensions: { "@jupyterlab/apputils-extension:announcements": true },
    });
  });
});

describe("installKernelSpec", () => {
  it("writes absolute paths, and may write again", async () => {
    const data = await temporaryFolder();
    const path = await installKernelSpec(ROOT, data);
    expect(await installKernelSpec(ROOT, data)).toBe(path);
    const { argv } = await readSpec(path);
    expect(argv[0]).toBe(process.execPath);
    expect(argv.slice(-2)).toEqual([kernelProgram(ROOT), "{connection_file}"]);
    expect(existsSync(join(dirname(path), "logo-svg.svg"))).toBe(true);
  });

  it("leaves another kernel of the name alone, and takes another name", async () => {
    const data = await temporaryFolder();
    const theirs = join(data, "kernels", "tslab", "kernel.json");
    await mkdir(dirname(theirs), { recursive: true });
    await writeFile(theirs, '{"argv": ["tslab"]}');
    await expect(installKernelSpec(ROOT, data)).rejects.toThrow(/is another kernel's: choose a name/);
    expect(await readFile(theirs, "utf8")).toBe('{"argv": ["tslab"]}');
    expect(await installKernelSpec(ROOT, data, "sharegrpo")).toBe(
      join(data, "kernels", "sharegrpo", "kernel.json"),
    );
  });
});

it("userDataFolder follows Jupyter's own variable first", () => {
  expect(userDataFolder({ JUPYTER_DATA_DIR: "/data", XDG_DATA_HOME: "/xdg" })).toBe("/data");
});
