/**
 * @module What the config.json of all families has in common: the decoder's sizes and special tokens, flat or with a
 * `text_config` inside, and the rules they keep.
 */
import { z } from "zod";
import { ModelError } from "../core/errors.js";
import type { DecoderSizes, ModelConfig, SpecialTokens, VisionSizes } from "./modelConfig.js";

/** A size. */
export const count = z.int().positive();
const token = z.int().nonnegative();

/** What `vision_config` says in every family; a family gives its own defaults and fields. */
export const visionShape = z.object({
  depth: count,
  hidden_size: count,
  num_heads: count.default(16),
  intermediate_size: count,
  out_hidden_size: count,
  patch_size: count,
  temporal_patch_size: count.default(2),
  spatial_merge_size: count.default(2),
  rope_parameters: z.object({ rope_theta: z.number().positive().optional() }).nullish(),
});

/** The sizes that `visionShape` speaks of. */
export function sharedVisionSizes(
  vision: z.infer<typeof visionShape>,
): Omit<VisionSizes, "fullAttentionLayers" | "inChannels"> {
  return {
    depth: vision.depth,
    hiddenSize: vision.hidden_size,
    heads: vision.num_heads,
    intermediateSize: vision.intermediate_size,
    patchSize: vision.patch_size,
    temporalPatchSize: vision.temporal_patch_size,
    spatialMergeSize: vision.spatial_merge_size,
    outHiddenSize: vision.out_hidden_size,
    ropeTheta: vision.rope_parameters?.rope_theta ?? 10_000,
  };
}

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
  head_dim: count.nullish(),
  vocab_size: count,
  hidden_act: z.literal("silu").default("silu"),
  rms_norm_eps: z.number().positive().default(1e-6),
  rope_theta: z.number().positive().optional(),
  rope_scaling: ropeSchema.nullish(),
  rope_parameters: ropeSchema.nullish(),
  use_sliding_window: z.literal(false).nullish(),
  attention_bias: z.literal(false).nullish(),
  tie_word_embeddings: z.boolean().optional(),
  bos_token_id: token.nullish(),
  eos_token_id: z.union([token, z.array(token)]).nullish(),
  pad_token_id: token.nullish(),
});

const fileSchema = z.object({
  text_config: z.record(z.string(), z.unknown()).nullish(),
  image_token_id: token,
  video_token_id: token,
  vision_start_token_id: token,
  vision_end_token_id: token,
  tie_word_embeddings: z.boolean().optional(),
});

/** What a family's config.json says beside the shared fields, and what it means. */
export interface ConfigKind<Schema extends z.ZodType> {
  /** The family as messages call it. */
  readonly name: string;
  readonly modelType: string;
  /** Schema of `vision_config`. */
  readonly vision: Schema;
  /** Where the file says nothing. */
  readonly defaults: { readonly ropeTheta: number; readonly sections: readonly number[] };
  /** How many rotary frequencies belong to time, height and width → which axis turns each of them. */
  rotaryAxes(sections: readonly number[]): number[];
}

/** The shared part of a config, and `vision_config` as the family's schema reads it. */
export interface ConfigParts<Vision> {
  readonly shared: DecoderSizes & { readonly tokens: SpecialTokens };
  readonly vision: Vision;
}

/**
 * @param json the parsed file
 * @param where the file's path, for messages
 * @throws ModelError when a field is missing or of the wrong kind
 */
