/**
 * @module A client of Tinker-wire servers: a session that is kept alive, models that train, and policies that are
 * sampled. For SkyRL on one's own machines and the hosted service; tested against SkyRL 0.3.0.
 */
import { setInterval } from "node:timers";
import pLimit from "p-limit";
import { z } from "zod";
import { shownUrl } from "../../core/chat/http.js";
import { ModelError, ServerError } from "../../core/errors.js";
import { type FutureWatch, retrieve } from "./futures.js";
import { type TrainingModel, trainingModel } from "./model.js";
import { createTransport, type Transport, type TransportOptions } from "./transport.js";
import {
  type Capabilities,
  capabilitiesSchema,
  createdModelSchema,
  futureSchema,
  type ModelInput,
  modelInfoSchema,
  type SampleOutput,
  type SamplingParams,
  sampleOutputSchema,
  samplerSchema,
  sessionSchema,
  WIRE_SDK_VERSION,
} from "./wire.js";

/** A server of the Tinker wire, and how patiently it is asked. */
export interface TinkerOptions extends TransportOptions {
  /** Between signs of life; servers drop a session after minutes of silence. */
  readonly heartbeatMs?: number;
  /** Sampling requests under way at once. */
  readonly concurrency?: number;
  /** Hears what the server says of the session. */
  readonly onMessage?: (message: string) => void;
}

/** Values of the options that are not given. */
export const CLIENT_DEFAULTS = { heartbeatMs: 10_000, concurrency: 64 } as const;

export interface NewModel {
  readonly baseModel: string;
  /** Of the adapter; 0: all weights, where the server can. */
  readonly rank: number;
  readonly seed: number;
}

export interface SampleCall {
  readonly prompt: ModelInput;
  readonly samples: number;
  readonly params: SamplingParams;
  /** What answers: a sampling session, saved weights, or the untrained model. */
  readonly of:
    | { readonly sampling_session_id: string }
    | { readonly model_path: string }
    | { readonly base_model: string };
  /** Whether the prompt's own log-probs are wanted. */
  readonly promptLogProbs?: boolean;
}

/** A session with a server of the Tinker wire. */
export interface TinkerClient {
  readonly transport: Transport;
  /** The address as it may be shown. */
  readonly server: string;
  readonly capabilities: Capabilities;
  readonly sessionId: string;
  /** @throws ServerError when the server serves another model than the one asked for */
  createModel(model: NewModel, watch?: FutureWatch): Promise<TrainingModel>;
  sample(call: SampleCall, watch?: FutureWatch): Promise<SampleOutput>;
  /** A session that samples saved weights. */
  samplingSession(path: string, signal?: AbortSignal): Promise<string>;
  /** Stops the signs of life; the server forgets the session. */
  close(): void;
}

const emptySchema = z.unknown();

/** Keeps a session alive. @returns what ended it, if anything did, and how to stop */
function keepAlive(transport: Transport, sessionId: string, everyMs: number) {
  let ended: ServerError | undefined;
  const body = { session_id: sessionId, type: "session_heartbeat" };
  const timer = setInterval(() => {
    const call = { path: "/session_heartbeat", body, answer: emptySchema, isRepeatable: true };
    transport.once(call).catch((error: unknown) => {
      // A missed beat is made up for by the next; what is over stays over.
      if (!(error instanceof ServerError) || error.details.status !== 410) return;
      ended = error;
      clearInterval(timer);
    });
  }, everyMs);
  timer.unref();
  return { ended: () => ended, stop: () => clearInterval(timer) };
}

/** A transport that answers nothing more once the session is over. */
function guarded(transport: Transport, ended: () => ServerError | undefined): Transport {
  const check = () => {
    const error = ended();
    if (error) throw error;
  };
  return {
    ...transport,
    async call(call) {
      check();
      return transport.call(call);
    },
    async once(call) {
      check();
      return transport.once(call);
    },
  };
}

interface Session {
  readonly transport: Transport;
  readonly sessionId: string;
  readonly capabilities: Capabilities;
}

/** The last part of a path or hub name: servers name one model in several ways. */
const lastPart = (name: string): string => name.replace(/\/+$/, "").split("/").at(-1) ?? name;

