/**
 * @module `sharegrpo warmup`: remakes the bundled tiny policy from scratch, or makes one of it that knows few wordings.
 */
import type { Command } from "commander";
import { given } from "../core/given.js";
import { locateModel } from "../data/hubModel.js";
import {
  makeTinyPolicy,
  NARROW_POLICY_DEFAULTS,
  shortened,
  TINY_POLICY_DEFAULTS,
  type TinyPolicyOptions,
} from "../tiny/tinyPolicy.js";
import { pathName, positiveInteger } from "./arguments.js";
import type { CommandContext } from "./context.js";

interface WarmupFlags {
  readonly out: string;
  readonly narrow?: boolean;
  readonly seed?: number;
  readonly steps?: number;
  readonly batch?: number;
}

async function warmUp(flags: WarmupFlags, { terminal, signal }: CommandContext): Promise<void> {
  const { narrow = false, out } = flags;
  const defaults = narrow ? NARROW_POLICY_DEFAULTS : TINY_POLICY_DEFAULTS;
  await makeTinyPolicy({
    ...defaults,
    ...given({
      seed: flags.seed,
      batch: flags.batch,
      from: narrow ? (await locateModel("tiny")).folder : undefined,
    }),
    out,
    stages: flags.steps === undefined ? defaults.stages : shortened(defaults.stages, flags.steps),
    signal: signal(),
    onProgress: terminal.onProgress,
    onEvaluation: (step, loss, { correct, formatted, total, perCategory }) => {
      const families = Object.entries(perCategory).map(
        ([name, each]) => `${name} ${each.correct}/${each.total}`,
      );
      terminal.line(
        `step ${step}: loss ${loss.toFixed(3)}, greedy ${correct}/${total} correct, ${formatted} formatted (${families.join(", ")})`,
      );
    },
  });
  terminal.finish();
}

type Defaults = Pick<TinyPolicyOptions, "seed" | "batch" | "stages">;

const totalSteps = ({ stages }: Defaults) => stages.reduce((sum, { steps }) => sum + steps, 0);

/** What both kinds of warm-up take where nothing is said. */
const defaultOf = (of: (defaults: Defaults) => number) =>
  `${of(TINY_POLICY_DEFAULTS)}; ${of(NARROW_POLICY_DEFAULTS)} with --narrow`;

export function addWarmup(program: Command, context: CommandContext): void {
  program
    .command("warmup")
    .description("make a tiny policy by supervised learning on drawn scenes (from scratch: about an hour)")
    .requiredOption("--out <dir>", "folder to write; must not hold a model", pathName)
    .option(
      "--narrow",
      "continue the bundled policy for some minutes with answers that are hurried unless a question is in its own words and upright",
    )
    .option(
      "--seed <n>",
      `seed of weights and scenes (default: ${defaultOf(({ seed }) => seed)})`,
      positiveInteger,
    )
    .option(
      "--steps <n>",
      `optimizer steps of all stages together; fewer for trying out (default: ${defaultOf(totalSteps)})`,
      positiveInteger,
    )
    .option(
      "--batch <n>",
      `demonstrations per step (default: ${defaultOf(({ batch }) => batch)})`,
      positiveInteger,
    )
    .action((flags: WarmupFlags) => warmUp(flags, context));
}
