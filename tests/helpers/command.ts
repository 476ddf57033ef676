/**
 * @module Runs a command of the command line in this process.
 */
import { Command } from "commander";
import type { CommandContext } from "../../src/cli/context.js";

export interface Ran {
  /** On standard output. */
  readonly printed: string;
  /** Beside the progress, on standard error. */
  readonly said: string;
  /** Exit status that the command asked for. */
  readonly code: number;
}

/**
 * @param add registers the command
 * @param args its name, arguments and flags
 * @throws what the command throws, CommanderError for wrong usage
 */
export async function runCommand(
  add: (program: Command, context: CommandContext) => void,
  ...args: readonly string[]
): Promise<Ran> {
  const printed: string[] = [];
  const said: string[] = [];
  let code = 0;
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  add(program, {
    terminal: {
      onProgress: () => undefined,
      line: (text) => void said.push(text),
      retried: (_, message) => void said.push(message),
      finish: () => undefined,
    },
    signal: () => new AbortController().signal,
    print: (text) => void printed.push(text),
    exitWith: (status) => {
      code = status;
    },
  });
  for (const command of program.commands)
    command.exitOverride().configureOutput({ writeErr: () => undefined });
  await program.parseAsync(["node", "sharegrpo", ...args]);
  return { printed: printed.join("\n"), said: said.join("\n"), code };
}
