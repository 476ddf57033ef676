/**
 * @module A model family: what differs between Qwen2.5-VL and its successors, and nothing that does not. Everything
 * else (attention, layers, cache, packing, M-RoPE) is `transformer/`, which knows no family.
 *
 * A family adds a folder with one `Family` and a line in families.ts.
 */
import type { NdArray } from "../core/ndarray.js";
import type { Tensor, TensorParams } from "../core/tf.js";
import type { ImagePatches } from "./imageProcessor.js";
import type { ModelConfig } from "./modelConfig.js";
import type { Rotation } from "./transformer/rope.js";

/** What a vision tower reads, by name; `Array` is NdArray on the host and Tensor inside a compiled function. */
export type VisionInputs<Array = Tensor> = {
  /** `[S, patchDim]` f32: patches in their slots */
  readonly patches: Array;
  /** `[S, D]` f32: rotary tables of the slots */
  readonly cos: Array;
  /** `[S, D]` f32 */
  readonly sin: Array;
} & { readonly [name: string]: Array };

/** Images laid out for a vision tower. */
export interface ImageLayout {
  readonly inputs: VisionInputs<NdArray>;
  /** `rows[image][n]`: the row of the tower's output for an image's n-th token in reading order. */
  readonly rows: readonly (readonly number[])[];
}

/** What a block of the vision tower reads beside hidden states. */
export interface BlockInputs {
  readonly turn: Rotation;
  /** `[B, S/B]` f32: slots attend within B groups of consecutive ones; added to the scores of a key */
  readonly mask: Tensor;
}

/** The vision tower in the pieces that are compiled one at a time where memory is short. */
export interface VisionTower<Config extends ModelConfig = ModelConfig> {
  /** Patches to hidden states. @returns `[S, C]` */
  embed(params: TensorParams, config: Config, inputs: VisionInputs): Tensor;
  /** Which of the inputs is a block's mask. */
  maskName(config: Config, block: number): string;
  /**
   * One block.
   * @param weights the block's parameters, by their names after `visual.blocks.N.`
   * @param x `[S, C]` f32
   * @returns `[S, C]`
   */
  block(weights: TensorParams, config: Config, x: Tensor, inputs: BlockInputs): Tensor;
  /** Hidden states after the last block to one row per token. @returns `[S / merge², hidden]` */
  merge(params: TensorParams, config: Config, x: Tensor): Tensor;
  /**
   * DeepStack: rows read off after some blocks, like those of `merge`. The n-th ones are added to image tokens after
   * the decoder's n-th layer.
   */
  readonly deep?: {
    /** After which blocks. */
    blocks(config: Config): readonly number[];
    /** @param level which of those blocks `x` comes from, counted from 0 */
    merge(params: TensorParams, config: Config, level: number, x: Tensor): Tensor;
  };
}

/** `Config` is the family's own: the shared sizes and what only its tower reads. */
export interface Family<Config extends ModelConfig = ModelConfig> {
  /** `model_type` of config.json. */
  readonly modelType: string;
  /** @throws ModelError naming `where` and every field that is wrong */
  parseConfig(json: unknown, where: string): Config;
  /** Every parameter's shape under our name for it; a weight matrix is `[out, in]`. */
  shapes(config: Config): Readonly<Record<string, readonly number[]>>;
  /** Our name for a checkpoint's parameter; undefined where it is not needed. */
  rename(name: string, config: Config): string | undefined;
  /** The name that published checkpoints, and so ours, have for one of our parameters. */
  publishedName(name: string): string;
  /**
   * Slots, masks and tables of images, on the host.
   * @param minPatches lay out at least as much room per image: a larger bucket needs fewer graphs
   */
  layOut(images: readonly ImagePatches[], config: Config, minPatches: number): ImageLayout;
  readonly tower: VisionTower<Config>;
}

/** A family with the sizes of one model of it. */
export interface Network {
  readonly family: Family;
  readonly config: ModelConfig;
}
