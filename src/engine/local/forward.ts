/**
 * @module Log-probabilities of responses under prompts: the one forward pass that warm-up, old policy, update and
 * evaluation share.
 */
import { type Tensor, type TensorParams, tf } from "../../core/tf.js";
import type { Network } from "../../model/family.js";
import { type Sampler, temperedScores } from "../../model/transformer/decode.js";
import { decoder, embed, type ImageTokens } from "../../model/transformer/decoder.js";
import { decoderParams } from "../../model/transformer/jointQkv.js";
import { type PackedUnits, sizesOf } from "../../model/transformer/pack.js";
import { pickLogProbs } from "../../model/transformer/pick.js";
import { attendSharedPrefix } from "../../model/transformer/prefix.js";
import { see } from "../../model/transformer/see.js";

/**
 * log π(token | prompt, tokens before) at the sampler's temperature, for every response token of a packed batch.
 * @returns `[U, R, T]` f32, in nats; padding holds numbers that mean nothing
 */
export function responseLogProbs(
  params: TensorParams,
  network: Network,
  batch: PackedUnits,
  sampler: Sampler,
): Tensor {
  return sampledLogProbs(responseScores(params, network, batch, sampler), batch);
}

/** `[U, R, T]` f32: of each token's scores `[U·R·T, V]`, the sampled token's log-probability. */
export function sampledLogProbs(scores: Tensor, batch: PackedUnits): Tensor {
  const { U, R, T } = sizesOf(batch);
  return tf.reshape(pickLogProbs(scores, tf.reshape(batch.responseTokens, [U * R * T])), [U, R, T]);
}

/** `[U, R, T]` f32: entropy −Σ p·log p of each token's distribution, nats. Gradients flow through all of it. */
export function tokenEntropies(logSoftmax: Tensor, batch: PackedUnits): Tensor {
  const { U, R, T } = sizesOf(batch);
  return tf.reshape(tf.neg(tf.sum(tf.mul(tf.exp(logSoftmax), logSoftmax), 1)), [U, R, T]);
}

/** `[U·R·T, V]` f32: log π of every vocabulary entry at every response token, but for a constant per token. */
export function responseScores(
  params: TensorParams,
  network: Network,
  batch: PackedUnits,
  sampler: Sampler,
): Tensor {
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
  return temperedScores(params, config, tf.gather(hidden, batch.predictor), sampler);
}

/** Responses hold no images: pads the image index of the prompts with text up to the whole token axis. */
function overAllTokens(image: ImageTokens, extra: number): ImageTokens {
  return {
    ...image,
    index: tf.concat([image.index, tf.zeros([extra], "int32")]),
    isImage: tf.concat([image.isImage, tf.zeros([extra])]),
  };
}
