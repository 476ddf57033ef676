import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../src/core/files/packageRoot.js";

interface PackageJson {
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly overrides: Readonly<Record<string, unknown>>;
}

const root = packageRoot();
const json = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as PackageJson;

let packed: string[];
// npm takes seconds, or minutes on a machine that does other things too.
beforeAll(async () => {
  const { stdout } = await promisify(execFile)(
    "npm",
    ["pack", "--dry-run", "--json", "--ignore-scripts", "--offline"],
    {
      cwd: root,
      maxBuffer: 2 ** 24,
      shell: process.platform === "win32",
    },
  );
  const [listing] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  packed = listing.files.map(({ path }) => path);
}, 300_000);

describe("the package", () => {
  it("holds program, library, data and notebooks, and nothing else", () => {
    const tops = new Set(packed.map((path) => path.split("/")[0]));
    expect([...tops].sort()).toEqual([
      "LICENSE",
      "README.md",
      "data",
      "dist",
      "docs",
      "notebooks",
      "package.json",
      "src",
    ]);
    const python = packed.filter((path) => path.startsWith("src/"));
    expect(
      python.filter((path) => !/^src\/engine\/ray\/easyr1\/sharegrpo_easyr1\/\w+\.py$/.test(path)),
    ).toEqual([]);
    expect(python.length).toBeGreaterThan(4);
    expect(packed.filter((path) => path.startsWith("dist/") && !/\.(js|js\.map|d\.ts)$/.test(path))).toEqual(
      [],
    );
    expect(packed).toContain("notebooks/kernels/tslab/kernel.json");
    expect(packed).toContain("data/models/tiny/model.safetensors");
  });

  it("holds what its command and its exports name", () => {
    const targets = Object.values(json.exports).flatMap((target) =>
      typeof target === "string" ? [target] : [target.types, target.default],
    );
    const named = [...Object.values(json.bin), ...targets].map((path) => path.replace("./", ""));
    for (const path of named) expect(packed, path).toContain(path);
  });

  it("depends on nothing that needs this project's overrides: a dependent's npm ignores them", () => {
    expect(Object.keys(json.overrides).filter((name) => name in json.dependencies)).toEqual([]);
  });
});
