import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { packageRoot } from "../../src/core/files/packageRoot.js";

const TYPEDOC = join(packageRoot(), "node_modules", "typedoc", "bin", "typedoc");

/** Addresses in a page that lead to other pages of the folder, and what of them is not there. */
function deadLinks(folder: string, page: string): string[] {
  const text = readFileSync(join(folder, page), "utf8");
  const links = [...text.matchAll(/(?:href|src)="([^"#?]*)(?:#([^"]*))?"/g)];
  return links.flatMap(([, path = "", anchor]) => {
    if (/^(https?:|data:|mailto:)/.test(path)) return [];
    const target = path === "" ? page : normalize(join(dirname(page), decodeURIComponent(path)));
    const file = join(folder, target);
    if (!existsSync(file)) return [`${page} → ${path}`];
    const isThere =
      anchor === undefined ||
      anchor === "" ||
      readFileSync(file, "utf8").includes(`id="${decodeURIComponent(anchor)}"`);
    return isThere ? [] : [`${page} → ${path}#${anchor}`];
  });
}

it("npm run docs makes pages for every public name, without a dead link", { timeout: 300_000 }, async () => {
  const out = await mkdtemp(join(tmpdir(), "api-"));
  await promisify(execFile)(process.execPath, [TYPEDOC, "--out", out], { cwd: packageRoot() });
  const pages = readdirSync(out, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".html"),
  );
  expect(pages.length).toBeGreaterThan(150);
  expect(pages.some((page) => page.includes("hierarchicalAdvantages"))).toBe(true);
  expect(pages.flatMap((page) => deadLinks(out, page))).toEqual([]);
});
