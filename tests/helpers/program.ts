/**
 * @module Runs the built command line in a process of its own: arguments, signals, pipes and exit status as a person
 * meets them.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { packageRoot } from "../../src/core/files/packageRoot.js";

export const PROGRAM = join(packageRoot(), "dist", "src", "cli", "main.js");

export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

export interface ProgramOptions {
  /** Folder it is started in; default: this process's. */
  readonly cwd?: string;
  /** Shell commands before it, `ulimit -f 8` for example. */
  readonly shell?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts `sharegrpo` with these arguments. */
export function startProgram(
  args: readonly string[],
  { cwd, shell, env }: ProgramOptions = {},
): ChildProcessWithoutNullStreams {
  const command = [process.execPath, PROGRAM, ...args];
  const [file = "", ...rest] =
    shell === undefined ? command : ["sh", "-c", `${shell}; exec "$@"`, "sh", ...command];
  return spawn(file, rest, { ...(cwd === undefined ? {} : { cwd }), env: { ...process.env, ...env } });
}

/** What a started program says until it ends. */
export async function endOf(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  }
  child.stdin.end();
  await once(child, "close");
  return { ...texts, code: child.exitCode };
}

/** Runs `sharegrpo` to its end. */
export function runProgram(args: readonly string[], options: ProgramOptions = {}): Promise<Ended> {
  return endOf(startProgram(args, options));
}
