/**
 * @module How much memory of a card a policy needs, from its sizes alone, for each use; the host's is in memoryPlan.ts,
 * whose letters are used here. Bytes:
 *
 *   parameters  4 · all, once more for a reference policy, and for what a step of several updates goes back to
 *   moments     8 · trained, twice where they are kept so
 *   gradients   4 · trained
 *   update      what memory.ts counts of tokens, attention, head and vision, the whole micro-batch in one graph
 *   rollouts    keys, values and scores, and what samples: queries, keys and values joined, or bfloat16 of every matrix
 *   context     1 GB: CUDA's, cuBLAS's and the provider's code
 *
 * An adapter is trained layer by layer with weights on the host: the card has the layers that are being computed. Every
 * graph keeps what it has once taken, so that update and rollouts add up. Activations count as float32 whatever products
 * compute with. No card has measured these sums; parameters, moments and gradients are what is placed, to the byte.
 */
import type { Precision } from "../../compile/runtime/session.js";
import type { Network } from "../../model/family.js";
import { countParams } from "../../model/params.js";
import { predictStepMemory, type StepSizes } from "./memory.js";
import type { Frozen } from "./settings.js";

/** How a card is used. */
export interface CardUse {
  readonly precision: Precision;
  readonly keepsReference: boolean;
  readonly frozen?: Frozen | undefined;
}

/** What a card's memory is needed for, in the order that tables have. */
export const CARD_PARTS = ["parameters", "moments", "gradients", "update", "rollouts", "context"] as const;

/** Bytes of a card, by what needs them. */
export type CardNeed = Readonly<Record<(typeof CARD_PARTS)[number], number>>;

export function cardTotal(need: CardNeed): number {
  return CARD_PARTS.reduce((sum, part) => sum + need[part], 0);
}

const CONTEXT_BYTES = 1e9;

/** Parameters that training changes. */
function trainedParams(network: Network, frozen: Frozen | undefined): number {
  const vision = countParams(network, "visual.");
  const all = countParams(network);
  if (frozen === undefined) return all;
  return frozen === "vision" ? all - vision : vision;
}

/** What samples, beside the parameters it is made of. */
function samplingBytes(network: Network, precision: Precision): number {
  const { layers, heads, keyValueHeads, headSize, hiddenSize, vocabSize } = network.config;
  if (precision === "bf16") return 2 * (countParams(network) + vocabSize * hiddenSize);
  return 4 * layers * (heads + 2 * keyValueHeads) * headSize * hiddenSize;
}

/** What a card holds while an adapter is trained, layer by layer. */
export interface LayerBytes {
  /** A layer's weights, stored and widened. */
  readonly weights: number;
  /** Its gradient, or the head's, of a micro-batch. */
  readonly update: number;
  /** Of rollouts, all layers. */
  readonly rollouts: number;
}

/** What each use needs of a card. Pure: asks no machine. */
export function planCard(
  network: Network,
  sizes: StepSizes & { readonly updates: number },
  { precision, keepsReference, frozen }: CardUse,
  { weights, update, rollouts }: LayerBytes,
): Readonly<Record<"inference" | "lora" | "full", CardNeed>> {
  const all = countParams(network);
  const trained = trainedParams(network, frozen);
  const goesBack = sizes.updates > 1;
  const step = predictStepMemory(network, sizes);
  const sampling = samplingBytes(network, precision) + rollouts;
  const none = { parameters: 0, moments: 0, gradients: 0, update: 0, rollouts: 0, context: CONTEXT_BYTES };
  return {
    inference: { ...none, parameters: 4 * all, rollouts: sampling },
    // Forward and gradient are two graphs.
    lora: { ...none, parameters: 2 * weights, update, rollouts },
    full: {
      ...none,
      parameters: 4 * (all + (keepsReference ? trained : 0) + (goesBack ? trained : 0)),
      moments: (goesBack ? 16 : 8) * trained,
      gradients: 4 * trained,
      update: step.tokens + step.attention + step.head + step.vision,
      rollouts: sampling,
    },
  };
}
