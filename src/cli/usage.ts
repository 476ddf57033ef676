/**
 * @module What wrong usage is answered with: one line that names what was meant. What is unknown is told before what is
 * missing, because a mistyped flag is both.
 */
import type { Command, CommanderError, Option } from "commander";
import { ConfigError } from "../core/errors.js";

/** `["sharegrpo", "notebook", "run"]`: the command that these arguments ask for, as far as they name one. */
function commandPath(program: Command, args: readonly string[]): string[] {
  let at = program;
  const path = [program.name()];
  for (const word of args.filter((arg) => !arg.startsWith("-"))) {
    const next = at.commands.find((command) => command.name() === word);
    if (!next) break;
    at = next;
    path.push(word);
  }
  return path;
}

/** Commander's message as one line, and where to read more. */
export function usageLine(program: Command, args: readonly string[], error: CommanderError): string {
  const path = commandPath(program, args).join(" ");
  const [what = "", meant] = error.message.replace(/^error: /, "").split("\n");
  // "(Did you mean --benchmarks?)"
  const guess = meant === undefined ? "" : `: d${meant.slice(2, -1)}`;
  return `${path}: ${what.replace(/\.$/, "")}${guess}; all: ${path} --help`;
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

/**
 * Lets Commander look for unknown flags first, and for missing ones only before the command runs.
 * Call it when all commands are there.
 */
export function missTheMissingLast(program: Command): void {
  const needed = new Map<Command, Option[]>();
  for (const command of everyCommand(program)) {
    const mandatory = command.options.filter((option) => option.mandatory);
    needed.set(command, mandatory);
    for (const option of mandatory) option.mandatory = false;
  }
  program.hook("preAction", (_, command) => {
    const missing = (needed.get(command) ?? []).filter(
      (option) => command.getOptionValue(option.attributeName()) === undefined,
    );
    if (missing.length === 0) return;
    const flags = missing.map((option) => option.flags).join(", ");
    throw new ConfigError(`${command.name()}: missing ${flags}; all: sharegrpo ${command.name()} --help`);
  });
}
