import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../src/core/files/packageRoot.js";

const run = promisify(execFile);
const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" };
const QUIET = ["--no-audit", "--no-fund", "--prefer-offline"];

/** Node majors that are supported; each comes as an npm package of that version. */
const MAJORS = ["20", "22", "24"];

const PROGRAM = `import { GRADERS, hierarchicalAdvantages, PRESETS, resolveConfig } from "sharegrpo";
import { BENCHMARKS } from "sharegrpo/benchmarks";
const { correct }: { readonly correct: boolean } = GRADERS.math("\\\\frac{1}{2}", "0.5");
const steps: number = resolveConfig(PRESETS.tiny, "here").train.steps;
const { global_M_N } = hierarchicalAdvantages([[1, 0]]);
console.log(JSON.stringify([correct, steps > 0, global_M_N.length, BENCHMARKS.length]));
`;

/** How Node finds modules, and how bundlers do. The last one's program is run. */
const RESOLUTIONS = {
  bundler: { module: "ESNext", moduleResolution: "Bundler" },
  node: { module: "NodeNext" },
};

let app: string;
beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), "packed-"));
  await run("npm", ["pack", "--ignore-scripts", "--pack-destination", dir], { cwd: packageRoot(), env });
  const [tarball = ""] = readdirSync(dir);
  app = join(dir, "app");
  await mkdir(app);
  await writeFile(join(app, "package.json"), '{ "type": "module", "private": true }');
  await run("npm", ["install", ...QUIET, join(dir, tarball), "typescript@5.9.3"], { cwd: app, env });
  await writeFile(join(app, "main.ts"), PROGRAM);
  const strict = { target: "ES2023", strict: true, skipLibCheck: false, exactOptionalPropertyTypes: true };
  for (const [name, resolution] of Object.entries(RESOLUTIONS)) {
    const compilerOptions = { ...strict, ...resolution };
    await writeFile(join(app, `${name}.json`), JSON.stringify({ compilerOptions, files: ["main.ts"] }));
  }
}, 900_000);

describe("the package in an empty project", () => {
  it.each(Object.keys(RESOLUTIONS))(
    "type-checks with every declaration file looked at: %s",
    { timeout: 120_000 },
    async (name) => {
      // TypeScript's own program: tslab brings an older one under the same name.
      const args = ["node_modules/typescript/bin/tsc", "-p", `${name}.json`];
      expect((await run(process.execPath, args, { cwd: app })).stdout).toBe("");
    },
  );

  it.each(MAJORS)("runs on Node %s", { timeout: 300_000 }, async (major) => {
    const folder = join(app, `node-${major}`);
    await mkdir(folder);
    await writeFile(join(folder, "package.json"), '{ "allowScripts": { "node": true } }');
    await run("npm", ["install", ...QUIET, `node@${major}`], { cwd: folder });
    const node = join(folder, "node_modules", "node", "bin", "node");
    expect((await run(node, ["--version"])).stdout).toMatch(new RegExp(`^v${major}\\.`));
    expect(JSON.parse((await run(node, ["main.js"], { cwd: app })).stdout)).toEqual([true, true, 1, 6]);
    const program = join(app, "node_modules", "sharegrpo", "dist", "src", "cli", "main.js");
    expect((await run(node, [program, "doctor"], { cwd: app })).stdout).toContain("tiny policy");
    const view = spawn(node, [program, "view", "--no-browser", app], { cwd: app });
    const [url] = (await once(view.stdout.setEncoding("utf8"), "data")) as [string];
    for (const path of [
      "/",
      "/page/main.js",
      "/lib/preact.js",
      "/lib/plotly.js",
      "/style.css",
      "/api/runs",
    ]) {
      const { status } = await fetch(new URL(`${path}${new URL(url).search}`, url), { redirect: "manual" });
      expect([path, status]).toEqual([path, path === "/" ? 302 : 200]);
    }
    view.kill();
  });
});
