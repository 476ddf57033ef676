/**
 * @module A training run from its settings alone: model, engine in a process of its own, questions and run folder are
 * set up, used and closed. What the command line and the notebooks start.
 */
import type { RunConfig } from "../config/schema.js";
import { withImageLimits } from "../data/pixels.js";
import { modelFolder } from "../model/load.js";
import { loadProcessor } from "../model/processor.js";
import { type TrainOptions, type TrainOutcome, train } from "./loop.js";
import { questionSource } from "./questionSource.js";
import { startRemoteEngine } from "./remoteEngine.js";
import { RunFolder } from "./runFolder.js";

export interface TrainInFolderOptions
  extends Partial<Pick<TrainOptions, "onProgress" | "onStep" | "signal">> {
  readonly config: RunConfig;
  /** Run folder; made when it is not there. */
  readonly out: string;
  /** Continue the run in the folder. Default: false. */
  readonly isResume?: boolean;
  /** Told what of the data was left out, in sentences. */
  readonly onNote?: (note: string) => void;
}

/**
 * Trains, or goes on training, in a run folder.
 * @throws CheckpointError when the folder holds another run; ModelError when the model cannot be used
 */
export async function trainInFolder({ out, ...options }: TrainInFolderOptions): Promise<TrainOutcome> {
  const { config, isResume = false } = options;
  const model = modelFolder(config.model);
  const processor = withImageLimits(await loadProcessor(model), config.data);
  const questions = await questionSource(config, { ...options, processor });
  const run = await RunFolder.open(out, config, { isResume });
  const engine = startRemoteEngine({
    model,
    learner: { ...config.update, temperature: config.rollout.temperature },
  });
  try {
    const now = () => performance.now();
    return await train({ ...options, isResume, engine, processor, run, questions, now });
  } finally {
    await engine.close();
  }
}
