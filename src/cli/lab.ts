/**
 * @module `sharegrpo lab` (= `npm run lab`): opens JupyterLab with the kernel on the notebooks.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import { ConfigError } from "../core/errors.js";
import { packageRoot } from "../core/files/packageRoot.js";
import { findJupyter, installJupyter, type Jupyter } from "../kernel/jupyter.js";
import { installKernelSpec, jupyterConfigPath, jupyterPath, userDataFolder } from "../kernel/kernelSpec.js";
import { kernelFindings } from "../kernel/setup.js";
import { positiveInteger } from "./arguments.js";
import type { CommandContext } from "./context.js";

interface Flags {
  readonly browser: boolean;
  readonly port?: number;
  /** A name, or true for the usual one. */
  readonly installKernel?: string | true;
}

/** What Jupyter is started with. Its token is its own. */
function labArguments({ frontEnd }: Jupyter, { browser, port }: Flags): string[] {
  const isRoot = process.getuid?.() === 0; // in containers; Jupyter wants to be told that it is meant
  return [
    frontEnd,
    "--ip=127.0.0.1",
    ...(isRoot ? ["--allow-root"] : []),
    ...(port === undefined ? [] : [`--port=${port}`]),
    ...(browser ? [] : ["--no-browser"]),
    join(packageRoot(), "notebooks"),
  ];
}

/** Runs until Jupyter ends. Ctrl-C reaches it directly, and it asks whether that was meant. @returns its exit status */
function runJupyter(jupyter: Jupyter, flags: Flags): Promise<number> {
  const env = {
    ...process.env,
    JUPYTER_PATH: jupyterPath(packageRoot(), process.env),
    JUPYTER_CONFIG_PATH: jupyterConfigPath(packageRoot(), process.env),
  };
  const ignore = () => undefined;
  process.on("SIGINT", ignore);
  return new Promise<number>((resolve, reject) => {
    const child = spawn(jupyter.program, labArguments(jupyter, flags), { env, stdio: "inherit" });
    for (const signal of ["SIGTERM", "SIGHUP"] as const) process.once(signal, () => child.kill(signal));
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  }).finally(() => process.off("SIGINT", ignore));
}

async function openLab(flags: Flags, { terminal, exitWith }: CommandContext): Promise<void> {
  const missing = kernelFindings().filter(({ isFine }) => !isFine);
  if (missing.length > 0) {
    throw new ConfigError(missing.map(({ name, note }) => `lab: ${name}: ${note}`).join("\n"));
  }
  const root = packageRoot();
  let jupyter = findJupyter(root);
  if (!jupyter) {
    terminal.line(`no Jupyter here: installing JupyterLab into ${join(root, ".venv")} (once, some minutes)`);
    jupyter = await installJupyter(root);
  }
  terminal.line(`Jupyter ${jupyter.frontEnd} ${jupyter.version} (${jupyter.program})`);
  exitWith(await runJupyter(jupyter, flags));
}

export function addLab(program: Command, context: CommandContext): void {
  program
    .command("lab")
    .description("open JupyterLab with the TypeScript kernel on the notebooks")
    .option("--no-browser", "print the address instead of opening it")
    .option("--port <n>", "port on 127.0.0.1 (default: 8888, or the next free one)", positiveInteger)
    .option("--install-kernel [name]", "only make the kernel known to VS Code and other front ends, and stop")
    .action(async (flags: Flags) => {
      const { installKernel: name } = flags;
      if (name === undefined) return openLab(flags, context);
      const data = userDataFolder(process.env);
      const path = await installKernelSpec(packageRoot(), data, name === true ? undefined : name);
      context.print(path);
    });
}
