/**
 * @module Rollouts on a vLLM or SGLang server beside a learner here: the adapter in training is written to a folder that
 * both see, loaded there under a new name and path each time (the server keeps prefixes of old weights by name and
 * path), and the one before it is unloaded.
 *
 * Sources: vLLM 0.33.0 entrypoints/serve/lora and openai/models/serving.py, LoRA of the vision tower: config/lora.py;
 * SGLang 0.5.23 srt/managers/tokenizer_control_mixin.py and srt/lora, which adapters of Qwen2.5-VL's decoder alone are
 * served by: srt/models/qwen2_5_vl.py.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { besideApi, parseBaseUrl } from "../../core/chat/chatServer.js";
import { createRequests, type Requests } from "../../core/chat/openai.js";
import type { Clock } from "../../core/chat/servers.js";
import { ConfigError, ServerError } from "../../core/errors.js";
import { makeFolder } from "../../core/files/atomic.js";
import { given } from "../../core/given.js";
import { ADAPTER_WEIGHTS } from "../../model/lora/peft.js";
import type { Processor } from "../../model/processor.js";
import { openTensors } from "../../model/weights/tensorStore.js";
import type { Engine, Learner } from "../engine.js";
import { createServerSampler, type ServedPolicy } from "./sampler.js";
import {
  askJson,
  describeServer,
  modelsOn,
  requireServer,
  type Server,
  type ServerAddress,
} from "./server.js";

export interface RolloutServerSettings {
  readonly url: string;
  readonly key?: string | undefined;
  /** Where adapters are written … */
  readonly adapters: string;
  /** … and where the server sees that folder; default: there, too. */
  readonly adaptersThere?: string;
  /** `publish` swaps every so many calls; above 1 the sampler lags. */
  readonly publishEvery: number;
  readonly processor: Pick<Processor, "imageToken" | "dir">;
  /** Part of the adapters' names, so that two runs on one server do not meet. */
  readonly run: string;
  readonly timeoutMs?: number;
  readonly clock?: Clock;
  /** Told which server samples. */
  readonly onNote?: ((note: string) => void) | undefined;
}

/** An adapter that the server has. */
interface LoadedAdapter extends ServedPolicy {
  readonly here: string;
  readonly there: string;
}

const infoSchema = z.object({ vllm_config: z.unknown() });
const said = { read: () => ({}), isBesideApi: true } as const;

/** Servers that adapters are swapped on: where, and how they are started for it. */
const SWAPPING = {
  vllm: {
    load: "/v1/load_lora_adapter",
    unload: "/v1/unload_lora_adapter",
    flags: "--enable-lora, --max-lora-rank of at least lora.rank and VLLM_ALLOW_RUNTIME_LORA_UPDATING=1",
  },
  sglang: {
    load: "/load_lora_adapter",
    unload: "/unload_lora_adapter",
    flags:
      "--enable-lora, --max-lora-rank of at least lora.rank, --lora-target-modules with all of lora.targets, and without data parallelism",
  },
} as const;
type Swapping = keyof typeof SWAPPING;

/** Adapters on the server. */
function adapterCalls(kind: Swapping, address: ServerAddress, requests: Requests) {
  const { load, unload, flags } = SWAPPING[kind];
  const post = async (path: string, body: object) => {
    await requests.send(async () => ({ ...said, path, body: JSON.stringify(body) }));
  };
  const has = async (name: string) => (await modelsOn(address)).some(({ id }) => id === name);
  return {
    has,
    /** A name that is there, also one whose answer was lost, is loaded. */
    async load({ name, there }: LoadedAdapter): Promise<void> {
      if (await has(name)) return;
      await post(load, { lora_name: name, lora_path: there }).catch(async (error: unknown) => {
        if (!(error instanceof ServerError)) throw error;
        if (await has(name)) return;
        throw new ServerError(
          `adapter ${name} was not loaded: ${error.message}; the server must see ${there}, and be started with ${flags}`,
          { ...error.details, cause: error },
        );
      });
    },
    /** One that started anew has none. */
    async unload({ name }: LoadedAdapter): Promise<void> {
      await post(unload, { lora_name: name }).catch(async (error: unknown) => {
        if (!(error instanceof ServerError) || (await has(name))) throw error;
      });
    },
  };
}

