/**
 * @module `sharegrpo fetch`: the model of a run whose weights are elsewhere, as a folder here.
 */
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { engineKey, readConfigFile, resolveConfig } from "../config/load.js";
import type { RunConfig } from "../config/schema.js";
import { CheckpointError, ConfigError } from "../core/errors.js";
import { createFolder } from "../core/files/folder.js";
import { fetchModel } from "../engine/ray/fetchModel.js";
import { connectRay } from "../engine/ray/jobs.js";
import { fetchWeights } from "../engine/tinker/archive.js";
import { readRemoteState } from "../engine/tinker/state.js";
import { createTransport } from "../engine/tinker/transport.js";
import { listCheckpoints, stepFolder } from "../train/run/checkpoint.js";
import { wholeNumber } from "./arguments.js";
import type { CommandContext } from "./context.js";
import { resumedSettings } from "./runTraining.js";

interface Flags {
  readonly out: string;
  readonly step?: number;
  readonly mounted?: string;
  readonly merger?: string;
}

/** Of a run on a cluster: merged there, copied here. */
async function fromRay(
  { engine }: RunConfig,
  flags: Flags,
  { terminal, signal }: CommandContext,
): Promise<string> {
  const { out, ...rest } = flags;
  const jobs = await connectRay({ url: engine.url, token: engineKey() });
  const { step, files } = await fetchModel({
    ...{ ...rest, jobs, checkpoints: engine.checkpoints, out: resolve(out) },
    ...{ onProgress: terminal.onProgress, onLine: terminal.line, signal: signal() },
  });
  return `step ${step}: ${files} files → ${out}`;
}

/** Of a policy on a Tinker server: the archive that its checkpoint could not get when it was written. */
async function fromTinker(run: string, { out, step }: Flags, { signal }: CommandContext): Promise<string> {
  const parent = join(run, "checkpoints");
  const checkpoint =
    step === undefined ? (await listCheckpoints(parent)).at(-1) : join(parent, stepFolder(step));
  if (checkpoint === undefined)
    throw new CheckpointError(`${run}: no checkpoint yet: train further, then fetch`);
  const { server, sampler } = await readRemoteState(checkpoint);
  if (sampler === undefined) {
    throw new CheckpointError(
      `${checkpoint}: the server kept no weights to sample from; nothing can be fetched`,
    );
  }
  const transport = createTransport({ url: server, key: engineKey() });
  let files: readonly string[] = [];
  await createFolder(resolve(out), async (folder) => {
    files = await fetchWeights(transport, { path: sampler, folder, signal: signal() });
  });
  return `${sampler}: ${files.length} files → ${out}`;
}

export function addFetch(program: Command, context: CommandContext): void {
  program
    .command("fetch")
    .description(
      "bring the model of a run home whose weights are elsewhere: on a Ray cluster, on a Tinker server",
    )
    .argument("<run>", "a training's folder")
    .requiredOption("--out <dir>", "a folder that is not there yet")
    .option("--step <n>", "of which checkpoint (default: the newest)", wholeNumber)
    .option("--mounted <dir>", "Ray: where this machine sees engine.checkpoints (default: the same path)")
    .option(
      "--merger <path>",
      "Ray: EasyR1's scripts/model_merger.py on the cluster (default: beside its package)",
    )
    .action(async (run: string, flags: Flags) => {
      const settings = resumedSettings(run, "no run was begun there: name a training's folder");
      const config = resolveConfig(readConfigFile(settings), settings);
      const { kind } = config.engine;
      if (kind !== "ray" && kind !== "tinker") {
        throw new ConfigError(
          `${run}: engine.kind=${kind}: its checkpoints are here: ${join(run, "checkpoints")}`,
        );
      }
      const said = kind === "ray" ? fromRay(config, flags, context) : fromTinker(run, flags, context);
      context.print(await said.finally(() => context.terminal.finish()));
    });
}
