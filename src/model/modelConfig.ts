/**
 * @module The sizes of a vision-language model that its family does not change the meaning of: what the shared layers,
 * packing, the cache and the memory prediction read.
 */

/** Sizes of the decoder. */
export interface DecoderSizes {
  readonly layers: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly intermediateSize: number;
  readonly vocabSize: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  /** `[headSize / 2]` Which position turns each rotary frequency: 0 time, 1 height, 2 width. */
  readonly rotaryAxes: readonly number[];
  readonly tieWordEmbeddings: boolean;
}

/** Sizes of the vision tower. */
export interface VisionSizes {
  readonly depth: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly intermediateSize: number;
  /** Pixels. */
  readonly patchSize: number;
  /** Frames. */
  readonly temporalPatchSize: number;
  /** Patches on a side of what becomes one token. */
  readonly spatialMergeSize: number;
  readonly inChannels: number;
  /** The decoder's hidden size. */
  readonly outHiddenSize: number;
  readonly ropeTheta: number;
  /** Blocks in which a patch sees its whole image. */
  readonly fullAttentionLayers: readonly number[];
}

/** Ids that mean something to the network. */
export interface SpecialTokens {
  readonly image: number;
  readonly visionStart: number;
  readonly visionEnd: number;
  readonly video: number;
  /** Tokens that end a response. */
  readonly eos: readonly number[];
  readonly pad: number;
  readonly bos?: number;
}

export interface ModelConfig extends DecoderSizes {
  readonly tokens: SpecialTokens;
  readonly vision: VisionSizes;
}
