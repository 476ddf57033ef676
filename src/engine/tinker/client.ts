/**
 * @module A client of Tinker-wire servers: a session that is kept alive, models that train, and policies that are
 * sampled. For SkyRL on one's own machines and the hosted service; tested against SkyRL 0.3.0.
 */
import pLimit from "p-limit";
import { shownUrl } from "../../core/chat/http.js";
import { ModelError } from "../../core/errors.js";
import { type FutureWatch, retrieve } from "./futures.js";
import { type TrainingModel, trainingModel } from "./model.js";
import { openSession, type Session } from "./sessions.js";
import { createTransport, LostAnswerError, type Transport, type TransportOptions } from "./transport.js";
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
  /** @throws ModelError when the server serves another model than the one asked for */
  createModel(model: NewModel, watch?: FutureWatch): Promise<TrainingModel>;
  sample(call: SampleCall, watch?: FutureWatch): Promise<SampleOutput>;
  /** A session that samples saved weights. */
  samplingSession(path: string, signal?: AbortSignal): Promise<string>;
  /** Stops the signs of life; the server forgets its sessions and the models in them. */
  close(): void;
}

/** A model is asked for again so often after answers that were lost. */
const MOST_LOST = 5;

/** The last part of a path or hub name: servers name one model in several ways. */
const lastPart = (name: string): string => name.replace(/\/+$/, "").split("/").at(-1) ?? name;

/** Makes a model in a session. @throws LostAnswerError when one may have been made whose id is not known */
async function createIn(
  { transport, id }: Session,
  { baseModel, rank, seed, at }: NewModel & { readonly at: number },
  watch: FutureWatch = {},
): Promise<TrainingModel> {
  const { signal } = watch;
  const lora = { rank, seed, train_attn: true, train_mlp: true, train_unembed: true };
  const body = {
    ...{ session_id: id, model_seq_id: at, base_model: baseModel, lora_config: lora },
    ...{ user_metadata: null, type: "create_model" },
  };
  // SkyRL (0.3.0, a956457) makes a second model of a repeated request.
  const call = { path: "/create_model", body, answer: futureSchema, isRepeatable: false, signal };
  const made = await retrieve(transport, (await transport.call(call)).request_id, createdModelSchema, watch);
  if (made.kind === "lost") throw new LostAnswerError(made.error);
  const { model_id, base_model, lora_config } = made.result;
  const info = await transport.call({
    ...{ path: "/get_info", body: { model_id, type: "get_info" }, answer: modelInfoSchema },
    ...{ isRepeatable: true, signal },
  });
  // SkyRL's get_info repeats what was asked for; its answer to create_model names what it has.
  const served = base_model ?? info.model_data.base_model ?? info.model_data.model_name ?? baseModel;
  const model = trainingModel(transport, {
    id: model_id,
    baseModel: served,
    rank: lora_config?.rank ?? rank,
  });
  if (lastPart(served) === lastPart(baseModel)) return model;
  await model.unload(watch);
  throw new ModelError(
    `${shownUrl(transport.base)}: asked for the model ${baseModel}, the server has ${served}: set engine.baseModel to it, or start the server with the other`,
  );
}

/** Makes models, each in a session of its own. */
function createModels(open: Transport, heartbeatMs: number, onLost: (message: string) => void) {
  const sessions = new Set<Session>();
  const end = (session: Session) => {
    session.close();
    sessions.delete(session);
  };
  const attempt = async (model: NewModel & { readonly at: number }, watch?: FutureWatch) => {
    const session = await openSession(open, { heartbeatMs, signal: watch?.signal });
    sessions.add(session);
    try {
      const made = await createIn(session, model, watch);
      return { ...made, unload: (last?: FutureWatch) => made.unload(last).finally(() => end(session)) };
    } catch (error) {
      end(session);
      throw error;
    }
  };
  return {
    async create(model: NewModel & { readonly at: number }, watch?: FutureWatch): Promise<TrainingModel> {
      for (let losses = 0; ; ) {
        try {
          return await attempt(model, watch);
        } catch (error) {
          if (!(error instanceof LostAnswerError) || ++losses > MOST_LOST) throw error;
          onLost(
            `${error.plain}: a model may have been made that nobody knows; it takes a place until the server drops its session, and another is made`,
          );
          await open.clock.sleep(1000 * 2 ** losses, watch?.signal);
        }
      }
    },
    close: () => [...sessions].forEach(end),
  };
}

/** A request of no model is sent again when its ticket is lost. */
async function sample(
  transport: Transport,
  call: SampleCall,
  at: number,
  watch: FutureWatch = {},
): Promise<SampleOutput> {
  const { prompt, samples, params, of, promptLogProbs = false } = call;
  const body = {
    ...{ ...of, seq_id: at, num_samples: samples, prompt, sampling_params: params },
    ...{ prompt_logprobs: promptLogProbs, type: "sample" },
  };
  const send = () =>
    transport.call({
      path: "/asample",
      body,
      answer: futureSchema,
      isRepeatable: true,
      signal: watch.signal,
    });
  const first = await retrieve(transport, (await send()).request_id, sampleOutputSchema, watch);
  if (first.kind === "done") return first.result;
  const second = await retrieve(transport, (await send()).request_id, sampleOutputSchema, watch);
  if (second.kind === "done") return second.result;
  throw second.error;
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
  const session = await openSession(open, { heartbeatMs });
  for (const message of session.messages) onMessage?.(message);
  const { transport, id: sessionId } = session;
  const own = createModels(open, heartbeatMs, (message) => onMessage?.(message));
  let models = 0;
  let samples = 0;
  let samplers = 0;
  const limit = pLimit(concurrency);
  return {
    transport,
    server: shownUrl(transport.base),
    capabilities,
    sessionId,
    createModel: (model, watch) => own.create({ ...model, at: models++ }, watch),
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
    close() {
      own.close();
      session.close();
    },
  };
}