/** A ticket's result; a request of no model is sent again when its ticket is lost. */
async function asked<Result>(
  transport: Transport,
  { path, body, schema }: { path: string; body: object; schema: z.ZodType<Result> },
  watch: FutureWatch = {},
): Promise<Result> {
  const send = () =>
    transport.call({ path, body, answer: futureSchema, isRepeatable: true, signal: watch.signal });
  const first = await retrieve(transport, (await send()).request_id, schema, watch);
  if (first.kind === "done") return first.result;
  const second = await retrieve(transport, (await send()).request_id, schema, watch);
  if (second.kind === "done") return second.result;
  throw second.error;
}

async function createModel(
  { transport, sessionId }: Session,
  { baseModel, rank, seed, at }: NewModel & { readonly at: number },
  watch?: FutureWatch,
): Promise<TrainingModel> {
  const lora = { rank, seed, train_attn: true, train_mlp: true, train_unembed: true };
  const body = {
    ...{ session_id: sessionId, model_seq_id: at, base_model: baseModel, lora_config: lora },
    ...{ user_metadata: null, type: "create_model" },
  };
  const { model_id, base_model, lora_config } = await asked(
    transport,
    { path: "/create_model", body, schema: createdModelSchema },
    watch,
  );
  const info = await transport.call({
    ...{ path: "/get_info", body: { model_id, type: "get_info" }, answer: modelInfoSchema },
    ...{ isRepeatable: true, signal: watch?.signal },
  });
  // SkyRL's get_info repeats what was asked for; its answer to create_model names what it has.
  const served = base_model ?? info.model_data.base_model ?? info.model_data.model_name ?? baseModel;
  if (lastPart(served) !== lastPart(baseModel)) {
    throw new ModelError(
      `${shownUrl(transport.base)}: asked for the model ${baseModel}, the server has ${served}: set engine.baseModel to it, or start the server with the other`,
    );
  }
  return trainingModel(transport, { id: model_id, baseModel: served, rank: lora_config?.rank ?? rank });
}

function sample(
  transport: Transport,
  call: SampleCall,
  at: number,
  watch?: FutureWatch,
): Promise<SampleOutput> {
  const { prompt, samples, params, of, promptLogProbs = false } = call;
  const body = {
    ...{ ...of, seq_id: at, num_samples: samples, prompt, sampling_params: params },
    ...{ prompt_logprobs: promptLogProbs, type: "sample" },
  };
  return asked(transport, { path: "/asample", body, schema: sampleOutputSchema }, watch);
}

/**
 * Opens a session.
 * @throws ConfigError when the address is none; ServerError when nobody answers there, or no Tinker server
 */
export async function connectTinker(options: TinkerOptions): Promise<TinkerClient> {
  const { heartbeatMs, concurrency, onMessage } = { ...CLIENT_DEFAULTS, ...options };
  const open = createTransport(options);
  // Not repeated: a server that was never there is the address's fault, and is said at once.
  const capabilities = await open.once({
    ...{ method: "GET", path: "/get_server_capabilities", answer: capabilitiesSchema, isRepeatable: true },
  });
  const session = await open.call({
    path: "/create_session",
    body: {
      ...{ tags: ["sharegrpo"], user_metadata: null, sdk_version: WIRE_SDK_VERSION, type: "create_session" },
    },
    answer: sessionSchema,
    isRepeatable: true,
  });
  for (const message of [session.info_message, session.warning_message, session.error_message]) {
    if (message) onMessage?.(message);
  }
  const sessionId = session.session_id;
  const life = keepAlive(open, sessionId, heartbeatMs);
  const transport = guarded(open, life.ended);
  let models = 0;
  let samples = 0;
  let samplers = 0;
  const limit = pLimit(concurrency);
  return {
    transport,
    server: shownUrl(transport.base),
    capabilities,
    sessionId,
    createModel: (model, watch) =>
      createModel({ transport, sessionId, capabilities }, { ...model, at: models++ }, watch),
    sample: (call, watch) => limit(() => sample(transport, call, samples++, watch)),
    async samplingSession(path, signal) {
      const body = { session_id: sessionId, sampling_session_seq_id: samplers++, model_path: path };
      const call = {
        path: "/create_sampling_session",
        body,
        answer: samplerSchema,
        isRepeatable: true,
        signal,
      };
      return (await transport.call(call)).sampling_session_id ?? "";
    },
    close: life.stop,
  };
}
