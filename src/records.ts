/**
 * @module The nouns of Share-GRPO, in the order one question meets them:
 * question → variants → responses → rewards → advantages → pairs → update.
 *
 * Indices are the paper's: i = rollout, j = the variant that produced a response, k = the variant whose
 * prompt it is read under; m variants per question, n responses per variant.
 */

/** Where an image comes from. Images are kept by reference where possible and decoded when needed. */
export type ImageSource =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "path"; readonly path: string };

/** Pixels of an image, upright. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** A piece of a prompt: tokens, or an image with the size it is shown at and how many tokens it takes. */
export type PromptPiece =
  | { readonly kind: "tokens"; readonly tokens: Int32Array }
  | {
      readonly kind: "image";
      readonly image: ImageSource;
      /** SHA-256 of the image's bytes, or of its path: the same image has the same digest. */
      readonly digest: string;
      readonly size: ImageSize;
      readonly tokens: number;
    };

/** A variant as every engine is asked it, the assistant's turn begun. Patches are made where the network is. */
export interface Prompt {
  /** Digest of the pieces: an engine that keeps prompts knows it again. */
  readonly id: string;
  /** What messages call it: `"question 12, variant 1"`. */
  readonly name: string;
  readonly pieces: readonly PromptPiece[];
}

/** A question as the data set states it. */
export interface Question {
  /** Unique within its data set; keys all randomness that concerns this question. */
  readonly id: string;
  /** The words, with one `<image>` marker per image. */
  readonly text: string;
  readonly images: readonly ImageSource[];
  /** The data set's answer. */
  readonly gold: string;
  /** Offline rewrites: the same question in other words (Eq. 3); same number of `<image>` markers as `text`. */
  readonly rewrites: readonly string[];
  /** What kind of question it is, for reports; for drawn scenes the family's name. */
  readonly category: string;
  /**
   * Image transforms that this question does not survive even with guidance
   * (empty: every transform keeps the answer).
   */
  readonly forbiddenTransforms?: readonly TransformName[];
  /** All columns of its row but the images, as the file holds them: for custom rewards. */
  readonly columns?: Readonly<Record<string, unknown>>;
}

/** The nine online image transforms of the released code (spec §2.2). */
export const TRANSFORMS = [
  "rotate_90cw",
  "rotate_90ccw",
  "rotate_180cw",
  "gaussian_noise_mean0_std10",
  "gaussian_noise_mean0_std25",
  "gaussian_noise_mean0_std50",
  "vertically_flipped",
  "horizontally_flipped",
  "horizontally_vertically_flipped",
] as const;
/** The name of an image transform. */
export type TransformName = (typeof TRANSFORMS)[number];

/** One way to ask a question: other words (Eq. 3) and, with some probability, another view of its images (Eq. 4). */
export interface Variant {
  readonly questionId: string;
  /** j or k: 0 … m−1. */
  readonly index: number;
  /** `"original"`, or which entry of `Question.rewrites` the words come from. */
  readonly wording: "original" | number;
  readonly transform: TransformName | "none";
  /** The words with guidance sentence and format prompt included; `<image>` markers kept. */
  readonly text: string;
  readonly images: readonly ImageSource[];
}

/** Why sampling stopped: an end token, or the length limit (a truncated response). */
export type StopReason = "eos" | "length";

/** A response as sampled: its tokens and what the policy thought of each. */
export interface Rollout {
  /** Response tokens; the end token is included when `stopReason` is `"eos"`. Never empty. */
  readonly tokens: Int32Array;
  /** log π(token | …) at sampling temperature, natural log, one per token. */
  readonly logProbs: Float32Array;
  readonly stopReason: StopReason;
  /** Optimizer steps that the weights had seen which sampled it; where the engine says so. */
  readonly policyStep?: number;
}

/** What the grader read out of a response. */
export type Extracted =
  | { readonly kind: "answer"; readonly text: string }
  | { readonly kind: "none"; readonly reason: string };

/** Reward of one response: `overall = (1 − w)·accuracy + w·format` with parts 0 or 1; a custom reward is free in all three. */
export interface Reward {
  readonly overall: number;
  readonly accuracy: number;
  readonly format: number;
  readonly extracted: Extracted;
  /** Why the grader decided as it did, in a few words. */
  readonly reason: string;
  /** What else a custom reward measured, by name; logged with the response. */
  readonly parts?: Readonly<Record<string, number>>;
}

/** A response with everything known about it before the update: sampled from variant j as its i-th. */
export interface Response {
  readonly questionId: string;
  readonly j: number;
  readonly i: number;
  /** Decoded text, special tokens skipped. */
  readonly text: string;
  readonly rollout: Rollout;
  readonly reward: Reward;
}

/** Response (j, i) read under the prompt of variant k, with its advantage A_{i,j,k} (Eq. 7). */
export interface Pair {
  readonly j: number;
  readonly k: number;
  readonly i: number;
  readonly advantage: number;
}

/** Everything one question contributes to an update: its variants, their responses, and the pairs. */
export interface QuestionGroup {
  readonly question: Question;
  /** [M] */
  readonly variants: readonly Variant[];
  /** [M][N]: `responses[j][i]`. */
  readonly responses: readonly (readonly Response[])[];
  /** M·M·N pairs, prompt k slowest, then source j, then rollout i: row = (k·m + j)·n + i. */
  readonly pairs: readonly Pair[];
}
