/**
 * @module How much memory a policy needs, from its sizes alone: to answer, to train an adapter layer by layer, to train
 * all weights. What must stay in memory stands apart from file pages, which the system drops and reads again.
 *
 * Layer by layer, with the letters of memory.ts, b bytes per stored weight, P_L weights of the largest layer, S tokens
 * of one micro-batch, N response tokens, C vocabulary entries of a chunk, A numbers of the adapter, bytes:
 *
 *   layer      2·b·P_L + 4·P_L: two layers as they are read, one widened
 *   inputs     4·L·h · tokens that pass together, at most KEPT_BYTES and at least one micro-batch
 *   gradients  4·S·(13h + 8I) + 4·2·H·U·(P² + R·T·(P + T)): a layer and its gradient
 *   head       4·N·(4C + 3h) + (2b + 4)·C·h
 *   vision     4·n·(12hᵥ + 7Iᵥ) + 4·3·Hᵥ·n², one image at a time
 *   adapter    16·A: weights, gradients, two moments; 12·A more where a step takes several updates
 *   cache      8·L·K·D·(prompts · P + rows · T)
 *   scores     4·4 · rows · V
 *   packed     1.03 · weights of the decoder's layers and of the head, where rollouts read 8 bits
 *
 * The vision tower, an update and a rollout follow each other: the largest of the three counts. An idle process with its
 * graphs takes 0.15 GB. Predictions lie within 10 % of the measured peaks at 3B's and 7B's widths, of few layers and of all
 * (`tests/engine/local/memoryPlan.test.ts` has them).
 */
import type { Network } from "../../model/family.js";
import { adaptedModules, type LoraSpec } from "../../model/lora/spec.js";
import { countParams } from "../../model/params.js";
import { PROMPT_STEP, RESPONSE_STEP, roundUp } from "../../model/transformer/pack.js";
import { type CardNeed, type CardUse, planCard } from "./deviceMemoryPlan.js";
import { graphUnits } from "./graphUnits.js";
import { CHUNK } from "./layered/head.js";
import { KEPT_BYTES } from "./layered/passes.js";
import { PROCESS_BYTES, predictStepMemory, type StepSizes } from "./memory.js";

/** What a policy can be wanted for. */
export const PLAN_MODES = ["inference", "lora", "full"] as const;
/** What a policy is wanted for: to answer, to train an adapter, to train all weights. */
export type PlanMode = (typeof PLAN_MODES)[number];

/** Sizes of a step. */
export interface PlanSizes extends StepSizes {
  /** Responses decoded at once. */
  readonly rows: number;
  /** Prompts that are read in one update. */
  readonly readings: number;
  /** Updates of a step: with more than one, the weights before the first are kept. */
  readonly updates: number;
}

/** Bytes. */
export interface MemoryNeed {
  /** Of a card; absent where graphs run on the processor. */
  readonly card?: CardNeed;
  /** What must be in the host's memory at the peak. */
  readonly anonymous: number;
  /** Pages of weight files: as many as there is room for; fewer are read again and again. */
  readonly mapped: number;
}

/** What each use of a policy needs. */
export type MemoryPlan = Readonly<Record<PlanMode, MemoryNeed>>;

export interface PlanRequest {
  readonly sizes: PlanSizes;
  readonly lora: LoraSpec;
  /** Of one weight as it is stored. Default: 2, bfloat16. */
  readonly weightBytes?: number;
  /** Whether an adapter's rollouts read weights of 8 bits (`rollout.weights=int8`). Default: false. */
  readonly packsRollouts?: boolean;
  /** Where graphs run on a card: how. */
  readonly card?: CardUse | undefined;
}

/** What a process takes beside the parts: Node, ONNX Runtime, graphs of all kinds of layers. */
const LAYERED_PROCESS_BYTES = 0.15e9;

/** Numbers of an adapter. */
export function adapterSize(network: Network, spec: LoraSpec): number {
  return adaptedModules(network, spec).reduce(
    (sum, { rank, inputs, outputs }) => sum + rank * (inputs + outputs),
    0,
  );
}

