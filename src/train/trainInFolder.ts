/**
 * @module A training run from its settings alone: model, engine in a process of its own, questions and run folder are
 * set up, used and closed. What the command line and the notebooks start.
 */
import { parse } from "yaml";
import { engineKey } from "../config/load.js";
import type { RunConfig } from "../config/schema.js";
import { locateModel } from "../data/hubModel.js";
import { readKept } from "../data/keptQuestions.js";
import { withImageLimits } from "../data/pixels.js";
import type { QuestionSource } from "../data/source.js";
import { requireAbilities } from "../engine/abilities.js";
import { openEngine, placeRun } from "../engine/open.js";
import { loadProcessor } from "../model/processor.js";
import { loadRewarder } from "../reward/loadRewarder.js";
import { preflight, preflightLines, refuseBadGolds } from "../reward/preflight.js";
import type { Rewarder } from "../reward/rewarder.js";
import { type TrainOptions, type TrainOutcome, train } from "./loop.js";
import { questionSource } from "./questionSource.js";
import { type ClusterPlan, trainOnRay } from "./rayRun.js";
import { requireMemory } from "./requireMemory.js";
import { RunFolder, whileRunning } from "./run/runFolder.js";

/** Settings, run folder, and who is told of progress. */
export interface TrainInFolderOptions
  extends Partial<Pick<TrainOptions, "onProgress" | "onStep" | "onCheckpoint" | "signal">> {
  readonly config: RunConfig;
  /** Run folder; made when it is not there. */
  readonly out: string;
  /** Continue the run in the folder. Default: false. */
  readonly isResume?: boolean;
  /** Told what of the data was left out, in sentences. */
  readonly onNote?: (note: string) => void;
  /** Called once nothing was refused: the run folder is there, and the run begins. */
  readonly onBegin?: () => Promise<void>;
}

/**
 * Trains, or goes on training, in a run folder; a run that fails before its first record leaves nothing there.
 * @throws CheckpointError when the folder holds another run, or another process works in it; ModelError when the
 *   model cannot be used; DataError when rows cannot be used or gold answers do not grade as correct; ConfigError when a
 *   custom reward cannot be loaded or the engine cannot do what a setting asks
 */
export async function trainInFolder({ out, ...given }: TrainInFolderOptions): Promise<TrainOutcome> {
  requireAbilities(given.config);
  const { card, config: placed } = await placeRun(given.config);
  const { folder: model, name } = await locateModel(given.config.model, given);
  // What a branch of a hub pointed to when the run began is the run's model.
  const options = { ...given, config: { ...given.config, model: name } };
  const { config, isResume = false } = options;
  const processor = withImageLimits(await loadProcessor(model), config.data);
  const known = isResume ? await readKept(RunFolder.questionsOf(out)) : undefined;
  const questions = await questionSource(config, { ...options, processor, ...(known ? { known } : {}) });
  const rewarder = await loadRewarder(config.reward);
  if (!isResume) await checkGolds(questions, rewarder, options);
  const { kind } = config.engine;
  const here = { ...config, engine: placed.engine };
  if (kind === "process" || kind === "local")
    await requireMemory({ ...options, config: here, model, processor, questions, card });
  return whileRunning(out, async () => {
    const run = await RunFolder.open(out, config, { isResume });
    if (questions.kept) await run.checkQuestions(questions.kept);
    if (config.engine.kind === "ray")
      return trainOnRay({ ...options, isResume, run, questions, cluster: clusterOf(config) });
    const engine = await openEngine(here, model, options.onNote);
    try {
      await options.onBegin?.();
      const now = () => performance.now();
      return await train({ ...options, isResume, engine, processor, run, questions, rewarder, now });
    } finally {
      await engine.close();
    }
  });
}

type Scalar = string | number | boolean;

/** Where a run goes that a cluster carries out. */
function clusterOf({ engine }: RunConfig): ClusterPlan {
  const { url, baseModel, nodes, gpusPerNode, shared, checkpoints } = engine;
  const overrides = engine.overrides.map((assignment) => {
    const at = assignment.indexOf("=");
    return [assignment.slice(0, at), parse(assignment.slice(at + 1)) as Scalar] as const;
  });
  return {
    ...{ url, token: engineKey(), model: baseModel, nodes, gpusPerNode, checkpoints },
    overrides: Object.fromEntries(overrides),
    ...(shared === "" ? {} : { shared }),
  };
}

/** @throws DataError listing gold answers that their own reward does not accept, unless the settings only warn */
async function checkGolds(
  questions: QuestionSource,
  rewarder: Rewarder,
  { config, onProgress, onNote }: Omit<TrainInFolderOptions, "out">,
): Promise<void> {
  const { preflight: manner, kind } = config.reward;
  if (manner === "off" || !questions.all) return;
  const report = await preflight(questions.all(), rewarder, { kind, ...(onProgress ? { onProgress } : {}) });
  if (manner === "refuse") refuseBadGolds(report);
  else if (report.failed > 0) onNote?.(preflightLines(report).join("\n"));
}
