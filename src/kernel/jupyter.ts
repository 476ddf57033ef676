/**
 * @module Finds a Jupyter to open notebooks with, or installs one below the project. Nothing outside of it is touched.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { ConfigError } from "../core/errors.js";

/** A program that opens notebooks. */
export interface Jupyter {
  /** The `jupyter` program. */
  readonly program: string;
  /** JupyterLab, or the older Notebook where there is no Lab. */
  readonly frontEnd: "lab" | "notebook";
  readonly version: string;
}

/** What Python has to install. */
const REQUIREMENT = "jupyterlab>=4,<5";
const OLDEST_PYTHON = [3, 9] as const;

/** A program of a Python environment. */
export function environmentProgram(environment: string, name: string): string {
  return process.platform === "win32"
    ? join(environment, "Scripts", `${name}.exe`)
    : join(environment, "bin", name);
}

/** First line of what a program prints; undefined when it is missing or fails. */
function askProgram(program: string, args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8" });
  return status === 0 ? stdout.trim().split("\n")[0] : undefined;
}

/** What a `jupyter` program can open, if it works. */
export function describeJupyter(program: string): Jupyter | undefined {
  for (const frontEnd of ["lab", "notebook"] as const) {
    const version = askProgram(program, [frontEnd, "--version"]);
    if (version !== undefined) return { program, frontEnd, version };
  }
  return undefined;
}

/** The project's own Jupyter if it has one, else the one on the PATH. @param root the project's folder */
export function findJupyter(root: string): Jupyter | undefined {
  const own = environmentProgram(join(root, ".venv"), "jupyter");
  return (existsSync(own) ? describeJupyter(own) : undefined) ?? describeJupyter("jupyter");
}

/** A Python that is new enough. */
function findPython(): string | undefined {
  const [major, minor] = OLDEST_PYTHON;
  const test = `import sys; sys.exit(sys.version_info < (${major}, ${minor}))`;
  return ["python3", "python"].find((name) => askProgram(name, ["-c", test]) !== undefined);
}

/** Runs a program with its output on standard error. @returns whether it succeeded */
function runShown(program: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ["ignore", 2, 2] });
    child.on("error", () => resolve(false));
    child.on("exit", (code) => resolve(code === 0));
  });
}

/**
 * Installs JupyterLab from PyPI into `.venv` below the project.
 * @throws ConfigError with the one command to run, when Python or PyPI are out of reach
 */
export async function installJupyter(root: string): Promise<Jupyter> {
  const again = "then run `npm run lab` again";
  const python = findPython();
  if (python === undefined) {
    const wanted = `Python ${OLDEST_PYTHON.join(".")} or newer`;
    throw new ConfigError(`lab: missing Jupyter, and ${wanted} to install it with: install Python, ${again}`);
  }
  const environment = join(root, ".venv");
  if (!(await runShown(python, ["-m", "venv", environment]))) {
    const cure = process.platform === "linux" ? "`sudo apt install python3-venv`" : "Python's venv module";
    throw new ConfigError(`lab: ${python} cannot make ${environment}: install ${cure}, ${again}`);
  }
  // JupyterLab runs scripts of its own with node, which must not take them for modules as this package's files are.
  await writeFile(join(environment, "package.json"), '{ "type": "commonjs" }\n');
  const pip = [environmentProgram(environment, "python"), "-m", "pip", "install", REQUIREMENT] as const;
  const [program, ...args] = pip;
  const isInstalled = await runShown(program, [...args, "--disable-pip-version-check", "--quiet"]);
  const jupyter = isInstalled ? describeJupyter(environmentProgram(environment, "jupyter")) : undefined;
  if (!jupyter) {
    const command = pip.map((part) => (part.includes(">") ? `"${part}"` : part)).join(" ");
    throw new ConfigError(`lab: JupyterLab could not be installed: run \`${command}\`, ${again}`);
  }
  return jupyter;
}
