/**
 * @module `sharegrpo view`: a local page over runs, live while they train.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import type { Command } from "commander";
import { comparePaired } from "../../benchmarks/tables/statistics.js";
import { ConfigError } from "../core/errors.js";
import { type OpenView, startView } from "../view/server.js";
import { positiveInteger } from "./arguments.js";
import type { CommandContext } from "./context.js";

/** Programs that show an address in the person's browser. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""],
};

/** Opens the browser where there is one; the address was printed for where there is none. */
export function openBrowser(url: string): void {
  const [program = "xdg-open", ...args] = OPENERS[process.platform] ?? [];
  const child = spawn(program, [...args, url], { stdio: "ignore", detached: true });
  child.on("error", () => undefined);
  child.unref();
}

/** The page over some folders. @param port default: any free one */
export function openView(folders: readonly string[], port?: number): Promise<OpenView> {
  return startView({ folders, test: comparePaired, ...(port === undefined ? {} : { port }) });
}

/** Runs are looked for here unless folders are named. */
export const DEFAULT_FOLDER = "runs";

/** @throws ConfigError naming what is not there; the usual folder may come later */
export function foldersOf(named: readonly string[]): readonly string[] {
  const missing = named.filter((folder) => !existsSync(folder));
  if (missing.length > 0)
    throw new ConfigError(`${missing.join(", ")}: no such folder: name folders with runs`);
  return named.length === 0 ? [DEFAULT_FOLDER] : named;
}

interface Flags {
  readonly browser: boolean;
  readonly port?: number;
}

export function addView(program: Command, { print, signal }: CommandContext): void {
  program
    .command("view")
    .description("show runs in the browser: live, compared, sample by sample")
    .argument("[folders...]", `runs, or folders with runs anywhere below (default: ${DEFAULT_FOLDER})`)
    .option("--port <n>", "port on 127.0.0.1 (default: any free one)", positiveInteger)
    .option("--no-browser", "print the address instead of opening it")
    .action(async (folders: string[], { browser, port }: Flags) => {
      const view = await openView(foldersOf(folders), port);
      print(view.url);
      if (browser) openBrowser(view.url);
      const stop = signal("");
      await new Promise((resolve) => stop.addEventListener("abort", resolve));
      await view.close();
    });
}
