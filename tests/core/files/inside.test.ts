import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { pathInside } from "../../../src/core/files/inside.js";
import { temporaryFolder } from "../../support/fakeModel.js";

let dir: string;
let folder: string;
beforeAll(async () => {
  dir = await temporaryFolder();
  folder = join(dir, "data");
  await mkdir(join(folder, "sub"), { recursive: true });
  await mkdir(join(dir, "other"));
  await mkdir(join(dir, "data-too"));
  await writeFile(join(folder, "a.png"), "");
  await writeFile(join(dir, "secret"), "");
  await writeFile(join(dir, "data-too", "b"), "");
  await symlink(join(dir, "secret"), join(folder, "link-out"));
  await symlink(join(dir, "other"), join(folder, "folder-out"));
  await symlink("a.png", join(folder, "link-in"));
  await symlink(join(dir, "none"), join(folder, "dangling-out"));
  await symlink(folder, join(dir, "data-by-link"));
});

describe("pathInside", () => {
  it.each([
    "a.png",
    "./a.png",
    "sub/../a.png",
    "sub",
    "link-in",
    "none.png",
    "sub/none.png",
    "..a",
    "...",
    "a b/ü",
  ])("%j stays inside", (name) => {
    expect(pathInside(folder, name)).toBe(join(folder, name));
  });

  it.each([
    ["", "the folder itself"],
    [".", "the folder itself"],
    ["sub/..", "the folder itself"],
    ["..", "upwards"],
    ["../secret", "upwards"],
    ["sub/../../secret", "upwards on a detour"],
    ["../data-too/b", "into a folder whose name begins alike"],
    ["/etc/passwd", "an absolute path"],
    ["a.png\0.txt", "a name that system calls cut off"],
    ["link-out", "a link to a file outside"],
    ["folder-out", "a link to a folder outside"],
    ["folder-out/none.png", "what is not there yet, in a folder outside"],
    ["dangling-out", "a link to what is not there yet, outside"],
  ])("%j is refused: %s", (name) => {
    expect(pathInside(folder, name)).toBeUndefined();
  });

  it("leaves a name that no system takes to whoever opens it", () => {
    const long = "n".repeat(5000);
    expect(pathInside(folder, long)).toBe(join(folder, long));
    expect(pathInside(folder, "a.png/below a file")).toBe(join(folder, "a.png/below a file"));
  });

  it("lets an absolute path in when it leads inside", () => {
    expect(pathInside(folder, join(folder, "a.png"))).toBe(join(folder, "a.png"));
  });

  it("does not take a missing file for one outside where the folder itself is a link", () => {
    const byLink = join(dir, "data-by-link");
    expect(pathInside(byLink, "a.png")).toBe(join(byLink, "a.png"));
    expect(pathInside(byLink, "none.png")).toBe(join(byLink, "none.png"));
    expect(pathInside(byLink, "sub/deep/none.png")).toBe(join(byLink, "sub/deep/none.png"));
    expect(pathInside(byLink, "link-out")).toBeUndefined();
  });

  it("says nothing against names in a folder that is not there", () => {
    expect(pathInside(join(dir, "none"), "a.png")).toBe(join(dir, "none", "a.png"));
    expect(pathInside(join(dir, "none"), "../a.png")).toBeUndefined();
  });
});
