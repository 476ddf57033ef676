/**
 * @module Numbers of responses under prompts, token by token: the one forward pass that warm-up, old policy, update and
 * evaluation share.
 */
import { type Tensor, type TensorParams, tf } from "../../core/tf.js";
import type { Network } from "../../model/family.js";
import { type Sampler, temperedScores } from "../../model/transformer/decode.js";
import { decoder, embed, headName, type ImageTokens } from "../../model/transformer/decoder.js";
import { decoderParams } from "../../model/transformer/jointQkv.js";
import { param } from "../../model/transformer/layers.js";
import { type PackedUnits, sizesOf } from "../../model/transformer/pack.js";
import { pickLogProbs } from "../../model/transformer/pick.js";
import { attendSharedPrefix } from "../../model/transformer/prefix.js";
import { see } from "../../model/transformer/see.js";
import { fullKl } from "../../policy/kl.js";
import { chunkSizes, inChunks } from "./rowChunks.js";
import type { TokenNumbers } from "./tokenLoss.js";

/** Which numbers of each response token are wanted beside its log-probability. */
export interface WantedNumbers {
  readonly sampler: Sampler;
  readonly hasEntropies?: boolean;
  /** The policy that KL over the whole vocabulary is to. */
  readonly reference?: TensorParams | undefined;
  /** Scores that are held at once; default: rowChunks.ts. */
  readonly heldScores?: number | undefined;
}

/** `[U·R·T]` each, nats: of every response token at the sampler's temperature. Padding has numbers that mean nothing. */
export function tokenNumbers(
  params: TensorParams,
  network: Network,
  batch: PackedUnits,
  { sampler, hasEntropies = false, reference, heldScores }: WantedNumbers,
): TokenNumbers {
  const { config } = network;
  const head = headName(params, config);
  const labels = tf.reshape(batch.responseTokens, [-1]);
  const hidden = responseHidden(params, network, batch);
  const theirs = reference && responseHidden(reference, network, batch);
  const given = {
    rows: { hidden, labels, ...(theirs ? { theirs } : {}) },
    shared: param(params, head),
  };
  return inChunks(chunkSizes(labels.size, config.vocabSize, heldScores), given, (rows, weight) => {
    const scores = temperedScores({ [head]: weight }, config, rows.hidden, sampler);
    const logSoftmax = tf.logSoftmax(scores);
    const logProbs = pickLogProbs(scores, rows.labels);
    const entropies = hasEntropies ? { entropies: tokenEntropies(logSoftmax) } : {};
    if (!reference || !rows.theirs) return { logProbs, ...entropies };
    const reference_V = tf.logSoftmax(temperedScores(reference, config, rows.theirs, sampler));
    return { logProbs, ...entropies, fullKl: fullKl(logSoftmax, reference_V) };
  });
}

/** `[U, R, T]` f32: log π(token | prompt, tokens before), as in `tokenNumbers`. */
export function responseLogProbs(
  params: TensorParams,
  network: Network,
  batch: PackedUnits,
  wanted: WantedNumbers,
): Tensor {
  return tf.reshape(tokenNumbers(params, network, batch, wanted).logProbs, batch.responseTokens.shape);
}

/** `[N]` f32: entropy −Σ p·log p of each row's distribution, nats. Gradients flow through all of it. */
export function tokenEntropies(logSoftmax: Tensor): Tensor {
  return tf.neg(tf.sum(tf.mul(tf.exp(logSoftmax), logSoftmax), 1));
}

/** `[U·R·T, V]` f32: log π of every vocabulary entry at every response token, but for a constant per token. */
export function responseScores(
  params: TensorParams,
  network: Network,
  batch: PackedUnits,
  sampler: Sampler,
): Tensor {
  return temperedScores(params, network.config, responseHidden(params, network, batch), sampler);
}

/** `[U·R·T, hidden]` f32: what the head reads to predict each response token. */
function responseHidden(params: TensorParams, network: Network, batch: PackedUnits): Tensor {
  const { config } = network;
  const sizes = sizesOf(batch);
  const { U, P, R, T } = sizes;
  const tokens = tf.concat([
    tf.reshape(batch.promptTokens, [U * P]),
    tf.reshape(batch.responseTokens, [U * R * T]),
  ]);
  const image = batch.image && overAllTokens(see(params, network, batch.image), U * R * T);
  const embedded = embed(params, tokens, image);
  const attend = attendSharedPrefix(config, sizes, batch.promptMask);
  const hidden = decoder(decoderParams(params, config), config, embedded, batch.rope, attend);
  return tf.gather(hidden, batch.predictor);
}

/** Responses hold no images: pads the image index of the prompts with text up to the whole token axis. */
function overAllTokens(image: ImageTokens, extra: number): ImageTokens {
  return {
    ...image,
    index: tf.concat([image.index, tf.zeros([extra], "int32")]),
    isImage: tf.concat([image.isImage, tf.zeros([extra])]),
  };
}
