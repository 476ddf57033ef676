/**
 * @module What `--model` names as something that answers: servers, or a checkpoint folder in a process of its own.
 */

import { basename, resolve } from "node:path";
import type { AnswerEngine, Decoding } from "../../benchmarks/engines/engine.js";
import { createLocalEngine, weightsDigest } from "../../benchmarks/engines/local.js";
import { createServerEngine } from "../../benchmarks/engines/server.js";
import type { ModelIdentity } from "../../benchmarks/run/settings.js";
import { requireDevice } from "../compile/runtime/devices.js";
import { resolveConfig } from "../config/load.js";
import { createChatClient } from "../core/chat/openai.js";
import { ConfigError } from "../core/errors.js";
import { locateModel } from "../data/hubModel.js";
import type { ImageLimits } from "../data/pixels.js";
import type { Engine } from "../engine/engine.js";
import { localSettings } from "../engine/local/settings.js";
import { startEngine } from "../engine/process/engineInProcess.js";
import { loadProcessor } from "../model/processor.js";
import type { CommandContext } from "./context.js";
import { apiKey, decodingOf, type EvaluateFlags, pixelsOf } from "./evaluateFlags.js";
import { tokenWireFor } from "./tokenServers.js";

/** An engine that is to be closed. */
export interface OpenEngine {
  readonly identity: ModelIdentity;
  readonly engine: AnswerEngine;
  close(): Promise<void>;
}

const isUrl = (text: string): boolean => /^https?:\/\//.test(text);

async function openServers(
  urls: readonly string[],
  flags: EvaluateFlags,
  context: CommandContext,
): Promise<OpenEngine> {
  const { terminal } = context;
  if (flags.modelName === undefined) {
    throw new ConfigError("evaluate: --model-name is missing: a server may serve several models");
  }
  const { processor, modelName, concurrency, timeout, retries } = flags;
  const wire = await tokenWireFor({ urls, processor, key: apiKey(), limits: pixelsOf(flags) }, context);
  const client = createChatClient(
    {
      ...{ baseUrls: urls, model: modelName, apiKey: apiKey(), concurrency, retries },
      timeoutMs: timeout * 1000,
      onRetry: ({ details, message }) => terminal.retried(details.kind, message),
    },
    wire,
  );
  for (const { problem } of await client.check()) if (problem !== undefined) terminal.line(problem);
  const settings = { decoding: decodingOf(flags), pixels: pixelsOf(flags), concurrency: flags.concurrency };
  return {
    identity: { name: flags.modelName, weights: null },
    engine: createServerEngine({ client, ...settings }),
    close: () => Promise.resolve(),
  };
}

/** A checkpoint folder in a process of its own. That process could also learn; here it only samples. */
export function samplingPolicy(folder: string, device: EvaluateFlags["device"]): Engine {
  return startEngine({
    model: folder,
    local: localSettings(resolveConfig({ engine: { device } }, "defaults")),
  });
}

async function openFolder(
  folder: string,
  name: string,
  settings: {
    readonly decoding: Decoding;
    readonly pixels: ImageLimits;
    readonly device: EvaluateFlags["device"];
  },
): Promise<OpenEngine> {
  const processor = await loadProcessor(folder);
  const identity = { name, weights: await weightsDigest(folder) };
  const policy = samplingPolicy(folder, settings.device);
  return {
    identity,
    engine: createLocalEngine({ processor, sampler: policy.sampler, ...settings }),
    close: () => policy.close(),
  };
}

/** @throws ConfigError when no model is named, or folders and servers are mixed; ModelError or ServerError */
export async function openModel(flags: EvaluateFlags, context: CommandContext): Promise<OpenEngine> {
  const models = flags.model ?? [];
  const urls = models.filter(isUrl);
  if (urls.length > 0 && urls.length === models.length) return openServers(urls, flags, context);
  const [model] = models;
  if (model === undefined || models.length > 1) {
    throw new ConfigError(
      "evaluate: --model: give one checkpoint folder, `tiny`, owner/name on a hub, or one or more server addresses",
    );
  }
  const device = await requireDevice(flags.device);
  const { onProgress, line: onNote } = context.terminal;
  const { folder, name: found } = await locateModel(model, { onProgress, onNote });
  // `owner/name@commit`, or a folder
  const [, id = basename(resolve(model))] = /^(.+)@[0-9a-f]{40}$/.exec(found) ?? [];
  const name = flags.modelName ?? id;
  return openFolder(folder, name, { decoding: decodingOf(flags), pixels: pixelsOf(flags), device });
}
