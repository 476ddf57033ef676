/**
 * @module What a Tinker server does with each request: models by id, training calls in turn and known again by their
 * sequence numbers, sampling from the weights of now.
 */
import { digestJson } from "../../../core/files/digest.js";
import { given } from "../../../core/given.js";
import { zip } from "../../../core/zip.js";
import { type SamplingParams, WIRE_SDK_VERSION } from "../wire.js";
import { type WireBackend, type WireModel, WireRequestError, type WireUpdate } from "./backend.js";
import { createFutures, type Futures, ok, refusal, type WireReply } from "./futures.js";
import { elementwiseLosses } from "./losses.js";
import type { RequestOf, RequestPath } from "./requests.js";
import { createSessions, newId, type Sessions } from "./sessions.js";

interface Entry {
  readonly model: WireModel;
  /** Optimizer steps done: which weights it has. */
  steps: number;
  /** A checkpoint is loaded before any training. */
  isTrained: boolean;
  /** Ticket and content of each training call, by sequence number. */
  readonly seen: Map<number, { readonly digest: string; readonly ticket: string }>;
}

/** Weights that may be sampled, as long as they are the model's. */
interface Sampler {
  readonly modelId: string;
  readonly steps: number;
}

export interface HandlerOptions {
  readonly backend: WireBackend;
  /** This project's version, said among the capabilities. */
  readonly version: string;
  /** How long a result is waited for before the asking is answered with 408, milliseconds. */
  readonly pollMs: number;
  /** Silence after which a session is dropped with its models, milliseconds. */
  readonly sessionMs: number;
  /** Requests that wait or whose results nobody fetched. */
  readonly maxWaiting: number;
  readonly onError?: (error: unknown) => void;
}

type Handler<Path extends RequestPath> = (body: RequestOf<Path>) => Promise<WireReply> | WireReply;
export type Handlers = { readonly [Path in RequestPath]: Handler<Path> };

/** Names alone: both become folders. */
const WEIGHTS = /^tinker:\/\/([\w-]+)\/weights\/([\w-]+)$/;

const tensor = (data: Float32Array) => ({ data: Array.from(data), dtype: "float32", shape: [data.length] });

function lossOutput({ data, loss, config }: WireUpdate, logProbs: readonly Float32Array[]) {
  const outputs = zip(data, logProbs).map(([datum, logProbs_T]) => ({
    logprobs: tensor(logProbs_T),
    elementwise_loss: tensor(elementwiseLosses(datum, logProbs_T, { loss, config })),
  }));
  return { loss_fn_output_type: "scalar", loss_fn_outputs: outputs, metrics: {} };
}

function samplingOf(params: RequestOf<"/asample">["sampling_params"]): SamplingParams {
  const { max_tokens, temperature, top_p, top_k, seed, sharegrpo_streams } = params;
  if (max_tokens === null || max_tokens === undefined) {
    throw new WireRequestError("sampling_params.max_tokens: missing: say how long an answer may be");
  }
  return {
    ...{ max_tokens, temperature, top_p, top_k },
    ...(seed === null || seed === undefined ? {} : { seed }),
    ...(sharegrpo_streams ? { sharegrpo_streams } : {}),
  };
}

/** What a server knows. */
interface State {
  readonly backend: WireBackend;
  readonly pollMs: number;
  readonly sessions: Sessions;
  readonly models: Map<string, Entry>;
  readonly samplers: Map<string, Sampler>;
  /** Paths of archives, by `model/name`. */
  readonly archives: Map<string, string>;
  readonly futures: Futures;
}

type TrainingBody = { readonly model_id: string; readonly seq_id?: number | undefined };
type Training =
  | "/forward"
  | "/forward_backward"
  | "/optim_step"
  | "/save_weights"
  | "/load_weights"
  | "/save_weights_for_sampler";

const future = (id: string): WireReply => ok({ future_id: id, status: "pending", request_id: id });
/** From 0.25.0 on the SDK sends protobuf where it sent JSON. */
function speaksProtobuf(sdkVersion: string): boolean {
  const [major = 0, minor = 0] = sdkVersion.split(".").map(Number);
  return major > 0 || minor >= 25;
}

const otherSdk = (version: string) =>
  `sdk_version: ${version} sends protobuf; this server reads JSON, as the SDK ${WIRE_SDK_VERSION} sends it: pip install tinker==${WIRE_SDK_VERSION}`;

const NO_MODEL = refusal(404, "Model not found");

async function addModel(
  { backend, models }: State,
  id: string,
  asked: { readonly baseModel: string; readonly rank: number; readonly seed: number },
): Promise<Entry> {
  const entry = {
    model: await backend.createModel({ id, ...asked }),
    steps: 0,
    isTrained: false,
    seen: new Map(),
  };
  models.set(id, entry);
  return entry;
}

