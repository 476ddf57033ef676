/**
 * @module `sharegrpo quickstart` (= `npm start`): trains the bundled tiny policy and shows that it got better.
 */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { ConfigError } from "../core/errors.js";
import { readJsonl } from "../core/files/jsonl.js";
import { pathName } from "./arguments.js";
import type { CommandContext } from "./context.js";
import { benchmarkQuickstart } from "./quickstartBenchmarks.js";
import { resumedSettings, runTraining } from "./runTraining.js";
import { configOf } from "./train.js";

const NAME = /^quickstart(?:-(\d+))?$/;

/** Quickstart runs below a folder, oldest first. */
async function quickstarts(parent: string): Promise<string[]> {
  const names = await readdir(parent).catch(() => []);
  const numbered = names.flatMap((name) => {
    const match = NAME.exec(name);
    return match ? [{ name, number: Number(match[1] ?? 1) }] : [];
  });
  return numbered.sort((a, b) => a.number - b.number).map(({ name }) => join(parent, name));
}

async function isFinished(dir: string): Promise<boolean> {
  const path = join(dir, "evaluations.jsonl");
  if (!existsSync(path)) return false;
  const { records } = await readJsonl(path);
  return records.some((record) => "label" in record && record.label === "after");
}

/** The folder to use: the newest unfinished one to resume, else the next free name. */
async function chooseFolder(
  parent: string,
  isResume: boolean,
  { terminal }: CommandContext,
): Promise<string> {
  const present = await quickstarts(parent);
  const newest = present.at(-1);
  if (isResume) {
    if (newest === undefined)
      throw new ConfigError(`quickstart --resume: no run below ${parent}: start one first`);
    return newest;
  }
  if (newest === undefined) return join(parent, "quickstart");
  if (!(await isFinished(newest))) {
    terminal.line(`${newest} is unfinished; --resume continues it. Starting another run.`);
  }
  const number = Number(NAME.exec(newest.slice(parent.length + 1))?.[1] ?? 1);
  return join(parent, `quickstart-${number + 1}`);
}

export function addQuickstart(program: Command, context: CommandContext): void {
  program
    .command("quickstart")
    .description("train the bundled tiny policy on drawn scenes, with a table before and after and a report")
    .argument("[settings...]", "key=value, for example train.steps=10 seed=2")
    .option("--out <dir>", "run folder (default: the next free runs/quickstart…)", pathName)
    .option("--resume", "continue the newest quickstart run, or the one in --out, with its settings")
    .option("--view", "open the page that shows the run while it trains; its address is printed in any case")
    .action(async (overrides: string[], flags: { out?: string; resume?: boolean; view?: boolean }) => {
      const isResume = flags.resume === true;
      const out = flags.out ?? (await chooseFolder("runs", isResume, context));
      const config = configOf(isResume ? { config: resumedSettings(out) } : { preset: "tiny" }, overrides);
      const isViewed = flags.view === true;
      const { isFinished } = await runTraining({ config, out, isResume, isViewed }, context);
      if (isFinished) await benchmarkQuickstart({ config, out }, context);
    });
}