/** @throws ConfigError for an adapter that reaches into the vision tower, where the server would leave that part out */
async function requireServed(folder: string, kind: Swapping, address: ServerAddress): Promise<void> {
  const written = await openTensors(join(folder, ADAPTER_WEIGHTS));
  await written.close();
  const outside = [...written.entries.keys()].find((name) => /\bvisual\./.test(name));
  if (outside === undefined) return;
  if (kind === "sglang") {
    throw new ConfigError(
      `rollout.server: ${outside}: SGLang serves adapters of the decoder alone, and would leave that part out: train the decoder alone (lora.targets)`,
    );
  }
  const info = await askJson(address, besideApi(address.base, "/server_info"), infoSchema);
  if (/enable_tower_connector_lora["']?[:=]\s*true/i.test(JSON.stringify(info ?? ""))) return;
  throw new ConfigError(
    `rollout.server: ${outside}: the server does not say that it serves adapters of the vision tower, and would leave that part out: train the decoder alone (lora.targets), or start it with --enable-tower-connector-lora and VLLM_SERVER_DEV_MODE=1`,
  );
}

/** A learner that tells which step its weights are of. */
function countingLearner(learner: Learner, moved: (step: number) => void): Learner {
  let [step, kept] = [0, 0];
  const go = (to: number) => {
    step = to;
    moved(to);
  };
  return {
    logProbs: (request, watch) => learner.logProbs(request, watch),
    accumulate: (lessons, loss, watch) => learner.accumulate(lessons, loss, watch),
    async apply(at) {
      const applied = await learner.apply(at);
      if (applied.isApplied) go(at.step);
      return applied;
    },
    async keep() {
      await learner.keep();
      kept = step;
    },
    async rollback() {
      await learner.rollback();
      go(kept);
    },
    save: (...args) => learner.save(...args),
    async restore(folder, policyStep) {
      await learner.restore(folder, policyStep);
      go(policyStep);
    },
  };
}

/** The adapter that answers, and its successors. */
function createPublisher(learner: Learner, parts: PublisherParts) {
  const { calls, requireServed, adapters, adaptersThere = adapters, run } = parts;
  let loaded: LoadedAdapter | undefined;
  let count = 0;
  let reviving: Promise<void> | undefined;

  return {
    loaded: () => loaded,
    async swap(policyStep: number): Promise<LoadedAdapter> {
      const name = `${run}-${String(count++).padStart(6, "0")}`;
      const next = { name, policyStep, here: join(adapters, name), there: `${adaptersThere}/${name}` };
      await makeFolder(next.here);
      await learner.save(next.here, "weights");
      await requireServed(next.here);
      await calls.load(next);
      const before = loaded;
      loaded = next;
      if (before) {
        await calls.unload(before);
        await rm(before.here, { recursive: true, force: true });
      }
      return next;
    },
    /** A server that started anew is given the adapter again. @throws error where it has it */
    async revive({ name }: ServedPolicy, error: unknown): Promise<void> {
      // vLLM says 404 to a name that it does not know, SGLang 400, as to much else.
      const status = error instanceof ServerError ? error.details.status : undefined;
      const isUnknown =
        (status === 404 || status === 400) && loaded?.name === name && !(await calls.has(name));
      if (!isUnknown || loaded?.name !== name) throw error;
      reviving ??= calls.load(loaded).finally(() => {
        reviving = undefined;
      });
      await reviving;
    },
    async close(): Promise<void> {
      if (!loaded) return;
      const last = loaded;
      loaded = undefined;
      // A server that is gone has let go of its adapters, too.
      await calls.unload(last).catch((error: unknown) => {
        if (!(error instanceof ServerError)) throw error;
      });
      await rm(last.here, { recursive: true, force: true });
    },
  };
}

interface PublisherParts extends Pick<RolloutServerSettings, "adapters" | "adaptersThere" | "run"> {
  readonly calls: ReturnType<typeof adapterCalls>;
  readonly requireServed: (folder: string) => Promise<void>;
}

/** @throws ConfigError unless adapters can be swapped there */
async function requireSwapping(
  address: ServerAddress,
  url: string,
): Promise<Server & { readonly kind: Swapping }> {
  const server = await requireServer(address);
  const { kind } = server;
  if (kind === "llama") {
    throw new ConfigError(
      `rollout.server: ${url}: unsupported server: adapters are swapped on vLLM and SGLang alone`,
    );
  }
  if (server.hasAdapters === false) {
    throw new ConfigError(`rollout.server: ${url}: no adapters: start it with ${SWAPPING[kind].flags}`);
  }
  return { ...server, kind };
}

/**
 * The engine with a server for a sampler.
 * @param engine its learner trains an adapter and saves it in PEFT's format; its sampler is not used
 * @throws ConfigError when the server cannot be used so; ServerError when nobody answers
 */
export async function withRolloutServer(engine: Engine, settings: RolloutServerSettings): Promise<Engine> {
  const { url, key, publishEvery, processor, adapters, adaptersThere, run, timeoutMs, clock } = settings;
  const address = { base: parseBaseUrl(url), key };
  const server = await requireSwapping(address, url);
  settings.onNote?.(`rollouts by ${describeServer(server)}`);
  const options = { baseUrls: [url], model: "", apiKey: key, ...given({ timeoutMs, clock }) };
  const calls = adapterCalls(server.kind, address, createRequests({ ...options, retries: 1 }));
  let [step, unpublished, isStale] = [0, 0, true];
  const learner = countingLearner(engine.learner, (to) => {
    // Weights that went back, or came from a file, are not lagged behind.
    if (to <= step || to > step + 1) isStale = true;
    step = to;
  });
  const publisher = createPublisher(learner, {
    ...{ calls, adapters, run, ...given({ adaptersThere }) },
    requireServed: (folder) => requireServed(folder, server.kind, address),
  });
  const swap = async () => {
    [isStale, unpublished] = [false, 0];
    return publisher.swap(step);
  };
  return {
    ...engine,
    abilities: { ...engine.abilities, can: engine.abilities.can.filter((can) => can !== "exactStreams") },
    learner,
    sampler: createServerSampler({
      ...{ server, processor, requests: createRequests({ ...options, concurrency: 64 }) },
      async policy({ isGreedy }) {
        const loaded = publisher.loaded();
        // Greedy answers are an evaluation of the weights of now.
        if (loaded && !isStale && (!isGreedy || loaded.policyStep === step)) return loaded;
        return swap();
      },
      revive: publisher.revive,
    }),
    async publish() {
      unpublished++;
      if (isStale || unpublished >= publishEvery) await swap();
    },
    async close() {
      await publisher.close();
      await engine.close();
    },
  };
}
