/**
 * @module The dimensions of a Qwen2.5-VL model, read from a Hugging Face `config.json`: the published flat layout, or
 * the one with a `text_config` inside that newer libraries write.
 */
import { z } from "zod";
import { ModelError } from "../../core/errors.js";
import type { ModelConfig, VisionSizes } from "../modelConfig.js";

/** The shared sizes, and those of window attention. */
export interface Qwen25Config extends ModelConfig {
  readonly vision: Qwen25VisionConfig;
}

export interface Qwen25VisionConfig extends VisionSizes {
  /** Pixels on a side of an attention window, in blocks that are not of full attention. */
  readonly windowSize: number;
}

const count = z.int().positive();
const token = z.int().nonnegative();

const ropeSchema = z.object({
  rope_theta: z.number().positive().optional(),
  type: z.string().optional(),
  rope_type: z.string().optional(),
  mrope_section: z.tuple([count, count, count]).optional(),
});

const textSchema = z.object({
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  vocab_size: count,
  hidden_act: z.literal("silu").default("silu"),
  rms_norm_eps: z.number().positive().default(1e-6),
  rope_theta: z.number().positive().optional(),
  rope_scaling: ropeSchema.nullish(),
  rope_parameters: ropeSchema.nullish(),
  use_sliding_window: z.literal(false).nullish(),
  tie_word_embeddings: z.boolean().optional(),
  bos_token_id: token.nullish(),
  eos_token_id: z.union([token, z.array(token)]).nullish(),
  pad_token_id: token.nullish(),
});

const visionSchema = z.object({
  depth: count.default(32),
  hidden_size: count,
  num_heads: count.default(16),
  intermediate_size: count,
  out_hidden_size: count,
  patch_size: count.default(14),
  temporal_patch_size: count.default(2),
  spatial_merge_size: count.default(2),
  window_size: count.default(112),
  fullatt_block_indexes: z.array(z.int().nonnegative()).default([7, 15, 23, 31]),
  in_channels: count.optional(),
  in_chans: count.optional(),
  hidden_act: z.literal("silu").default("silu"),
  rope_parameters: z.object({ rope_theta: z.number().positive().optional() }).nullish(),
});

const fileSchema = z.object({
  model_type: z.literal("qwen2_5_vl"),
  text_config: z.record(z.string(), z.unknown()).nullish(),
  vision_config: visionSchema,
  image_token_id: token,
  video_token_id: token,
  vision_start_token_id: token,
  vision_end_token_id: token,
  tie_word_embeddings: z.boolean().optional(),
});

/**
 * @param json the parsed file
 * @param where the file's path, for messages
 * @throws ModelError when a field is missing, of the wrong kind, or contradicts another
 */
export function parseConfig(json: unknown, where: string): Qwen25Config {
  const file = parsePart(fileSchema, json, where);
  const nested = file.text_config ?? undefined;
  const inside = nested ? `${where}: text_config` : where;
  // Either level may hold the token ids and the tie: the nested one wins where it says something.
  const text = parsePart(textSchema, nested ? { ...outer(json), ...withoutNull(nested) } : json, inside);
  const rope = { ...text.rope_scaling, ...text.rope_parameters };
  const kind = rope.rope_type ?? rope.type ?? "default";
  if (kind !== "default" && kind !== "mrope") {
    throw new ModelError(`${inside}: unsupported rope type: ${kind}; only plain M-RoPE is implemented`);
  }
  const eos = text.eos_token_id ?? [];
  const bos = text.bos_token_id ?? undefined;
  const eosTokens = typeof eos === "number" ? [eos] : eos;
  const config: Qwen25Config = {
    hiddenSize: text.hidden_size,
    layers: text.num_hidden_layers,
    heads: text.num_attention_heads,
    keyValueHeads: text.num_key_value_heads ?? text.num_attention_heads,
    headSize: text.hidden_size / text.num_attention_heads,
    intermediateSize: text.intermediate_size,
    vocabSize: text.vocab_size,
    rmsNormEps: text.rms_norm_eps,
    ropeTheta: rope.rope_theta ?? text.rope_theta ?? 1_000_000,
    rotaryAxes: sectionAxes(rope.mrope_section ?? [16, 24, 24]),
    tieWordEmbeddings: (file.tie_word_embeddings ?? false) || (text.tie_word_embeddings ?? false),
    tokens: {
      image: file.image_token_id,
      visionStart: file.vision_start_token_id,
      visionEnd: file.vision_end_token_id,
      video: file.video_token_id,
      eos: eosTokens,
      pad: text.pad_token_id ?? bos ?? eosTokens[0] ?? 0,
      ...(bos === undefined ? {} : { bos }),
    },
    vision: visionConfig(file.vision_config),
  };
  checkConfig(config, where);
  return config;
}

/** How many frequencies belong to time, height and width → which axis turns each of them. */
function sectionAxes(sections: readonly number[]): number[] {
  return sections.flatMap((size, axis) => new Array<number>(size).fill(axis));
}

function visionConfig(vision: z.infer<typeof visionSchema>): Qwen25VisionConfig {
  return {
    depth: vision.depth,
    hiddenSize: vision.hidden_size,
    heads: vision.num_heads,
    intermediateSize: vision.intermediate_size,
    patchSize: vision.patch_size,
    temporalPatchSize: vision.temporal_patch_size,
    spatialMergeSize: vision.spatial_merge_size,
    windowSize: vision.window_size,
    fullAttentionLayers: vision.fullatt_block_indexes,
    inChannels: vision.in_channels ?? vision.in_chans ?? 3,
    outHiddenSize: vision.out_hidden_size,
    ropeTheta: vision.rope_parameters?.rope_theta ?? 10_000,
  };
}

function parsePart<Schema extends z.ZodType>(schema: Schema, json: unknown, where: string): z.infer<Schema> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "file"}: ${issue.message}`);
  throw new ModelError(`${where}: not a Qwen2.5-VL config.json: ${problems.join("; ")}`);
}

const SHARED_KEYS = ["bos_token_id", "eos_token_id", "pad_token_id", "rope_theta", "rope_scaling"];

function outer(json: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(json as object).filter(([key]) => SHARED_KEYS.includes(key)));
}

function withoutNull(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));
}

function checkConfig(config: Qwen25Config, where: string): void {
  const { vision } = config;
  const sections = config.rotaryAxes.length;
  const tokens = Object.values(config.tokens).flat();
  const rules: [boolean, string][] = [
    [Number.isInteger(config.headSize), "hidden_size is not a multiple of num_attention_heads"],
    [
      config.heads % config.keyValueHeads === 0,
      "num_attention_heads is not a multiple of num_key_value_heads",
    ],
    [2 * sections === config.headSize, `mrope_section sums to ${sections}, expected ${config.headSize / 2}`],
    [vision.hiddenSize % (4 * vision.heads) === 0, "the vision head size is not a multiple of 4"],
    [vision.outHiddenSize === config.hiddenSize, "vision out_hidden_size differs from hidden_size"],
    [
      vision.windowSize % (vision.patchSize * vision.spatialMergeSize) === 0,
      "window_size is not a multiple of patch_size × spatial_merge_size",
    ],
    [tokens.every((id) => id < config.vocabSize), "a special token's id is not below vocab_size"],
  ];
  const broken = rules.filter(([isKept]) => !isKept).map(([, message]) => message);
  if (broken.length > 0) throw new ModelError(`${where}: invalid config.json: ${broken.join("; ")}`);
}
