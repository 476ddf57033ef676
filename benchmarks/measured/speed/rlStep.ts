/**
 * @module A whole RL step of the 6 M-parameter decoder beside TRL's GRPOTrainer: rollouts, rewards, advantages, update.
 * GRPO, one optimizer step on the responses it sampled, a fixed number of new tokens, rewards drawn by lot.
 */
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { resolveConfig } from "../../../src/config/load.js";
import type { RunConfig } from "../../../src/config/schema.js";
import { invariant } from "../../../src/core/errors.js";
import { Rng } from "../../../src/core/rng.js";
import type { Engine } from "../../../src/engine/engine.js";
import { localSettings } from "../../../src/engine/local/settings.js";
import { startEngine } from "../../../src/engine/process/engineInProcess.js";
import { MODEL_FILES, type Model } from "../../../src/model/load.js";
import { promptTokens } from "../../../src/model/patchPrompt.js";
import { loadProcessor, type Processor } from "../../../src/model/processor.js";
import { buildPrompt, promptLength } from "../../../src/model/prompt.js";
import type { Question } from "../../../src/records.js";
import type { Rewarder } from "../../../src/reward/rewarder.js";
import { type StepResult, trainStep } from "../../../src/train/step.js";
import { stopwatch } from "../../../src/train/stopwatch.js";
import { interleave, type Repetitions, type Side, type Timing } from "./interleave.js";
import { VOCABULARY } from "./model.js";
import type { Peer } from "./peer.js";
import { medianParts, type StepParts } from "./stepParts.js";

/** Prompts, responses to each, and tokens of both. */
export const RL_SIZES = { prompts: 8, responses: 12, promptTokens: 64, newTokens: 64 } as const;
export const RL_LEARNING_RATE = 1e-5;
/** These prompts have no images. */
const NO_IMAGE = -1;

export interface RlStepResult {
  readonly prompts: number;
  readonly responses: number;
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly timings: readonly Timing[];
  /** Median seconds of our step's parts. */
  readonly parts: StepParts;
  /** TRL's version; absent without a peer. */
  readonly trl?: string;
}

/** GRPO, one optimizer step on what was sampled. */
export const rlSettings = (): RunConfig =>
  resolveConfig(
    {
      expand: { variants: 1, transformProbability: 0, formatPrompt: "" },
      rollout: { responses: RL_SIZES.responses, topP: 1, maxResponseLength: RL_SIZES.newTokens },
      update: { algorithm: "grpo", learningRate: RL_LEARNING_RATE, optimizerStepsPerRollout: 1 },
      train: { questionsPerStep: RL_SIZES.prompts },
    },
    "bench speed",
  );

/** The model as a folder of its own, with an end token that cannot be sampled: it has no word. */
async function writeEndless(dir: string, { dir: from, processor }: Model): Promise<Processor> {
  await mkdir(dir, { recursive: true });
  const ours = ["config.json", "model.safetensors"];
  for (const name of ours) await copyFile(join(from, name), join(dir, name));
  const lent = MODEL_FILES.filter((name) => !ours.includes(name));
  for (const name of lent) await copyFile(join(processor.dir, name), join(dir, name)).catch(() => undefined);
  const ends = { eos_token_id: VOCABULARY - 1 };
  await writeFile(join(dir, "generation_config.json"), JSON.stringify(ends));
  return loadProcessor(dir);
}

/** A question whose prompt is as long as asked for. */
async function questionOf(processor: Processor, at: number): Promise<Question> {
  const draws = Rng.fromSeed(7).split("speed", "question", at);
  let text = `${at}`;
  for (;;) {
    const length = promptLength(await buildPrompt(processor, { text, images: [] }, `question ${at}`));
    if (length === RL_SIZES.promptTokens) break;
    invariant(length < RL_SIZES.promptTokens, `bench speed: a prompt of ${length} tokens`);
    text = `${text}${draws.integer(0, 10)}`;
  }
  return { id: `q${at}`, text, images: [], gold: "", rewrites: [], category: "" };
}

