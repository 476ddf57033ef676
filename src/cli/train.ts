/**
 * @module `sharegrpo train`: Share-GRPO or GRPO from a preset or a config file.
 */
import type { Command } from "commander";
import { presetInput, presetNames, readConfigFile, resolveConfig, withOverride } from "../config/load.js";
import type { RunConfig } from "../config/schema.js";
import { ConfigError } from "../core/errors.js";
import { pathName } from "./arguments.js";
import type { CommandContext } from "./context.js";
import { resumedSettings, runTraining } from "./runTraining.js";

interface TrainFlags {
  readonly preset?: string;
  readonly config?: string;
  readonly out?: string;
  readonly resume?: boolean;
  readonly view?: boolean;
}

/** Settings of a run: preset or file, then `key=value` arguments. @throws ConfigError naming what is wrong */
export function configOf(
  { preset, config }: Pick<TrainFlags, "preset" | "config">,
  overrides: readonly string[],
): RunConfig {
  if ((preset === undefined) === (config === undefined)) {
    throw new ConfigError(`train: give either --preset or --config: presets are ${presetNames().join(", ")}`);
  }
  const settings = preset === undefined ? readConfigFile(config as string) : presetInput(preset);
  const where = preset === undefined ? (config as string) : `--preset ${preset}`;
  return resolveConfig(overrides.reduce(withOverride, settings), where);
}

export function addTrain(program: Command, context: CommandContext): void {
  program
    .command("train")
    .description("train a policy with Share-GRPO or GRPO")
    .argument(
      "[settings...]",
      "key=value, for example train.steps=50 update.learningRate=1e-4; all: sharegrpo settings",
    )
    .option("--preset <name>", `one of: ${presetNames().join(", ")}`)
    .option("--config <file>", "YAML file of settings")
    .option("--out <dir>", "run folder (default: runs/<preset>)", pathName)
    .option(
      "--resume",
      "continue the run in --out from its newest checkpoint, with its settings; train.steps=N gives it more steps",
    )
    .option("--view", "open the page that shows the run while it trains; its address is printed in any case")
    .action(async (overrides: string[], flags: TrainFlags) => {
      const out = flags.out ?? `runs/${flags.preset ?? "train"}`;
      const isResume = flags.resume === true;
      const begun = isResume ? { config: resumedSettings(out) } : {};
      const isNamed = flags.preset !== undefined || flags.config !== undefined;
      const config = configOf(isNamed ? flags : begun, overrides);
      await runTraining({ config, out, isResume, isViewed: flags.view === true }, context);
    });
}
