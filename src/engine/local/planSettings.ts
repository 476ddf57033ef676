/**
 * @module A run's settings as a memory plan: what they need, whether that fits, and the nearest settings that do.
 */
import { sharesResponses } from "../../advantage/estimate.js";
import type { CardMemory } from "../../compile/runtime/trial.js";
import type { RunConfig } from "../../config/schema.js";
import type { MachineMemory } from "../../core/machineMemory.js";
import { formatBytes, formatTable, MISSING } from "../../core/table.js";
import type { Network } from "../../model/family.js";
import { CARD_PARTS, type CardUse, cardTotal } from "./deviceMemoryPlan.js";
import {
  type MemoryNeed,
  type MemoryPlan,
  PLAN_MODES,
  type PlanMode,
  type PlanSizes,
  planMemory,
} from "./memoryPlan.js";

/** Lengths of the questions that a run asks. */
export type PromptSizes = Pick<PlanSizes, "promptTokens" | "images" | "patchesPerImage">;

type Planned = Pick<RunConfig, "expand" | "rollout" | "update" | "train" | "lora" | "kl" | "engine">;

/** A model whose memory is planned. */
export interface PlannedModel {
  readonly network: Network;
  readonly prompts: PromptSizes;
  /** Of one weight as it is stored. */
  readonly weightBytes?: number;
}

/** A rank to show what an adapter needs where the settings have none. */
const USUAL_RANK = 16;

/** Sizes of a step with these settings. */
export function planSizes({ expand, rollout, update, train }: Planned, prompts: PromptSizes): PlanSizes {
  const readings = (train.questionsPerStep * expand.variants) / update.optimizerStepsPerRollout;
  return {
    ...prompts,
    units: Math.min(update.microBatchUnits, Math.ceil(readings)),
    responses: rollout.responses * (sharesResponses(update.algorithm) ? expand.variants : 1),
    responseTokens: rollout.maxResponseLength,
    rows: Math.min(rollout.maxRows, train.questionsPerStep * expand.variants * rollout.responses),
    readings: Math.ceil(readings),
    updates: update.optimizerStepsPerRollout * update.epochs,
  };
}

/** How the settings use a card, where graphs run on one. */
function cardUse({ engine: { device, precision }, kl, update: { frozen } }: Planned): CardUse | undefined {
  if (device !== "cuda") return undefined;
  return { precision, keepsReference: kl.use !== "off", frozen: frozen === "none" ? undefined : frozen };
}

/** What there is to plan with. */
export interface Machine extends MachineMemory {
  /** The card that graphs run on; absent: not asked for. */
  readonly card?: CardMemory | undefined;
}

type Room = Pick<Machine, "available" | "card">;

/** Whether a need can be met. */
export function fitsIn({ anonymous, card: needed }: MemoryNeed, { available, card }: Room): boolean {
  return anonymous <= available && (!needed || !card || cardTotal(needed) <= card.free);
}

/** What the settings need, in each mode. */
export function planOf(config: Planned, { network, prompts, weightBytes }: PlannedModel): MemoryPlan {
  const lora = { ...config.lora, rank: config.lora.rank > 0 ? config.lora.rank : USUAL_RANK };
  const packsRollouts = config.rollout.weights === "int8";
  const request = { sizes: planSizes(config, prompts), lora, packsRollouts, card: cardUse(config) };
  return planMemory(network, weightBytes === undefined ? request : { ...request, weightBytes });
}

/** What the settings train. */
export function modeOf({ lora }: Pick<RunConfig, "lora">): PlanMode {
  return lora.rank > 0 ? "lora" : "full";
}

/** A setting that can be halved. */
interface Change {
  readonly key: string;
  readonly value: (config: Planned) => number;
  readonly least: number;
  readonly set: (config: Planned, value: number) => Planned;
}

const half = (value: number) => Math.floor(value / 2);