/** Lets go of a model; to be done after what it has to do. */
async function unload({ models }: State, id: string) {
  const entry = models.get(id);
  models.delete(id);
  await entry?.model.close();
  return { type: "unload_model", model_id: id };
}

/** Queues a training call, or finds the one that it repeats. */
function train(
  { models, futures }: State,
  path: Training,
  body: TrainingBody,
  work: (entry: Entry) => Promise<unknown>,
): WireReply {
  const entry = models.get(body.model_id);
  if (!entry) return NO_MODEL;
  const digest = digestJson({ path, body });
  const before = body.seq_id === undefined ? undefined : entry.seen.get(body.seq_id);
  if (before && futures.has(before.ticket)) {
    if (before.digest === digest) return future(before.ticket);
    return refusal(409, "Training request sequence number was reused");
  }
  const ticket = futures.start(body.model_id, () => work(entry));
  if (body.seq_id !== undefined) entry.seen.set(body.seq_id, { digest, ticket });
  return future(ticket);
}

function sessionHandlers(state: State) {
  const { backend, sessions, models, futures } = state;
  return {
    "/client/config": () => ok({}),
    "/telemetry": () => ok({ status: "accepted" }),
    "/create_session"({ sdk_version }) {
      if (speaksProtobuf(sdk_version)) return refusal(400, otherSdk(sdk_version));
      const session_id = sessions.open();
      const info_message = backend.message ?? null;
      return ok({
        type: "create_session",
        session_id,
        info_message,
        warning_message: null,
        error_message: null,
      });
    },
    "/session_heartbeat": ({ session_id }) =>
      sessions.touch(session_id) ? ok({ type: "session_heartbeat" }) : refusal(410, "Session is over"),
    "/create_model": (body) =>
      sessions.model(body, (id) => {
        const { base_model, lora_config } = body;
        const { rank, seed } = lora_config;
        const ticket = futures.start(id, async () => {
          const { model } = await addModel(state, id, { baseModel: base_model, rank, seed: seed ?? 0 });
          return { model_id: id, base_model: model.baseModel, lora_config: { rank: model.rank, alpha: 32 } };
        });
        const asked = { base_model, lora_config: { rank, seed } };
        return ok({ model_id: id, ...asked, status: "created", request_id: ticket });
      }),
    "/get_info"({ model_id }) {
      const model = models.get(model_id)?.model;
      if (!model) return NO_MODEL;
      const { baseModel, rank } = model;
      const data = { base_model: baseModel, lora_config: { rank }, model_name: baseModel, arch: "unknown" };
      return ok({
        type: "get_info",
        model_id,
        status: "created",
        model_data: data,
        is_lora: rank > 0,
        lora_rank: rank,
      });
    },
  } satisfies Partial<Handlers>;
}

function ticketHandlers(state: State) {
  const { models, futures } = state;
  return {
    "/unload_model": ({ model_id }) =>
      models.has(model_id) ? future(futures.start(model_id, () => unload(state, model_id))) : NO_MODEL,
    async "/retrieve_future"({ request_id }) {
      return (await futures.retrieve(request_id, state.pollMs)) ?? refusal(408, "Timeout waiting for result");
    },
  } satisfies Partial<Handlers>;
}

function lossHandlers(state: State) {
  const updateOf = ({
    data,
    loss_fn,
    loss_fn_config,
  }: RequestOf<"/forward">["forward_input"]): WireUpdate => ({
    ...{ data, loss: loss_fn, config: given(loss_fn_config ?? {}) },
  });
  return {
    "/forward"(body) {
      const update = updateOf(body.forward_input);
      return train(state, "/forward", body, async ({ model }) =>
        lossOutput(update, await model.logProbs(update.data)),
      );
    },
    "/forward_backward"(body) {
      const update = updateOf(body.forward_backward_input);
      return train(state, "/forward_backward", body, async (entry) => {
        entry.isTrained = true;
        return lossOutput(update, await entry.model.accumulate(update));
      });
    },
    "/optim_step"(body) {
      return train(state, "/optim_step", body, async (entry) => {
        const { gradNorm } = await entry.model.optimStep(body.adam_params);
        entry.isTrained = true;
        entry.steps++;
        return { metrics: { grad_norm: gradNorm, learning_rate: body.adam_params.learning_rate } };
      });
    },
  } satisfies Partial<Handlers>;
}