export function readConfig<Schema extends z.ZodType>(
  json: unknown,
  where: string,
  kind: ConfigKind<Schema>,
): ConfigParts<z.infer<Schema>> {
  const vision: z.ZodType = kind.vision;
  const whole = fileSchema.extend({ model_type: z.literal(kind.modelType), vision_config: vision });
  const file = parsePart(whole, json, `${where}: not a ${kind.name} config.json`);
  const nested = file.text_config ?? undefined;
  const inside = nested ? `${where}: text_config` : where;
  // Either level may hold the token ids and the tie: the nested one wins where it says something.
  const merged = nested ? { ...outer(json), ...withoutNull(nested) } : json;
  const text = parsePart(textSchema, merged, `${inside}: not a ${kind.name} config.json`);
  const rope = { ...text.rope_scaling, ...text.rope_parameters };
  const ropeType = rope.rope_type ?? rope.type ?? "default";
  if (ropeType !== "default" && ropeType !== "mrope") {
    throw new ModelError(`${inside}: unsupported rope type: ${ropeType}; only plain M-RoPE is implemented`);
  }
  const shared = {
    hiddenSize: text.hidden_size,
    layers: text.num_hidden_layers,
    heads: text.num_attention_heads,
    keyValueHeads: text.num_key_value_heads ?? text.num_attention_heads,
    headSize: text.head_dim ?? text.hidden_size / text.num_attention_heads,
    intermediateSize: text.intermediate_size,
    vocabSize: text.vocab_size,
    rmsNormEps: text.rms_norm_eps,
    ropeTheta: rope.rope_theta ?? text.rope_theta ?? kind.defaults.ropeTheta,
    rotaryAxes: kind.rotaryAxes(rope.mrope_section ?? kind.defaults.sections),
    tieWordEmbeddings: (file.tie_word_embeddings ?? false) || (text.tie_word_embeddings ?? false),
    tokens: specialTokens(file, text),
  };
  return { shared, vision: file.vision_config as z.infer<Schema> };
}

function specialTokens(file: z.infer<typeof fileSchema>, text: z.infer<typeof textSchema>): SpecialTokens {
  const eos = [text.eos_token_id ?? []].flat();
  const bos = text.bos_token_id ?? undefined;
  return {
    image: file.image_token_id,
    visionStart: file.vision_start_token_id,
    visionEnd: file.vision_end_token_id,
    video: file.video_token_id,
    eos,
    pad: text.pad_token_id ?? bos ?? eos[0] ?? 0,
    ...(bos === undefined ? {} : { bos }),
  };
}

function parsePart<Schema extends z.ZodType>(schema: Schema, json: unknown, what: string): z.infer<Schema> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "file"}: ${issue.message}`);
  throw new ModelError(`${what}: ${problems.join("; ")}`);
}

const SHARED_KEYS = ["bos_token_id", "eos_token_id", "pad_token_id", "rope_theta", "rope_scaling"];

function outer(json: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(json as object).filter(([key]) => SHARED_KEYS.includes(key)));
}

function withoutNull(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));
}

/** A rule, and what is wrong where it is not kept. */
export type Rule = readonly [isKept: boolean, message: string];

/**
 * @param own the family's own rules
 * @throws ModelError when fields contradict one another
 */
export function checkConfig(config: ModelConfig, where: string, own: readonly Rule[]): void {
  const broken = [...sharedRules(config), ...own].filter(([isKept]) => !isKept).map(([, message]) => message);
  if (broken.length > 0) throw new ModelError(`${where}: invalid config.json: ${broken.join("; ")}`);
}

function sharedRules(config: ModelConfig): Rule[] {
  const { vision }: { readonly vision: VisionSizes } = config;
  const sections = config.rotaryAxes.length;
  const tokens = Object.values(config.tokens).flat();
  return [
    [Number.isInteger(config.headSize), "hidden_size is not a multiple of num_attention_heads"],
    [
      config.heads % config.keyValueHeads === 0,
      "num_attention_heads is not a multiple of num_key_value_heads",
    ],
    [2 * sections === config.headSize, `mrope_section sums to ${sections}, expected ${config.headSize / 2}`],
    [vision.hiddenSize % (4 * vision.heads) === 0, "the vision head size is not a multiple of 4"],
    [vision.outHiddenSize === config.hiddenSize, "vision out_hidden_size differs from hidden_size"],
    [tokens.every((id) => id < config.vocabSize), "a special token's id is not below vocab_size"],
  ];
}
