/**
 * @module What crosses the Tinker wire: requests as they are written, answers as they are checked. JSON, snake case,
 * below `{url}/api/v1`.
 *
 * Source: the Python SDK `tinker` 0.24.1, and the answers of SkyRL 0.3.0 and its commit a956457. Later SDKs speak
 * protobuf where this is JSON; those servers still read JSON.
 */
import { z } from "zod";

/** The SDK whose JSON this is; servers ask for it. */
export const WIRE_SDK_VERSION = "0.24.1";

export type Chunk =
  | { readonly type: "encoded_text"; readonly tokens: readonly number[] }
  | {
      readonly type: "image";
      /** base64 */
      readonly data: string;
      readonly format: "png" | "jpeg";
      /** Tokens that the picture takes; a server that counts otherwise refuses. */
      readonly expected_tokens: number | null;
    }
  | {
      readonly type: "image_asset_pointer";
      /** A path or URL that the server can read. */
      readonly location: string;
      readonly format: "png" | "jpeg";
      readonly expected_tokens: number | null;
    };

export interface ModelInput {
  readonly chunks: readonly Chunk[];
}

/** Tokens that every vocabulary has, to try a server with. */
export const PROBE_PROMPT = {
  chunks: [{ type: "encoded_text", tokens: [1, 2, 3, 4] }],
  tokens: Int32Array.of(1, 2, 3, 4),
} as const satisfies ModelInput & { tokens: Int32Array };

export interface TensorData {
  readonly data: readonly number[];
  readonly dtype: "float32" | "int64";
  readonly shape?: readonly number[] | undefined;
}

/** One sequence of T tokens to read; every tensor has T entries. */
export interface Datum {
  readonly model_input: ModelInput;
  readonly loss_fn_inputs: {
    readonly target_tokens: TensorData;
    readonly weights?: TensorData | undefined;
    readonly logprobs?: TensorData | undefined;
    readonly advantages?: TensorData | undefined;
  };
}

/** Losses that all known servers have under these names. */
export const WIRE_LOSSES = ["cross_entropy", "importance_sampling", "ppo", "cispo"] as const;
export type WireLoss = (typeof WIRE_LOSSES)[number];

/** Clip thresholds are ratios: 0.8 and 1.3, not 0.2 and 0.3. */
export type WireLossConfig = Readonly<Record<string, number>>;

export interface AdamParams {
  readonly learning_rate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weight_decay: number;
  /** 0: no clipping. */
  readonly grad_clip_norm: number;
}

/** A step that moves no weight; Adam's moments move even so. */
export const STILL: AdamParams = {
  ...{ learning_rate: 0, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0, grad_clip_norm: 0 },
};

export interface SamplingParams {
  readonly max_tokens: number;
  readonly temperature: number;
  readonly top_p: number;
  /** −1: all. */
  readonly top_k: number;
  readonly seed?: number;
  /** This project's servers only: a stream of random numbers for each sample, so that tokens are those of a local engine. */
  readonly sharegrpo_streams?: readonly (readonly [number, number])[];
}

/** What a call that takes its time answers at once. */
export const futureSchema = z.object({ request_id: z.string() });

export const capabilitiesSchema = z.object({
  supported_models: z.array(z.object({ model_name: z.string(), max_context_length: z.number().nullish() })),
  /** This project's servers only: their version. */
  sharegrpo: z.string().optional(),
});
export type Capabilities = z.output<typeof capabilitiesSchema>;

export const sessionSchema = z.object({
  session_id: z.string(),
  info_message: z.string().nullish(),
  warning_message: z.string().nullish(),
  error_message: z.string().nullish(),
});

export const createdModelSchema = z.object({
  model_id: z.string(),
  /** Absent where the server serves one model and ignores what was asked for. */
  base_model: z.string().nullish(),
  lora_config: z.object({ rank: z.number(), alpha: z.number().nullish() }).nullish(),
});

export const modelInfoSchema = z.object({
  model_id: z.string(),
  model_data: z.object({ base_model: z.string().nullish(), model_name: z.string().nullish() }),
});

/** null: what is no number, as pydantic writes it. */
const numbers = z.array(z.number().nullable());
const tensorSchema = z.object({ data: numbers });

export const lossOutputSchema = z.object({
  loss_fn_outputs: z.array(z.object({ logprobs: tensorSchema, elementwise_loss: tensorSchema.nullish() })),
  metrics: z.record(z.string(), z.unknown()).nullish(),
});

export const optimizerOutputSchema = z.object({ metrics: z.record(z.string(), z.unknown()).nullish() });

export const sampleOutputSchema = z.object({
  sequences: z.array(
    z.object({
      stop_reason: z.enum(["length", "stop"]),
      tokens: z.array(z.number().int()),
      logprobs: numbers.nullish(),
    }),
  ),
  prompt_logprobs: numbers.nullish(),
});
export type SampleOutput = z.output<typeof sampleOutputSchema>;

export const savedSchema = z.object({ path: z.string() });
export const samplerSchema = z.object({
  path: z.string().nullish(),
  sampling_session_id: z.string().nullish(),
});
export const checkpointsSchema = z.object({
  checkpoints: z.array(
    z.object({ checkpoint_id: z.string(), checkpoint_type: z.string(), tinker_path: z.string() }),
  ),
});

/** A future that is not ready, as hosted servers say it. */
export const notReadySchema = z.object({
  type: z.literal("try_again"),
  queue_state: z.string().nullish(),
  queue_state_reason: z.string().nullish(),
});

/** A future whose work failed for good. */
export const failedSchema = z.object({ error: z.string(), category: z.string().nullish() });
