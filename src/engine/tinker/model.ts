/**
 * @module A model that trains on a Tinker server. Its calls carry sequence numbers, so that one sent again is known
 * again; they are sent one after the other and answered by tickets.
 */
import { z } from "zod";
import { shownUrl } from "../../core/chat/http.js";
import { ServerError } from "../../core/errors.js";
import { given } from "../../core/given.js";
import { inTurn } from "../../core/inTurn.js";
import { CHUNK_LIMITS, type ChunkLimits, chunksOf } from "./chunks.js";
import { type FutureWatch, retrieve } from "./futures.js";
import { type DatumOutput, gradNormOf, outputsOf } from "./outputs.js";
import type { Transport } from "./transport.js";
import {
  type AdamParams,
  type Datum,
  futureSchema,
  lossOutputSchema,
  optimizerOutputSchema,
  STILL,
  samplerSchema,
  savedSchema,
  type WireLoss,
  type WireLossConfig,
} from "./wire.js";

export interface LossCall {
  readonly data: readonly Datum[];
  readonly loss: WireLoss;
  readonly config?: WireLossConfig;
}

export interface StepOutput {
  /** Norm of the gradient before clipping, where the server tells. */
  readonly gradNorm?: number;
}

/** A model in training on a server of the Tinker wire. */
export interface TrainingModel {
  readonly id: string;
  /** As the server has it. */
  readonly baseModel: string;
  readonly rank: number;
  /** Number of the next training call. */
  readonly nextSequence: () => number;
  forward(call: LossCall, watch?: FutureWatch): Promise<DatumOutput[]>;
  /** Adds to the gradient. */
  forwardBackward(call: LossCall, watch?: FutureWatch): Promise<DatumOutput[]>;
  optimStep(adam: AdamParams, watch?: FutureWatch): Promise<StepOutput>;
  /** Weights and optimizer, kept by the server under a name of letters, digits, `-` and `_`. @returns `tinker://…` */
  save(name: string, watch?: FutureWatch): Promise<string>;
  /** Continues from what `save` kept; the first call of a fresh model. */
  load(path: string, watch?: FutureWatch): Promise<void>;
  /** Weights to sample from: kept under a name, or for this session alone. */
  saveForSampler(name: string | undefined, watch?: FutureWatch): Promise<{ path?: string; session?: string }>;
  /** Gives its place on the server back. */
  unload(watch?: FutureWatch): Promise<void>;
  /** Sends one optimizer step of rate 0 twice under one number. @returns whether the server took it for one */
  knowsRepeats(watch?: FutureWatch): Promise<boolean>;
  /** What another model of the same server found out of that. */
  trustRepeats(isTrusted: boolean): void;
}

/** A request that was sent, and how to get what it is for. */
interface Ticket<Result> {
  readonly requestId: string;
  result(): Promise<Result>;
}

interface Submission<Result> {
  readonly path: string;
  /** Without the model's id and the sequence number. */
  readonly body: object;
  readonly schema: z.ZodType<Result>;
  readonly watch: FutureWatch;
  /** Of a long body: those under way at once are bounded. */
  readonly bytes?: number;
  /** Changes nothing that is kept, so that any server may do it twice. */
  readonly isHarmless?: boolean;
}

const emptySchema = z.unknown();

function outOfOrderError(transport: Transport, cause: ServerError): ServerError {
  const url = shownUrl(transport.base);
  const message = `${url}: a result was lost after later requests were sent, so that it cannot be asked for again in its place: resume from the last checkpoint`;
  return new ServerError(message, { ...cause.details, cause });
}

/** Sends a request and waits for its result. */
type Ask = <Result>(
  path: string,
  body: object,
  schema: z.ZodType<Result>,
  watch?: FutureWatch,
) => Promise<Result>;

const optimBody = (adam: AdamParams) => ({ adam_params: adam, type: "optim_step" });

async function saveForSampler(
  { submit, next }: Submitter,
  name: string | undefined,
  watch: FutureWatch = {},
): ReturnType<TrainingModel["saveForSampler"]> {
  const kept = name === undefined ? { path: null, sampling_session_seq_id: next() } : { path: name };
  const ticket = await submit({
    ...{ path: "/save_weights_for_sampler", body: { ...kept, type: "save_weights_for_sampler" } },
    ...{ schema: samplerSchema, watch, isHarmless: name === undefined },
  });
  const { path, sampling_session_id } = await ticket.result();
  return { ...(path ? { path } : {}), ...(sampling_session_id ? { session: sampling_session_id } : {}) };
}

/** Bytes of requests under way at once, as the SDK's. */
const MOST_AHEAD = 50_000_000;

/** Lets through so many bytes at once, in order; a request that is longer alone goes alone. */
function createBudget(most: number) {
  let used = 0;
  const waiting: (() => void)[] = [];
  return {
    async take(bytes: number): Promise<void> {
      while (used > 0 && used + bytes > most) await new Promise<void>((resolve) => waiting.push(resolve));
      used += bytes;
    },
    give(bytes: number): void {
      used -= bytes;
      for (const wake of waiting.splice(0)) wake();
    },
  };
}

type Submitter = ReturnType<typeof createSubmitter>;

