/**
 * @module Rollouts on a vLLM server beside a learner here: the adapter in training is written to a folder that both
 * see, loaded there under a new name and path each time (the server keeps prefixes of old weights by name and path), and
 * the one before it is unloaded.
 *
 * Source: vLLM 0.33.0 entrypoints/serve/lora and openai/models/serving.py; LoRA of the vision tower: config/lora.py.
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
import { askJson, requireServer, type Server, type ServerAddress } from "./server.js";

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
}

/** An adapter that the server has. */
interface LoadedAdapter extends ServedPolicy {
  readonly here: string;
  readonly there: string;
}

const modelsSchema = z.object({ data: z.array(z.object({ id: z.string() })) });
const infoSchema = z.object({ vllm_config: z.unknown() });
const said = { read: () => ({}), isBesideApi: true } as const;

/** Adapters on the server. */
function adapterCalls(address: ServerAddress, requests: Requests) {
  const post = async (path: string, body: object) => {
    await requests.send(async () => ({ ...said, path, body: JSON.stringify(body) }));
  };
  const names = async () => {
    const models = await askJson(address, besideApi(address.base, "/v1/models"), modelsSchema);
    return models?.data.map(({ id }) => id) ?? [];
  };
  return {
    /** A name that is there, also one whose answer was lost, is loaded. */
    async load({ name, there }: LoadedAdapter): Promise<void> {
      if ((await names()).includes(name)) return;
      await post("/v1/load_lora_adapter", { lora_name: name, lora_path: there }).catch(
        async (error: unknown) => {
          if (!(error instanceof ServerError)) throw error;
          if ((await names()).includes(name)) return;
          throw new ServerError(
            `adapter ${name} was not loaded: ${error.message}; the server must see ${there}, and be started with --enable-lora, --max-lora-rank of at least lora.rank and VLLM_ALLOW_RUNTIME_LORA_UPDATING=1`,
            { ...error.details, cause: error },
          );
        },
      );
    },
    /** One that started anew has none. */
    async unload({ name }: LoadedAdapter): Promise<void> {
      await post("/v1/unload_lora_adapter", { lora_name: name }).catch((error: unknown) => {
        if (!(error instanceof ServerError) || error.details.status !== 404) throw error;
      });
    },
  };
}

/** @throws ConfigError for an adapter that reaches into the vision tower, where the server would leave that part out */
async function requireServed(folder: string, address: ServerAddress): Promise<void> {
  const written = await openTensors(join(folder, ADAPTER_WEIGHTS));
  await written.close();
  const outside = [...written.entries.keys()].find((name) => /\bvisual\./.test(name));
  if (outside === undefined) return;
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
function createPublisher(learner: Learner, address: ServerAddress, parts: PublisherParts) {
  const { calls, adapters, adaptersThere = adapters, run } = parts;
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
      await requireServed(next.here, address);
      await calls.load(next);
      const before = loaded;
      loaded = next;
      if (before) {
        await calls.unload(before);
        await rm(before.here, { recursive: true, force: true });
      }
      return next;
    },
    /** A server that started anew is given the adapter again. @throws error unless it says that it has no such model */
    async revive({ name }: ServedPolicy, error: unknown): Promise<void> {
      const isUnknown = error instanceof ServerError && error.details.status === 404;
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
}

/** @throws ConfigError unless it is vLLM: others swap no adapters by this protocol */
async function requireVllm(address: ServerAddress, url: string): Promise<Server> {
  const server = await requireServer(address);
  if (server.kind === "vllm") return server;
  throw new ConfigError(`rollout.server: ${url}: unsupported server: adapters are swapped on vLLM alone`);
}

/**
 * The engine with a server for a sampler.
 * @param engine its learner trains an adapter and saves it in PEFT's format; its sampler is not used
 * @throws ConfigError when the server cannot be used so; ServerError when nobody answers
 */
export async function withRolloutServer(engine: Engine, settings: RolloutServerSettings): Promise<Engine> {
  const { url, key, publishEvery, processor, adapters, adaptersThere, run, timeoutMs, clock } = settings;
  const address = { base: parseBaseUrl(url), key };
  const server = await requireVllm(address, url);
  const options = { baseUrls: [url], model: "", apiKey: key, ...given({ timeoutMs, clock }) };
  const calls = adapterCalls(address, createRequests({ ...options, retries: 1 }));
  let [step, unpublished, isStale] = [0, 0, true];
  const learner = countingLearner(engine.learner, (to) => {
    // Weights that went back, or came from a file, are not lagged behind.
    if (to <= step || to > step + 1) isStale = true;
    step = to;
  });
  const publisher = createPublisher(learner, address, {
    ...{ calls, adapters, run, ...given({ adaptersThere }) },
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
