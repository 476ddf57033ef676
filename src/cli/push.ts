/**
 * @module `sharegrpo push`: sends a checkpoint with its card to a model hub.
 */
import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { hubEnvironment } from "../config/load.js";
import { CheckpointError, ConfigError, ModelError } from "../core/errors.js";
import { given } from "../core/given.js";
import { isHubId } from "../data/hub.js";
import { filesToPush, pushModel } from "../data/hubPush.js";
import { writeModelCard } from "../report/modelCard.js";
import { listCheckpoints } from "../train/run/checkpoint.js";
import type { CommandContext } from "./context.js";

interface Flags {
  readonly private?: boolean;
  readonly branch?: string;
  readonly message?: string;
}

/** A checkpoint, and the training it is of; another model folder has none. */
interface Source {
  readonly folder: string;
  readonly run?: { readonly dir: string; readonly step: number };
}

/** @throws ModelError when there is no such folder; CheckpointError when a training's has no checkpoint yet */
async function sourceOf(path: string): Promise<Source> {
  if (!existsSync(path))
    throw new ModelError(`${path}: no such folder: give a training's, a checkpoint or another model folder`);
  const isTraining = existsSync(join(path, "config.yaml")) && !existsSync(join(path, "config.json"));
  const folder = isTraining ? (await listCheckpoints(join(path, "checkpoints"))).at(-1) : resolve(path);
  if (folder === undefined) throw new CheckpointError(`${path}: no checkpoint yet: train further, then push`);
  const dir = dirname(dirname(resolve(folder)));
  const step = Number(/^step-(\d+)$/.exec(basename(folder))?.[1] ?? Number.NaN);
  const isOfRun = Number.isInteger(step) && existsSync(join(dir, "config.yaml"));
  return { folder, ...(isOfRun ? { run: { dir, step } } : {}) };
}

export function addPush(program: Command, { terminal, print, signal }: CommandContext): void {
  program
    .command("push")
    .description("send a checkpoint with its model card to a hub (HF_ENDPOINT, HF_TOKEN)")
    .argument("<path>", "a training's folder (its newest checkpoint), a checkpoint, or another model folder")
    .argument("<repository>", "owner/name; made when it is not there")
    .option("--private", "a repository that is made is private")
    .option("--branch <name>", "branch to commit to (default: main)")
    .option("--message <text>", "title of the commit")
    .action(async (path: string, id: string, flags: Flags) => {
      if (!isHubId(id)) throw new ConfigError(`push: ${id}: not a repository: write owner/name`);
      const { folder, run } = await sourceOf(path);
      await filesToPush(folder); // before a card is written
      if (run) terminal.line(`card    ${await writeModelCard(run.dir, run.step, folder)}`);
      const { endpoint, token } = hubEnvironment();
      const { url, commit, files } = await pushModel(
        {
          folder,
          id,
          isPrivate: flags.private === true,
          title: flags.message ?? `Model of ${basename(folder)}`,
          ...given({ branch: flags.branch }),
        },
        {
          endpoint,
          onProgress: terminal.onProgress,
          signal: signal(),
          ...given({ token }),
        },
      );
      terminal.finish();
      print(`${files.length} files → ${url}\ncommit ${commit}`);
    });
}
