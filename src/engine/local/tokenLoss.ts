/**
 * @module The loss of a micro-batch from what is known of its tokens: surrogate + β·KL − c·entropy, the last two only
 * where asked for. However those numbers were computed, this is the loss.
 */
import type { KlTerm } from "../../config/schema.js";
import { invariant } from "../../core/errors.js";
import { type Tensor, tf } from "../../core/tf.js";
import { type PackedUnits, sizesOf } from "../../model/transformer/pack.js";
import { klLoss, klPerToken } from "../../policy/kl.js";
import { stopGradient } from "../../policy/stopGradient.js";
import { surrogateLoss } from "../../policy/surrogate.js";
import type { LossSettings } from "../engine.js";
import type { LossBatch } from "./lossBatch.js";

/** The KL term of a loss; what it is multiplied by is an input. */
export type KlForm = KlTerm | "none";

/** What is compiled into a loss. */
export type LossForm = Omit<LossSettings, "kl" | "temperature">;

/** Of every response token, in any shape of U·R·T numbers. */
export interface TokenNumbers {
  /** log π of the sampled token, nats. */
  readonly logProbs: Tensor;
  /** Entropy of the token's distribution; where the loss has an entropy term. */
  readonly entropies?: Tensor | undefined;
  /** KL over the whole vocabulary; where the loss has that term. */
  readonly fullKl?: Tensor | undefined;
}

/** What the loss reads of a batch. */
export type TokenLossBatch = Omit<LossBatch, "packed"> & {
  readonly packed: Pick<PackedUnits, "promptTokens" | "responseTokens" | "responseMask">;
};

const masked = (x: Tensor, mask: Tensor): Tensor => tf.sum(tf.mul(x, mask));

/** The KL term from sampled tokens. */
function estimatedKl(logProbs: Tensor, referenceLogProbs: Tensor | undefined, form: KlForm): Tensor {
  invariant(form !== "full", "KL full: the loss reads the reference policy");
  invariant(form !== "none" && referenceLogProbs, "KL: every lesson has the reference policy's log-probs");
  return klPerToken(logProbs, referenceLogProbs, form);
}

/** @returns the loss, and sums over tokens to be added up over micro-batches */
export function tokenLoss({ entropyCoefficient, ...options }: LossForm, klForm: KlForm) {
  return (found: TokenNumbers, batch: TokenLossBatch) => {
    const { U, R, T } = sizesOf(batch.packed);
    const rows = (x: Tensor) => tf.reshape(x, [U * R, -1]);
    const tokens = (x: Tensor) => tf.reshape(x, [U * R, T]);
    const logProbs = tokens(found.logProbs);
    const mask = rows(batch.packed.responseMask);
    const scale = rows(batch.scale);
    const ownPast = tf.mul(rows(batch.isOnPolicy), stopGradient(logProbs));
    const oldLogProbs = tf.add(tokens(batch.oldLogProbs), ownPast);
    const surrogate = surrogateLoss(
      { logProbs, oldLogProbs, advantages: rows(batch.advantages), mask, scale },
      options,
    );
    let { loss } = surrogate;
    const aux: Record<string, Tensor> = { ...surrogate.stats, loss };
    if (batch.kl) {
      const { referenceLogProbs, coefficient } = batch.kl;
      const kl = found.fullKl
        ? tokens(found.fullKl)
        : estimatedKl(logProbs, referenceLogProbs && tokens(referenceLogProbs), klForm);
      loss = tf.add(loss, klLoss(kl, { mask, scale, coefficient }));
      aux["referenceKlSum"] = masked(kl, mask);
    }
    if (entropyCoefficient > 0) {
      invariant(found.entropies, "entropy term: the entropies of all tokens");
      const entropies = tokens(found.entropies);
      const bonus = tf.sum(tf.mul(tf.mul(entropies, mask), scale));
      loss = tf.sub(loss, tf.mul(bonus, entropyCoefficient));
      aux["fullEntropySum"] = masked(entropies, mask);
    }
    return { loss, aux };
  };
}
