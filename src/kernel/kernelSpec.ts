/**
 * @module Where Jupyter finds the kernel: the committed spec below `notebooks/kernels`, or one with absolute paths in
 * the person's own Jupyter folder, for front ends that are not started by `sharegrpo lab`.
 */
import { cp, mkdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { z } from "zod";
import { ConfigError } from "../core/errors.js";
import { writeFileAtomic } from "../core/files/atomic.js";
import { KERNEL_NAME } from "./language.js";

const kernelSpec = z.looseObject({
  argv: z.array(z.string()),
  metadata: z.looseObject({ package: z.string().optional() }).optional(),
});
type KernelSpec = z.infer<typeof kernelSpec>;

/** Marks a spec as this package's, so that it may be replaced. */
const PACKAGE = "sharegrpo";

export type Environment = Readonly<Record<string, string | undefined>>;

function committedFolder(root: string): string {
  return join(root, "notebooks", "kernels", KERNEL_NAME);
}

/** The kernel's program; `{resource_dir}` of the committed spec leads here. */
export function kernelProgram(root: string): string {
  return join(root, "dist", "src", "kernel", "main.js");
}

/** Jupyter's search path with the committed spec in front. It must be absolute. */
export function jupyterPath(root: string, environment: Environment): string {
  const given = environment["JUPYTER_PATH"];
  const own = join(root, "notebooks");
  return given ? `${own}${delimiter}${given}` : own;
}

/**
 * Jupyter's configuration path with the committed one in front, which turns off the question whether one wants Jupyter's
 * news; nothing of the person's own is changed.
 */
export function jupyterConfigPath(root: string, environment: Environment): string {
  const given = environment["JUPYTER_CONFIG_PATH"];
  const own = join(root, "notebooks");
  return given ? `${own}${delimiter}${given}` : own;
}

/** The person's own Jupyter data folder, as jupyter_core finds it. */
export function userDataFolder(environment: Environment): string {
  const { JUPYTER_DATA_DIR: given, XDG_DATA_HOME: xdg, APPDATA: appData } = environment;
  if (given) return given;
  if (process.platform === "darwin") return join(homedir(), "Library", "Jupyter");
  if (process.platform === "win32") return join(appData ?? join(homedir(), "AppData", "Roaming"), "jupyter");
  return join(xdg || join(homedir(), ".local", "share"), "jupyter");
}

async function readSpec(path: string): Promise<KernelSpec | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return kernelSpec.parse(JSON.parse(text));
  } catch {
    return { argv: [] }; // unreadable: someone else's
  }
}

/**
 * Writes a spec with absolute paths. @returns its file
 * @param root the project's folder
 * @param data Jupyter's data folder, `userDataFolder(…)`
 * @throws ConfigError when another kernel of the name is there
 */
export async function installKernelSpec(root: string, data: string, name = KERNEL_NAME): Promise<string> {
  const folder = join(data, "kernels", name);
  const path = join(folder, "kernel.json");
  const present = await readSpec(path);
  if (present && present.metadata?.package !== PACKAGE) {
    throw new ConfigError(`lab: ${path} is another kernel's: choose a name: --install-kernel ${PACKAGE}`);
  }
  const committed = kernelSpec.parse(
    JSON.parse(await readFile(join(committedFolder(root), "kernel.json"), "utf8")),
  );
  const argv = committed.argv.map((part) => {
    if (part === "node") return process.execPath;
    return part.startsWith("{resource_dir}") ? kernelProgram(root) : part;
  });
  await mkdir(folder, { recursive: true });
  await cp(join(committedFolder(root), "logo-svg.svg"), join(folder, "logo-svg.svg"));
  await writeFileAtomic(path, `${JSON.stringify({ ...committed, argv }, undefined, 2)}\n`);
  return path;
}
