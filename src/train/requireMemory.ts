/**
 * @module Whether a run fits this machine, before anything is started.
 */
import type { CardMemory } from "../compile/runtime/trial.js";
import type { RunConfig } from "../config/schema.js";
import { ConfigError } from "../core/errors.js";
import { machineMemory } from "../core/machineMemory.js";
import { formatBytes } from "../core/table.js";
import type { QuestionSource } from "../data/source.js";
import { cardTotal } from "../engine/local/deviceMemoryPlan.js";
import {
  fitsIn,
  type Machine,
  modeOf,
  nearestFit,
  type PlannedModel,
  type PromptSizes,
  planOf,
  planTable,
} from "../engine/local/planSettings.js";
import { loadNetwork } from "../model/load.js";
import type { Processor } from "../model/processor.js";
import { buildPrompt, promptLength } from "../model/prompt.js";

/** Questions that are measured. */
const MEASURED = 16;

/** The longest of a run's first questions. */
async function promptSizes(
  { train }: Pick<QuestionSource, "train">,
  processor: Processor,
  { expand, data }: Pick<RunConfig, "expand" | "data">,
): Promise<PromptSizes> {
  const merged = processor.image.mergeSize ** 2;
  let sizes: PromptSizes = { promptTokens: 1, images: 0, patchesPerImage: 0 };
  for (let index = 0; index < MEASURED; index++) {
    const { text, images, id } = await train(index);
    const question = { text: `${text} ${expand.formatPrompt}`, images };
    const prompt = await buildPrompt(processor, question, `question ${id}`);
    const tokens = prompt.pieces.flatMap((piece) => (piece.kind === "image" ? [piece.tokens] : []));
    sizes = {
      promptTokens: Math.max(sizes.promptTokens, Math.min(promptLength(prompt), data.maxPromptLength)),
      images: Math.max(sizes.images, tokens.length),
      patchesPerImage: Math.max(sizes.patchesPerImage, merged * Math.max(0, ...tokens)),
    };
  }
  return sizes;
}

/** A run that is about to start. */
export interface PlannedRun {
  readonly config: RunConfig;
  /** The model's folder. */
  readonly model: string;
  readonly processor: Processor;
  readonly questions: Pick<QuestionSource, "train">;
  /** That graphs run on, as it was found. */
  readonly card?: CardMemory | undefined;
  readonly onNote?: (note: string) => void;
}

/**
 * Says what the run needs, and refuses one that does not fit.
 * @param machine default: this one
 * @throws ConfigError with the plan's table and the nearest settings that fit
 */
export async function requireMemory(run: PlannedRun, machine?: Machine): Promise<void> {
  const { config, model, processor, questions, card, onNote } = run;
  const planned: PlannedModel = {
    network: await loadNetwork(model),
    prompts: await promptSizes(questions, processor, config),
  };
  const here = machine ?? { ...(await machineMemory()), card };
  const plan = planOf(config, planned);
  const { inference, lora, full } = plan;
  const needs = `${formatBytes(inference.anonymous)} to answer, ${formatBytes(lora.anonymous)} to train an adapter, ${formatBytes(full.anonymous)} to train all weights`;
  onNote?.(`memory  at most ${needs}; ${formatBytes(here.available)} available`);
  const need = plan[modeOf(config)];
  if (need.card) {
    const free = here.card
      ? `${formatBytes(here.card.free)} free on ${here.card.name}`
      : "not known what is free";
    onNote?.(`card    at most ${formatBytes(cardTotal(need.card))}; ${free}`);
  }
  if (fitsIn(need, here)) return;
  const fit = nearestFit(config, planned, here);
  const advice = fit
    ? `these settings fit: ${fit.join(" ")}`
    : "nothing smaller fits: choose a smaller model, or an engine on a server (engine.kind)";
  throw new ConfigError(
    `train: unsupported size: this run needs more memory than there is:\n\n${planTable(plan, here)}\n\n${advice}`,
  );
}
