/**
 * @module Requests of the Tinker wire as a server reads them: every field checked, with the SDK's defaults, and none
 * asking for more than the server gives.
 */
import { z } from "zod";
import { CHUNK_LIMITS } from "../chunks.js";
import { WIRE_LOSSES } from "../wire.js";

/** The most that one request may ask for, and how many may wait. */
export interface RequestLimits {
  /** Tokens of a response: `sampling_params.max_tokens`. */
  readonly maxTokens: number;
  /** Responses to one prompt: `num_samples`. */
  readonly maxSamples: number;
  /** Sequences in one pass: `data`. */
  readonly maxDatums: number;
  /** Of a body. */
  readonly maxBytes: number;
  /** Requests of all clients that wait, or whose results nobody has fetched for less than an hour. */
  readonly maxWaiting: number;
}

/** A long answer of the paper's; a large group; what the SDK's own configuration (0.38.0) sends at once; two large batches. */
export const REQUEST_LIMITS: RequestLimits = {
  maxTokens: 2048,
  maxSamples: 128,
  maxDatums: CHUNK_LIMITS.datums,
  maxBytes: 256 * 1024 ** 2,
  maxWaiting: 1024,
};

/** What is said of a value above its limit. */
const above = (most: number) => ({ error: `above this server's limit of ${most}` });

const tensor = z.object({
  data: z.array(z.number()),
  dtype: z.enum(["float32", "int64"]),
  shape: z.array(z.number()).optional(),
});

const image = { format: z.enum(["png", "jpeg"]), expected_tokens: z.number().int().nullable().default(null) };

const chunk = z.discriminatedUnion("type", [
  z.object({ type: z.literal("encoded_text"), tokens: z.array(z.int32().min(0)) }),
  z.object({ type: z.literal("image"), data: z.string(), ...image }),
  z.object({ type: z.literal("image_asset_pointer"), location: z.string(), ...image }),
]);

const modelInput = z.object({ chunks: z.array(chunk) });

const datum = z
  .object({
    model_input: modelInput,
    loss_fn_inputs: z.object({
      target_tokens: tensor,
      weights: tensor.optional(),
      logprobs: tensor.optional(),
      advantages: tensor.optional(),
    }),
  })
  .refine(
    ({ loss_fn_inputs }) => {
      const wanted = loss_fn_inputs.target_tokens.data.length;
      return Object.values(loss_fn_inputs).every((each) => each === undefined || each.data.length === wanted);
    },
    { error: "weights, logprobs and advantages must be as long as target_tokens", path: ["loss_fn_inputs"] },
  );

const thresholds = z.strictObject({
  clip_low_threshold: z.number().optional(),
  clip_high_threshold: z.number().optional(),
});

const lossInput = (most: number) =>
  z.object({
    data: z.array(datum).min(1).max(most, above(most)),
    loss_fn: z.enum(WIRE_LOSSES),
    loss_fn_config: thresholds.nullish(),
  });

const training = { model_id: z.string(), seq_id: z.number().int().optional() };

/** Bodies of requests that ask for little. */
const SMALL = {
  // The SDK's handshake; its answers' defaults suit.
  "/client/config": z.object({}),
  "/telemetry": z.object({}),
  "/create_session": z.object({ tags: z.array(z.string()), sdk_version: z.string() }),
  "/session_heartbeat": z.object({ session_id: z.string() }),
  "/create_model": z.object({
    session_id: z.string(),
    model_seq_id: z.number().int().optional(),
    base_model: z.string(),
    lora_config: z.object({ rank: z.number().int().min(0), seed: z.number().int().nullish() }),
  }),
  "/get_info": z.object({ model_id: z.string() }),
  "/optim_step": z.object({
    ...training,
    adam_params: z.object({
      learning_rate: z.number().min(0).default(1e-4),
      // 1 would divide by 0 and leave weights that are no numbers.
      beta1: z.number().min(0).lt(1).default(0.9),
      beta2: z.number().min(0).lt(1).default(0.95),
      eps: z.number().min(0).default(1e-12),
      weight_decay: z.number().min(0).default(0),
      grad_clip_norm: z.number().min(0).default(0),
    }),
  }),
  "/save_weights": z.object({ ...training, path: z.string().regex(/^[A-Za-z0-9_-]{1,255}$/) }),
  "/load_weights": z.object({ ...training, path: z.string(), optimizer: z.boolean().default(true) }),
  "/save_weights_for_sampler": z.object({
    ...training,
    path: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,255}$/)
      .nullish(),
    sampling_session_seq_id: z.number().int().nullish(),
  }),
  "/create_sampling_session": z.object({
    session_id: z.string(),
    base_model: z.string().nullish(),
    model_path: z.string().nullish(),
  }),
  "/unload_model": z.object({ model_id: z.string() }),
  "/retrieve_future": z.object({ request_id: z.string() }),
  "/weights_info": z.object({ tinker_path: z.string() }),
} as const;

/** Request bodies by path, within limits. */
export function requestsWithin({ maxTokens, maxSamples, maxDatums }: RequestLimits) {
  const input = lossInput(maxDatums);
  return {
    ...SMALL,
    "/forward": z.object({ ...training, forward_input: input }),
    "/forward_backward": z.object({ ...training, forward_backward_input: input }),
    "/asample": z.object({
      sampling_session_id: z.string().nullish(),
      model_path: z.string().nullish(),
      base_model: z.string().nullish(),
      num_samples: z.number().int().min(1).max(maxSamples, above(maxSamples)).default(1),
      prompt: modelInput,
      sampling_params: z.object({
        max_tokens: z.number().int().min(1).max(maxTokens, above(maxTokens)).nullish(),
        temperature: z.number().min(0).default(1),
        top_p: z.number().default(1),
        top_k: z.number().int().default(-1),
        seed: z.number().int().nullish(),
        sharegrpo_streams: z.array(z.tuple([z.number(), z.number()])).optional(),
      }),
      prompt_logprobs: z.boolean().nullish(),
    }),
  } as const;
}

type Requests = ReturnType<typeof requestsWithin>;
export type RequestPath = keyof Requests;
export type RequestOf<Path extends RequestPath> = z.output<Requests[Path]>;

/** pydantic's list of what is wrong, without the input. */
export function problemsOf(error: z.ZodError) {
  return error.issues.map(({ path, message, code }) => ({
    type: code,
    loc: ["body", ...path],
    msg: message,
  }));
}
