/**
 * @module What wrong usage is answered with: one line that names what was meant. What is unknown is told before what is
 * missing, because a mistyped flag is both.
 */
import type { Command, CommanderError, Option } from "commander";
import { describeSettings } from "../config/describe.js";
import { ConfigError } from "../core/errors.js";

/** `sharegrpo notebook run`: the command that these arguments ask for, as far as they name one. */
function commandAsked(program: Command, args: readonly string[]) {
  let at = program;
  const path = [program.name()];
  for (const word of args.filter((arg) => !arg.startsWith("-"))) {
    const next = at.commands.find((command) => command.name() === word);
    if (!next) break;
    at = next;
    path.push(word);
  }
  return { command: at, path: path.join(" ") };
}

/** `train.steps=…`: the setting that was written as a flag, `--steps 3`; undefined where the command takes none. */
function settingMeant(command: Command, what: string): string | undefined {
  const [, flag] = /^unknown option '--([\w.-]+)/.exec(what) ?? [];
  const takesSettings = command.registeredArguments.some((argument) => argument.name() === "settings");
  if (flag === undefined || !takesSettings) return undefined;
  const key = flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  const known = describeSettings().map((setting) => setting.key);
  const found = known.find((each) => each === key) ?? known.find((each) => each.endsWith(`.${key}`));
  return found && `${found}=…`;
}

/** Commander's message as one line, and where to read more. */
export function usageLine(program: Command, args: readonly string[], error: CommanderError): string {
  const { command, path } = commandAsked(program, args);
  const [what = "", guess] = error.message.replace(/^error: /, "").split("\n");
  // "(Did you mean --benchmarks?)"
  const meant = settingMeant(command, what) ?? guess?.replace(/^\(Did you mean (.*)\?\)$/, "$1");
  const rest = meant === undefined ? "; all" : `: did you mean ${meant}? All`;
  return `${path}: ${what.replace(/\.$/, "")}${rest}: ${path} --help`;
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