/** Keys, values and scores of responses being decoded. */
function rolloutBytes({ config }: Network, { rows, responses, ...sizes }: PlanSizes): number {
  const { layers, keyValueHeads, headSize, vocabSize } = config;
  const prompts = Math.ceil(rows / responses);
  const tokens = prompts * sizes.promptTokens + rows * sizes.responseTokens;
  return 8 * layers * keyValueHeads * headSize * tokens + 16 * rows * vocabSize;
}

function visionBytes({ config: { vision } }: Network, { patchesPerImage: n }: StepSizes): number {
  const { hiddenSize, intermediateSize, heads } = vision;
  return 4 * n * (12 * hiddenSize + 7 * intermediateSize) + 12 * heads * n * n;
}

/** A micro-batch of an update, layer by layer. */
function updateBytes({ config }: Network, sizes: PlanSizes, weightBytes: number): number {
  const { layers: L, hiddenSize: h, intermediateSize: I, heads: H } = config;
  const { units: U, responses: R, readings } = sizes;
  const P = roundUp(sizes.promptTokens, PROMPT_STEP);
  const T = roundUp(sizes.responseTokens, RESPONSE_STEP);
  const S = U * (P + R * T);
  const N = U * R * T;
  const passing = Math.max(S, Math.min((readings / U) * S, KEPT_BYTES / (4 * L * h)));
  const inputs = 4 * L * h * passing;
  const gradients = 4 * S * (13 * h + 8 * I) + 8 * H * U * (P * P + R * T * (P + T));
  const head = 4 * N * (4 * CHUNK + 3 * h) + (2 * weightBytes + 4) * CHUNK * h;
  return inputs + Math.max(gradients, head);
}

/** 8 bits and a scale for each 128 weights, laid out for the processor: kept as long as the engine. */
function packedBytes(network: Network): number {
  const { vocabSize, hiddenSize } = network.config;
  return 1.03 * (countParams(network, "model.layers.") + vocabSize * hiddenSize);
}

/** What each use needs. Pure: reads no file and asks no machine. */
export function planMemory(network: Network, request: PlanRequest): MemoryPlan {
  const { sizes, lora, weightBytes = 2, packsRollouts = false, card } = request;
  const file = weightBytes * countParams(network);
  const perLayer = Math.max(
    countParams(network, "model.layers.0."),
    countParams(network, "visual.blocks.0."),
  );
  const rollouts = rolloutBytes(network, sizes);
  const vision = visionBytes(network, sizes);
  const streamed = (2 * weightBytes + 4) * perLayer;
  const adapter = (sizes.updates > 1 ? 28 : 16) * adapterSize(network, lora);
  const update = updateBytes(network, sizes, weightBytes);
  const packed = packsRollouts ? packedBytes(network) : 0;
  const held = LAYERED_PROCESS_BYTES + streamed + adapter + packed;
  const plan = {
    inference: { anonymous: PROCESS_BYTES + 4 * countParams(network) + rollouts + vision, mapped: file },
    lora: { anonymous: held + Math.max(vision, update, rollouts), mapped: file },
    full: {
      anonymous: predictStepMemory(network, { ...sizes, units: graphUnits(sizes) }).total,
      mapped: file,
    },
  };
  if (!card) return plan;
  const layer = { weights: (weightBytes + 4) * perLayer, update: Math.max(update, vision), rollouts };
  const onCard = planCard(network, sizes, card, layer);
  // Weights as they are read and as checkpoints are written, with both moments; what is computed is on the card.
  const host = PROCESS_BYTES + 4 * countParams(network);
  const moments = 2 * onCard.full.gradients;
  return {
    inference: { anonymous: host, mapped: file, card: onCard.inference },
    lora: { ...plan.lora, card: onCard.lora },
    full: { anonymous: host + moments, mapped: file, card: onCard.full },
  };
}