/** What is given up first stands first: these change no result but for rounding … */
const CHANGES: readonly Change[] = [
  {
    key: "update.microBatchUnits",
    value: ({ update }) => update.microBatchUnits,
    least: 1,
    set: (config, value) => ({ ...config, update: { ...config.update, microBatchUnits: value } }),
  },
  {
    key: "rollout.maxRows",
    value: ({ rollout }) => rollout.maxRows,
    least: 1,
    set: (config, value) => ({ ...config, rollout: { ...config.rollout, maxRows: value } }),
  },
  // … and this one does.
  {
    key: "rollout.maxResponseLength",
    value: ({ rollout }) => rollout.maxResponseLength,
    least: 16,
    set: (config, value) => ({ ...config, rollout: { ...config.rollout, maxResponseLength: value } }),
  },
];

/** Halves one setting after the other until the plan fits. */
function shrunk(config: Planned, fits: (config: Planned) => boolean): Planned | undefined {
  let now = config;
  for (const { value, least, set } of CHANGES) {
    while (!fits(now) && half(value(now)) >= least) now = set(now, half(value(now)));
  }
  return fits(now) ? now : undefined;
}

/** With weights as they are in place of 8 bits. */
const exactly = (config: Planned): Planned => ({
  ...config,
  rollout: { ...config.rollout, weights: "exact" },
});

/** Settings in which two differ, as arguments of `train`. */
function differences(before: Planned, after: Planned): string[] {
  const halved = CHANGES.filter(({ value }) => value(before) !== value(after)).map(
    ({ key, value }) => `${key}=${value(after)}`,
  );
  return [
    ...(before.lora.rank === after.lora.rank ? [] : [`lora.rank=${after.lora.rank}`]),
    ...(before.rollout.weights === after.rollout.weights ? [] : [`rollout.weights=${after.rollout.weights}`]),
    ...halved,
  ];
}

/**
 * The nearest settings whose plan fits: smaller batches and shorter responses first, then an adapter in place of all
 * weights, or rollouts from the weights as they are in place of 8 bits.
 * @returns arguments of `train`, none where the settings fit; undefined where nothing does
 */
export function nearestFit(config: Planned, model: PlannedModel, room: Room): string[] | undefined {
  const fits = (each: Planned) => fitsIn(planOf(each, model)[modeOf(each)], room);
  const withAdapter = { ...config, lora: { ...config.lora, rank: USUAL_RANK } };
  const starts = config.lora.rank > 0 ? [config, exactly(config)] : [config, withAdapter];
  const found = starts.map((start) => shrunk(start, fits)).find((each) => each !== undefined);
  return found && differences(config, found);
}

const NAMES: Readonly<Record<PlanMode, string>> = {
  inference: "answer (evaluate)",
  lora: "train an adapter (lora.rank)",
  full: "train all weights",
};

/** Both kinds of memory by use, that of a card where one is used, and whether there is as much. */
export function planTable(plan: MemoryPlan, machine: Machine): string {
  const hasCard = PLAN_MODES.some((mode) => plan[mode].card !== undefined);
  const rows = PLAN_MODES.map((mode) => {
    const { anonymous, mapped, card: needed } = plan[mode];
    const verdict = fitsIn(plan[mode], machine) ? "fits" : "too much";
    const onCard = hasCard ? [needed ? formatBytes(cardTotal(needed)) : MISSING] : [];
    return [NAMES[mode], formatBytes(anonymous), formatBytes(mapped), ...onCard, verdict];
  });
  const head = ["to", "memory", "file pages", ...(hasCard ? ["on the card"] : []), ""];
  const { available, total, limitedBy, card } = machine;
  return [
    formatTable({ head, rows }),
    `${formatBytes(available)} of ${formatBytes(total)} are available (limit of the ${limitedBy}); file pages are read again where they do not fit.`,
    ...(hasCard ? ["", cardTable(plan), cardLine(card)] : []),
  ].join("\n");
}

/** What a card's memory is needed for. */
function cardTable(plan: MemoryPlan): string {
  const rows = PLAN_MODES.flatMap((mode) => {
    const { card } = plan[mode];
    return card ? [[NAMES[mode], ...CARD_PARTS.map((part) => formatBytes(card[part]))]] : [];
  });
  return formatTable({ head: ["on the card, to", ...CARD_PARTS], rows });
}

function cardLine(card: CardMemory | undefined): string {
  if (!card) return "Whether that is there was not asked: no card could be tried here.";
  return `${formatBytes(card.free)} of ${formatBytes(card.total)} are free on ${card.name}.`;
}
