/**
 * @module Requests of the Tinker wire as a server reads them: every field checked, with the SDK's defaults.
 */
import { z } from "zod";
import { WIRE_LOSSES } from "../wire.js";

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

const input = z.object({
  data: z.array(datum).min(1),
  loss_fn: z.enum(WIRE_LOSSES),
  loss_fn_config: thresholds.nullish(),
});

const training = { model_id: z.string(), seq_id: z.number().int().optional() };

/** Request bodies by path. */
export const REQUESTS = {
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
  "/forward": z.object({ ...training, forward_input: input }),
  "/forward_backward": z.object({ ...training, forward_backward_input: input }),
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
  "/asample": z.object({
    sampling_session_id: z.string().nullish(),
    model_path: z.string().nullish(),
    base_model: z.string().nullish(),
    num_samples: z.number().int().min(1).default(1),
    prompt: modelInput,
    sampling_params: z.object({
      max_tokens: z.number().int().min(1).nullish(),
      temperature: z.number().min(0).default(1),
      top_p: z.number().default(1),
      top_k: z.number().int().default(-1),
      seed: z.number().int().nullish(),
      sharegrpo_streams: z.array(z.tuple([z.number(), z.number()])).optional(),
    }),
    prompt_logprobs: z.boolean().nullish(),
  }),
  "/unload_model": z.object({ model_id: z.string() }),
  "/retrieve_future": z.object({ request_id: z.string() }),
  "/weights_info": z.object({ tinker_path: z.string() }),
} as const;

export type RequestPath = keyof typeof REQUESTS;
export type RequestOf<Path extends RequestPath> = z.output<(typeof REQUESTS)[Path]>;

/** pydantic's list of what is wrong, without the input. */
export function problemsOf(error: z.ZodError) {
  return error.issues.map(({ path, message, code }) => ({
    type: code,
    loc: ["body", ...path],
    msg: message,
  }));
}