/** Sends a model's requests in order. */
function createSubmitter(transport: Transport, modelId: string, isIdempotent: () => boolean) {
  let sequence = 0;
  const take = inTurn();
  const ahead = createBudget(MOST_AHEAD);
  const send = async <Result>(submission: Submission<Result>, at: number): Promise<Ticket<Result>> => {
    const { path, body, schema, watch, bytes = 0, isHarmless = false } = submission;
    const whole = { model_id: modelId, ...body, seq_id: at };
    const isRepeatable = () => isHarmless || isIdempotent();
    const post = () =>
      transport.call({
        ...{ path, body: whole, answer: futureSchema, isRepeatable: isRepeatable(), signal: watch.signal },
      });
    await ahead.take(bytes);
    const { request_id } = await post().catch((error: unknown) => {
      ahead.give(bytes);
      throw error;
    });
    const result = async (): Promise<Result> => {
      const first = await retrieve(transport, request_id, schema, watch);
      if (first.kind === "done") return first.result;
      if (sequence !== at || !isRepeatable()) throw outOfOrderError(transport, first.error);
      const again = await post();
      const second = await retrieve(transport, again.request_id, schema, watch);
      if (second.kind === "done") return second.result;
      throw second.error;
    };
    return { requestId: request_id, result: () => result().finally(() => ahead.give(bytes)) };
  };

  return {
    next: () => sequence + 1,
    /** Numbered at once; sent when all before it are sent. */
    submit<Result>(submission: Submission<Result>, at = ++sequence): Promise<Ticket<Result>> {
      return take(() => send(submission, at));
    },
  };
}

export interface TrainingModelOptions {
  readonly id: string;
  readonly baseModel: string;
  readonly rank: number;
  readonly limits?: ChunkLimits;
  /** Whether the server knows a repeated request; else a lost answer ends the run. */
  readonly isIdempotent?: boolean;
}

/** Sends the requests of a mini-batch one after the other; what is asked next comes after all of them. */
function createComputer(submit: Submitter["submit"], limits: ChunkLimits, where: string) {
  return async (
    { path, key, isHarmless = false }: { path: string; key: string; isHarmless?: boolean },
    { data, loss, config }: LossCall,
    watch: FutureWatch = {},
  ): Promise<DatumOutput[]> => {
    const outputs = chunksOf(data, limits).map(async (chunk) => {
      const input = { data: chunk.data, loss_fn: loss, ...given({ loss_fn_config: config }) };
      const body = { [key]: input };
      const ticket = await submit({
        path,
        body,
        schema: lossOutputSchema,
        watch,
        bytes: chunk.bytes,
        isHarmless,
      });
      return outputsOf(chunk.data, await ticket.result(), where);
    });
    return (await Promise.all(outputs)).flat();
  };
}

/** The calls of a model that the server has made. */
export function trainingModel(
  transport: Transport,
  { id, baseModel, rank, limits = CHUNK_LIMITS, isIdempotent = true }: TrainingModelOptions,
): TrainingModel {
  let knowsRepeats = isIdempotent;
  const submitter = createSubmitter(transport, id, () => knowsRepeats);
  const { submit, next } = submitter;
  const compute = createComputer(submit, limits, shownUrl(transport.base));
  const ask: Ask = async (path, body, schema, watch = {}) =>
    (await submit({ path, body, schema, watch })).result();

  return {
    ...{ id, baseModel, rank, nextSequence: next },
    forward: (call, watch) =>
      compute({ path: "/forward", key: "forward_input", isHarmless: true }, call, watch),
    forwardBackward: (call, watch) =>
      compute({ path: "/forward_backward", key: "forward_backward_input" }, call, watch),
    async optimStep(adam, watch) {
      const { metrics } = await ask("/optim_step", optimBody(adam), optimizerOutputSchema, watch);
      const gradNorm = gradNormOf(metrics);
      return given({ gradNorm });
    },
    async save(name, watch) {
      return (await ask("/save_weights", { path: name, type: "save_weights" }, savedSchema, watch)).path;
    },
    async load(path, watch) {
      await ask("/load_weights", { path, optimizer: true, type: "load_weights" }, emptySchema, watch);
    },
    saveForSampler: (name, watch) => saveForSampler(submitter, name, watch),
    async unload(watch = {}) {
      const call = {
        path: "/unload_model",
        body: { model_id: id, type: "unload_model" },
        answer: futureSchema,
      };
      const ask = transport.call({ ...call, isRepeatable: true, signal: watch.signal });
      const ticket = await ask.catch((error: unknown) => {
        // Gone already: by a request whose answer was lost.
        if (!(error instanceof ServerError) || error.details.status !== 404) throw error;
      });
      if (ticket) await retrieve(transport, ticket.request_id, emptySchema, watch);
    },
    async knowsRepeats(watch = {}) {
      const body = optimBody(STILL);
      const at = next();
      const twice = [
        await submit({ path: "/optim_step", body, schema: emptySchema, watch }),
        await submit({ path: "/optim_step", body, schema: emptySchema, watch }, at),
      ];
      await Promise.all(twice.map((ticket) => ticket.result()));
      knowsRepeats = twice[0]?.requestId === twice[1]?.requestId;
      return knowsRepeats;
    },
    trustRepeats(isTrusted) {
      knowsRepeats = isTrusted;
    },
  };
}
