/**
 * An engine of your own: anything that samples and learns can carry a training. This one hands all work to the local
 * engine and keeps what it was asked; yours may be a server, a cluster, or a double for tests.
 */
import {
  type Engine,
  loadExplorer,
  PRESETS,
  questionSource,
  RunFolder,
  resolveConfig,
  type TrainOutcome,
  train,
} from "sharegrpo";

export interface Asked {
  sampled: number;
  read: number;
  steps: number;
}

/** The same engine, counting. */
export function counting(engine: Engine, asked: Asked): Engine {
  const { sampler, learner } = engine;
  return {
    ...engine,
    sampler: {
      sample(request, watch) {
        asked.sampled += request.prompts.length * request.responses;
        return sampler.sample(request, watch);
      },
    },
    learner: {
      ...learner,
      accumulate(lessons, loss, watch) {
        asked.read += lessons.length;
        return learner.accumulate(lessons, loss, watch);
      },
      apply(step) {
        asked.steps++;
        return learner.apply(step);
      },
    },
  };
}

export async function trainCounting(out: string, asked: Asked): Promise<TrainOutcome> {
  const short = { steps: 1, questionsPerStep: 2, evaluateQuestions: 0 };
  const config = resolveConfig({ ...PRESETS.tiny, train: { ...PRESETS.tiny.train, ...short } }, "counting");
  const { engine, processor } = await loadExplorer(config);
  const questions = await questionSource(config, { processor });
  const run = await RunFolder.open(out, config, { isResume: false });
  const now = () => performance.now();
  return train({ config, engine: counting(engine, asked), processor, questions, run, isResume: false, now });
}
