/**
 * @module What can follow what on the command line: commands, flags, the words that a flag or a setting may be.
 */
import type { Command, Option } from "commander";
import { REGISTERED } from "../../benchmarks/suites/registry.js";
import { describeSettings, type SettingDescription } from "../config/describe.js";
import { presetNames } from "../config/load.js";

export interface CompletedFlag {
  /** `--preset` */
  readonly flag: string;
  readonly description: string;
  readonly takesValue: boolean;
  /** The words it may be; none: anything, a file perhaps. */
  readonly values: readonly string[];
}

export interface CompletedCommand {
  /** `train`, `notebook run`; `""` for the program itself. */
  readonly path: string;
  readonly subcommands: readonly { readonly name: string; readonly description: string }[];
  /** Words that its arguments may be, where only some may. */
  readonly words: readonly string[];
  readonly flags: readonly CompletedFlag[];
  /** `key=` with the words it may be, where the command takes settings. */
  readonly settings: readonly { readonly key: string; readonly choices: readonly string[] }[];
}

function valuesOf(option: Option): readonly string[] {
  if (option.argChoices) return option.argChoices;
  if (option.long === "--preset") return presetNames();
  return option.long === "--benchmarks" || option.long === "--benchmark"
    ? REGISTERED.map(({ name }) => name)
    : [];
}

function flagOf(option: Option): CompletedFlag[] {
  if (!option.long || option.hidden) return [];
  const takesValue = option.required || option.optional;
  const { long: flag, description } = option;
  return [{ flag, description, takesValue, values: takesValue ? valuesOf(option) : [] }];
}

const HELP: CompletedFlag = { flag: "--help", description: "display help", takesValue: false, values: [] };

function assignmentOf({ key, choices, default: value }: SettingDescription) {
  return { key, choices: choices ?? (typeof value === "boolean" ? ["true", "false"] : []) };
}

/** A command and those below it. `--version` belongs to the program alone. */
export function completionTree(program: Command): CompletedCommand[] {
  const everywhere = program.options.filter(({ long }) => long !== "--version");
  const visit = (command: Command, above: readonly string[]): CompletedCommand[] => {
    const takesSettings = command.registeredArguments.some((argument) => argument.name() === "settings");
    const options = command === program ? program.options : [...command.options, ...everywhere];
    const own: CompletedCommand = {
      path: above.join(" "),
      subcommands: command.commands.map((each) => ({ name: each.name(), description: each.description() })),
      words: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
      flags: [...options.flatMap(flagOf), HELP],
      settings: takesSettings ? describeSettings().map(assignmentOf) : [],
    };
    return [own, ...command.commands.flatMap((each) => visit(each, [...above, each.name()]))];
  };
  return visit(program, []);
}
