/**
 * @module How many prompts of a micro-batch are in one graph. On the processor, what an operator writes is best still in
 * the cache when the next one reads it: more tokens than these make a graph larger and no faster.
 */
import { promptLength } from "../../model/prompt.js";
import { PROMPT_STEP, RESPONSE_STEP, roundUp } from "../../model/transformer/pack.js";
import type { Reading } from "../../policy/lessons.js";
import type { StepSizes } from "./memory.js";
import type { LocalSettings } from "./settings.js";

/** Tokens of one graph, padding included; a prompt with more has one of its own. */
export const GRAPH_TOKENS = 1024;

/**
 * @param sizes of a micro-batch
 * @param device a card takes whole micro-batches
 * @returns prompts in one graph: at least one, at most `units`
 */
export function graphUnits(
  sizes: Pick<StepSizes, "units" | "promptTokens" | "responses" | "responseTokens">,
  device: LocalSettings["device"] = "cpu",
): number {
  if (device !== "cpu") return sizes.units;
  const P = roundUp(sizes.promptTokens, PROMPT_STEP);
  const T = roundUp(sizes.responseTokens, RESPONSE_STEP);
  return Math.max(1, Math.min(sizes.units, Math.floor(GRAPH_TOKENS / (P + sizes.responses * T))));
}

/** Sizes of the graphs of a call, the same in all: prompts, and responses of each. */
export interface GraphRows {
  readonly rows: number;
  readonly responses: number;
}

export function graphRows(
  readings: readonly Reading[],
  { microBatch: units, device }: Pick<LocalSettings, "microBatch" | "device">,
): GraphRows {
  const longest = (lengths: readonly number[]) => Math.max(0, ...lengths);
  const responses = longest(readings.map(({ responses_R }) => responses_R.length));
  const promptTokens = longest(readings.map(({ prompt }) => promptLength(prompt)));
  const responseTokens = longest(
    readings.flatMap(({ responses_R }) => responses_R.map(({ length }) => length)),
  );
  const rows = graphUnits({ units, promptTokens, responses, responseTokens }, device);
  return { rows, responses };
}