function weightHandlers(state: State) {
  return {
    "/save_weights": (body) =>
      train(state, "/save_weights", body, async ({ model }) => {
        await model.save(body.path);
        return { path: `tinker://${body.model_id}/weights/${body.path}`, type: "save_weights" };
      }),
    "/load_weights": (body) =>
      train(state, "/load_weights", body, async (entry) => {
        const [, modelId, name] = WEIGHTS.exec(body.path) ?? [];
        if (modelId === undefined || name === undefined) {
          throw new WireRequestError(`path: not a checkpoint of weights: ${body.path}`);
        }
        if (entry.isTrained) throw new WireRequestError("load_weights must be the first request of a model");
        await entry.model.load(modelId, name);
        return { type: "load_weights", path: body.path };
      }),
    "/weights_info"({ tinker_path }) {
      const entry = state.models.get(WEIGHTS.exec(tinker_path)?.[1] ?? "");
      if (!entry) return refusal(404, "Checkpoint not found");
      const { baseModel, rank } = entry.model;
      return ok({ base_model: baseModel, is_lora: rank > 0, lora_rank: rank });
    },
  } satisfies Partial<Handlers>;
}

/** The model that a sampling request means, if its weights are still those. */
async function sampledModel(state: State, body: RequestOf<"/asample">): Promise<WireModel> {
  const key = body.sampling_session_id ?? body.model_path;
  if (!key) {
    const baseModel = body.base_model ?? "";
    const id = `base:${baseModel}`;
    return (state.models.get(id) ?? (await addModel(state, id, { baseModel, rank: 0, seed: 0 }))).model;
  }
  const sampler = state.samplers.get(key);
  const entry = sampler && state.models.get(sampler.modelId);
  if (!entry) throw new WireRequestError(`unknown weights: ${key}: save_weights_for_sampler makes them`);
  if (entry.steps === sampler.steps) return entry.model;
  throw new WireRequestError(
    `${key}: these weights were trained further (step ${sampler.steps}, now ${entry.steps}): this server keeps the newest only; call save_weights_for_sampler again`,
  );
}

function samplingHandlers(state: State) {
  const { samplers, futures } = state;
  return {
    "/save_weights_for_sampler": (body) =>
      train(state, "/save_weights_for_sampler", body, async ({ steps, model }) => {
        const { model_id, path } = body;
        const archive = path ? await model.archive?.(path) : undefined;
        if (archive !== undefined) state.archives.set(`${model_id}/${path}`, archive);
        const key = path ? `tinker://${model_id}/${path}` : newId("sampling");
        samplers.set(key, { modelId: model_id, steps });
        const named = path ? { path: key } : { path: null, sampling_session_id: key };
        return { ...named, type: "save_weights_for_sampler" };
      }),
    "/create_sampling_session"({ model_path }) {
      const sampler = model_path ? samplers.get(model_path) : undefined;
      if (!sampler) return refusal(404, "Checkpoint not found");
      const sampling_session_id = newId("sampling");
      samplers.set(sampling_session_id, sampler);
      return ok({ type: "create_sampling_session", sampling_session_id });
    },
    "/asample"(body) {
      const key = body.sampling_session_id ?? body.model_path;
      const queue = (key && samplers.get(key)?.modelId) || "base";
      const ticket = futures.start(queue, async () => {
        const model = await sampledModel(state, body);
        const { prompt, num_samples, prompt_logprobs } = body;
        const params = samplingOf(body.sampling_params);
        return model.sample({
          prompt,
          samples: num_samples,
          params,
          promptLogProbs: prompt_logprobs ?? false,
        });
      });
      return future(ticket);
    },
  } satisfies Partial<Handlers>;
}

const ARCHIVE = /^\/training_runs\/([\w-]+)\/checkpoints\/([\w-]+)\/(archive|download)$/;

/** The archive of a sampler checkpoint: first where it is, then it. */
function archiveReply({ archives }: State, path: string): WireReply | undefined {
  const [, model, name, what] = ARCHIVE.exec(path) ?? [];
  if (what === undefined) return undefined;
  const file = archives.get(`${model}/${name}`);
  if (file === undefined) return refusal(404, "Checkpoint not found");
  if (what === "download") return { status: 200, body: undefined, file };
  return {
    status: 302,
    body: undefined,
    headers: { location: `/api/v1${path.replace(/archive$/, "download")}` },
  };
}

/** The state of a server, and what may be asked of it. */
export function createHandlers(options: HandlerOptions) {
  const { backend, version, pollMs, sessionMs, maxWaiting, onError } = options;
  const state: State = {
    ...{ backend, pollMs, futures: createFutures({ maxOpen: maxWaiting, onError }) },
    sessions: createSessions(sessionMs, (models) => {
      for (const id of models) state.futures.run(id, () => unload(state, id));
    }),
    ...{ models: new Map(), samplers: new Map(), archives: new Map() },
  };
  const handlers: Handlers = {
    ...sessionHandlers(state),
    ...ticketHandlers(state),
    ...lossHandlers(state),
    ...weightHandlers(state),
    ...samplingHandlers(state),
  };
  const supported_models = backend.models.map((model_name) => ({ model_name }));
  return {
    handlers,
    capabilities: { supported_models, sharegrpo: version },
    files: (path: string) => archiveReply(state, path),
    forget: () => state.futures.forget(),
    endSessions: () => state.sessions.end(),
  };
}
