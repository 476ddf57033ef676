/**
 * @module The questions a run trains on and is evaluated with, by its settings: drawn scenes or data files.
 */

import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { hubEnvironment } from "../config/load.js";
import type { RunConfig } from "../config/schema.js";
import { given } from "../core/given.js";
import type { OnProgress } from "../core/progress.js";
import { type Dataset, type DatasetOptions, openDataset } from "../data/dataset.js";
import type { HubOptions } from "../data/hub.js";
import type { KeptQuestions } from "../data/keptQuestions.js";
import { locateData, type SplitRole } from "../data/locate.js";
import { openRows } from "../data/rows.js";
import { datasetSource, type QuestionSource, sharedQuestions } from "../data/source.js";
import type { PromptLimit } from "../data/survey.js";
import type { Processor } from "../model/processor.js";
import { sceneSource } from "./sceneSource.js";

export interface SourceContext {
  readonly processor: Processor;
  readonly onProgress?: OnProgress;
  /** Told what was left out, in sentences. */
  readonly onNote?: (note: string) => void;
  readonly signal?: AbortSignal;
  /** What a run that is resumed began with. */
  readonly known?: KeptQuestions;
}

/** Where and how data sets are fetched, by the environment. */
export function hubOptions({ onProgress, onNote, signal }: Omit<SourceContext, "processor">): HubOptions {
  const { endpoint, token, cacheDir, isOffline } = hubEnvironment();
  return {
    endpoint,
    isOffline,
    cacheDir: cacheDir ?? join(homedir(), ".cache", "sharegrpo", "datasets"),
    ...given({ token, onProgress, onNote, signal }),
  };
}

/** How a config's data files are read. */
export function datasetOptions(
  { data, expand }: Pick<RunConfig, "data" | "expand">,
  { processor, onProgress, signal }: SourceContext,
  { measuresAll }: Pick<PromptLimit, "measuresAll"> = { measuresAll: false },
): DatasetOptions {
  return {
    keys: data,
    imageDirOf: (file) => (data.imageDir === "" ? dirname(file.path) : data.imageDir),
    prompt: {
      processor,
      formatPrompt: expand.formatPrompt,
      maxPromptLength: data.maxPromptLength,
      measuresAll,
    },
    check: data.check,
    badRows: data.badRows,
    filterOverlongPrompts: data.filterOverlongPrompts,
    limits: data,
    ...given({ onProgress, signal }),
  };
}

async function openFiles(
  text: string,
  role: SplitRole,
  config: RunConfig,
  context: SourceContext,
): Promise<Dataset> {
  const paths = await locateData(text, role, hubOptions(context));
  const files = await Promise.all(paths.map(openRows));
  const known = context.known?.[role];
  const options = { ...datasetOptions(config, context), ...given({ known }) };
  const dataset = await openDataset(files, options);
  for (const note of dataset.notes) context.onNote?.(`${text}: ${note}`);
  return dataset;
}

/**
 * Opens what `config.data` names.
 * @throws DataError listing rows that cannot be used; ConfigError when there are fewer questions than a step takes
 */
export async function questionSource(config: RunConfig, context: SourceContext): Promise<QuestionSource> {
  const { data, seed } = config;
  if (data.kind === "scenes") return sceneSource(config);
  const train = await openFiles(data.path, "train", config, context);
  const heldout =
    data.validation === "" ? undefined : await openFiles(data.validation, "heldout", config, context);
  if (!heldout) context.onNote?.("data.validation is not set: there is no evaluation before and after");
  const shared = heldout ? sharedQuestions(train, heldout) : 0;
  if (shared > 0)
    context.onNote?.(
      `${shared} of ${heldout?.count} held-out questions are training questions too: their accuracy says little`,
    );
  return datasetSource(train, heldout, { batch: config.train.questionsPerStep, seed });
}