/** Right or wrong by lot. */
function lots(rng: Rng): Rewarder {
  return (rows) =>
    Promise.resolve(
      rows.map((_, at) => {
        const overall = rng.split(at).uniform() < 0.5 ? 1 : 0;
        const nothing = { kind: "none", reason: "" } as const;
        return { overall, accuracy: overall, format: 0, extracted: nothing, reason: "by lot" };
      }),
    );
}

function checkLengths({ groups }: StepResult): void {
  const { prompts, responses, newTokens } = RL_SIZES;
  const lengths = groups.flatMap(({ responses }) =>
    responses.flat().map(({ rollout }) => rollout.tokens.length),
  );
  invariant(
    lengths.length === prompts * responses && lengths.every((length) => length === newTokens),
    "bench speed: responses of another length or number",
  );
}

/** Questions whose prompts are as long as asked for. */
export function rlQuestions(processor: Processor): Promise<Question[]> {
  const indices = Array.from({ length: RL_SIZES.prompts }, (_, at) => at);
  return Promise.all(indices.map((at) => questionOf(processor, at)));
}

/** Tokens of the questions' prompts. */
export function rlPrompts(processor: Processor, questions: readonly Question[]): Promise<number[][]> {
  return Promise.all(
    questions.map(async (question) => [
      ...promptTokens(await buildPrompt(processor, question, question.id), NO_IMAGE),
    ]),
  );
}

/** Our step by an engine of `rlSettings`, and how long its parts take. */
export function ownRlStep(engine: Engine, processor: Processor, questions: readonly Question[]) {
  const config = rlSettings();
  const seconds: Readonly<Record<string, number>>[] = [];
  const side: Side = {
    name: "sharegrpo",
    async run() {
      const step = seconds.length + 1;
      const rng = Rng.fromSeed(8).split("step", step);
      const watch = stopwatch(() => performance.now());
      const context = {
        config,
        engine,
        processor,
        rng,
        stopwatch: watch,
        rewarder: lots(rng.split("reward")),
      };
      const at = { learningRate: RL_LEARNING_RATE, optimizerSteps: step - 1 };
      const moreQuestions = () => Promise.resolve([]);
      const result = await watch.time("step", () =>
        trainStep(questions, { ...context, ...at, moreQuestions }),
      );
      checkLengths(result);
      seconds.push(watch.seconds);
      return 1000 * (watch.seconds["step"] ?? Number.NaN);
    },
  };
  return { side, seconds };
}

export interface RlStepOptions {
  readonly model: Model;
  /** Folder for the model that never ends a response. */
  readonly dir: string;
  readonly peer?: Peer;
  readonly repetitions: Repetitions;
  readonly onRound?: (done: number, total: number) => void;
}

export async function benchRlStep({
  model,
  dir,
  peer,
  repetitions,
  onRound,
}: RlStepOptions): Promise<RlStepResult> {
  const processor = await writeEndless(dir, model);
  const questions = await rlQuestions(processor);
  // In a process of its own, as a run has it.
  const engine = startEngine({ model: dir, local: localSettings(rlSettings()) });
  const own = ownRlStep(engine, processor, questions);
  try {
    const sides: Side[] = [own.side];
    let trl: string | undefined;
    if (peer) {
      const { responses, newTokens } = RL_SIZES;
      const prompts = await rlPrompts(processor, questions);
      const request = { model: dir, prompts, responses, newTokens, learningRate: RL_LEARNING_RATE };
      const greeting = z.object({ trl: z.string() });
      trl = (await peer.call({ op: "rl.setup", ...request }, greeting)).trl;
      sides.push({ name: `TRL ${trl} GRPOTrainer`, run: () => peer.time({ op: "rl.run" }) });
    }
    const timings = await interleave(sides, repetitions, onRound);
    return {
      ...{ ...RL_SIZES, timings, parts: medianParts(own.seconds, repetitions) },
      ...(trl === undefined ? {} : { trl }),
    };
  } finally {
    await engine.close();
  }
}
