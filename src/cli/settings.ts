/**
 * @module `sharegrpo settings`: what can be set with `key=value`, what it means, and what it is unless set.
 */
import type { Command } from "commander";
import { describeSettings, type SettingDescription, settingValue } from "../config/describe.js";
import { presetInput, presetNames, resolveConfig } from "../config/load.js";
import type { CommandContext } from "./context.js";

interface SettingsFlags {
  readonly preset?: string;
  readonly json?: boolean;
}

function shown(value: unknown): string {
  return typeof value === "string" && value !== "" ? value : JSON.stringify(value);
}

function lines({ key, choices, meaning }: SettingDescription, value: unknown): string {
  const words = choices ? `  (${choices.join(" | ")})` : "";
  return `${key}=${shown(value)}${words}\n    ${meaning}`;
}

function isAbout({ key, meaning }: SettingDescription, words: readonly string[]): boolean {
  const text = `${key} ${meaning}`.toLowerCase();
  return words.every((word) => text.includes(word.toLowerCase()));
}

export function addSettings(program: Command, { print, terminal }: CommandContext): void {
  program
    .command("settings")
    .description("list the settings of a training: key=value unless set otherwise, and what it means")
    .argument("[words...]", "only settings whose name or meaning holds all these words")
    .option("--preset <name>", `values of a preset instead of the defaults: ${presetNames().join(", ")}`)
    .option("--json", "one JSON document")
    .action((words: string[], { preset, json }: SettingsFlags) => {
      const settings = preset === undefined ? {} : presetInput(preset);
      const config = resolveConfig(settings, preset === undefined ? "defaults" : `--preset ${preset}`);
      const found = describeSettings().filter((setting) => isAbout(setting, words));
      if (json) {
        print(JSON.stringify(found.map((each) => ({ ...each, value: settingValue(config, each.key) }))));
        return;
      }
      for (const each of found) print(lines(each, settingValue(config, each.key)));
      if (found.length === 0) terminal.line(`no setting holds ${words.join(" and ")} in its name or meaning`);
    });
}
