/**
 * @module Our own engine behind the Tinker wire: any client of the wire trains a small vision-language model here.
 *
 * All weights are trained, not an adapter. A datum is read as a prompt (everything before the first target that has
 * weight) and a response (the rest); log-probs of the prompt's own tokens are not computed and answered as 0.
 */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "../../../core/files/atomic.js";
import { packTarGz } from "../../../core/files/tar.js";
import { Rng } from "../../../core/rng.js";
import { zip } from "../../../core/zip.js";
import type { ImageConfig } from "../../../model/imageProcessor.js";
import type { Lesson, Reading } from "../../../policy/lessons.js";
import { SURROGATE_DEFAULTS } from "../../../policy/surrogate.js";
import type { Engine, LossSettings } from "../../engine.js";
import type { Datum, SampleOutput } from "../wire.js";
import {
  type WireBackend,
  type WireModel,
  WireRequestError,
  type WireSample,
  type WireUpdate,
} from "./backend.js";
import { DEFAULT_THRESHOLDS } from "./losses.js";
import { grouped, piecesOf, promptOf, type Read, type ReadOptions, readDatum } from "./readDatum.js";

/** The most that is read in one sequence, and kept for all clients. */
export interface LocalLimits extends Pick<ReadOptions, "maxContext"> {
  /** In training at once: each has an engine of its own. */
  readonly maxModels: number;
}

/** Twice the paper's longest prompt with its longest response; as many adapters as SkyRL's own recipes serve. */
export const LOCAL_LIMITS: LocalLimits = { maxContext: 8192, maxModels: 8 };

export interface LocalBackendOptions {
  /** What clients call the model. */
  readonly model: string;
  /** Where weights are kept that clients save. */
  readonly folder: string;
  readonly image: ImageConfig;
  /** Tokens that the model knows. */
  readonly vocabulary: number;
  /** LOCAL_LIMITS unless given. */
  readonly limits?: Partial<LocalLimits>;
  /** Opens an engine of its own for each model in training. */
  readonly open: () => Promise<Engine>;
}

/** A clip that clips nothing. */
const NO_CLIP = { clipLow: 1 - 1e-12, clipHigh: 1e12 };

/** The wire's losses as ours; each sums over tokens. */
function settingsOf({ loss, config }: WireUpdate): LossSettings {
  const base = {
    ...SURROGATE_DEFAULTS,
    dualClip: null,
    maxLogRatio: null,
    temperature: 1,
    entropyCoefficient: 0,
  };
  const { clip_low_threshold: low, clip_high_threshold: high } = { ...DEFAULT_THRESHOLDS, ...config };
  const range = { clipLow: 1 - low, clipHigh: high - 1 };
  switch (loss) {
    case "cross_entropy":
      // The clipped weight of CISPO, clipped to 1, leaves −A·log π.
      return { ...base, loss: "cispo", clipLow: 0, clipHigh: 0 };
    case "importance_sampling":
      return { ...base, loss: "clip", ...NO_CLIP };
    case "ppo":
      return { ...base, loss: "clip", ...range };
    case "cispo":
      return { ...base, loss: "cispo", ...range };
  }
}

/** `[T]` from a response's part. */
function wholeLength(part: Float32Array, start: number): Float32Array {
  const whole = new Float32Array(start + part.length);
  whole.set(part, start);
  return whole;
}

/** The values of a datum's tensor at its response. */
const partOf = (
  values: readonly number[] | undefined,
  { start, response }: Read,
  otherwise: number,
): Float32Array => Float32Array.from(response, (_, t) => values?.[start + t] ?? otherwise);

type Group = ReturnType<typeof grouped>[number];

/** Groups to learn from: data that tell old log-probs apart from those for which they are the policy's of now. */
function lessonGroups(reads: readonly Read[], { data }: WireUpdate): Group[] {
  return grouped(reads).flatMap(({ prompt, members }) => {
    const tells = ({ at }: Group["members"][number]) => data[at]?.loss_fn_inputs.logprobs !== undefined;
    const parts = [members.filter(tells), members.filter((member) => !tells(member))];
    return parts.filter(({ length }) => length > 0).map((part) => ({ prompt, members: part }));
  });
}

function lessonOf({ prompt, members }: Group, { data, loss }: WireUpdate): Lesson {
  const inputs = members.map(({ at }) => (data[at] as Datum).loss_fn_inputs);
  const isSupervised = loss === "cross_entropy";
  const old = zip(members, inputs).flatMap(([{ read }, { logprobs }]) =>
    logprobs ? [partOf(logprobs.data, read, 0)] : [],
  );
  return {
    prompt,
    responses_R: members.map(({ read }) => read.response),
    ...(old.length > 0 ? { oldLogProbs_R: old } : {}),
    advantages_R: members.map(() => 1),
    weights_R: members.map(() => 1),
    // Each token's weight and advantage in one factor.
    importance_R: zip(members, inputs).map(([{ read }, { weights, advantages }]) => {
      const factors = partOf(weights?.data, read, 1);
      const A = partOf(advantages?.data, read, isSupervised ? 1 : 0);
      return factors.map((weight, t) => weight * (isSupervised ? 1 : (A[t] ?? 0)));
    }),
  };
}

/** `[datum][T]` from `[group][member][t]` of the responses. */
function byDatum(
  reads: readonly Read[],
  groups: readonly Group[],
  found: readonly (readonly Float32Array[])[],
): Float32Array[] {
  const whole = new Map<number, Float32Array>();
  for (const [{ members }, logProbs_R] of zip(groups, found)) {
    for (const [{ at, read }, part] of zip(members, logProbs_R)) whole.set(at, wholeLength(part, read.start));
  }
  return reads.map((_, at) => whole.get(at) ?? new Float32Array());
}

async function logProbsOf(engine: Engine, reads: readonly Read[]): Promise<Float32Array[]> {
  const groups = grouped(reads);
  const readings: Reading[] = groups.map(({ prompt, members }) => ({
    ...{ prompt, responses_R: members.map(({ read }) => read.response) },
  }));
  return byDatum(reads, groups, await engine.learner.logProbs({ readings, of: "policy", temperature: 1 }));
}

async function sampleFrom(
  engine: Engine,
  { prompt, samples, params, promptLogProbs }: WireSample,
  reading: ReadOptions,
): Promise<SampleOutput> {
  if (promptLogProbs) {
    throw new WireRequestError("prompt_logprobs: this server gives none: use forward with cross_entropy");
  }
  const { pieces, places } = await piecesOf(prompt, reading);
  if (places === 0) throw new WireRequestError("prompt: empty: give at least one token");
  const { temperature, top_p, top_k, max_tokens, seed = 0, sharegrpo_streams } = params;
  const keys =
    sharegrpo_streams ?? Array.from({ length: samples }, (_, n) => Rng.fromSeed(seed).split("sample", n).key);
  if (keys.length !== samples) {
    throw new WireRequestError(`sharegrpo_streams: ${keys.length} streams for ${samples} samples`);
  }
  const isGreedy = temperature === 0;
  const decoding = {
    ...{ isGreedy, temperature: isGreedy ? 1 : temperature, maxTokens: max_tokens },
    ...{ topP: top_p, topK: Math.max(0, top_k) },
  };
  const request = { prompts: [promptOf(pieces)], responses: samples, decoding, streams: [keys] };
  const [rollouts = []] = await engine.sampler.sample(request);
  const sequences = rollouts.map(({ tokens, logProbs, stopReason }) => ({
    stop_reason: stopReason === "eos" ? ("stop" as const) : ("length" as const),
    tokens: Array.from(tokens),
    logprobs: Array.from(logProbs),
  }));
  return { sequences, prompt_logprobs: null };
}

/** Beside the weights: how many optimizer steps they have seen. */
const STEPS = "steps";

function createModel(engine: Engine, id: string, options: LocalBackendOptions): WireModel {
  const { folder, model } = options;
  const reading = { ...options, ...LOCAL_LIMITS, ...options.limits };
  const readAll = (data: readonly Datum[]) => Promise.all(data.map((datum) => readDatum(datum, reading)));
  const keptAt = (modelId: string, name: string) => join(folder, modelId, name);
  let steps = 0;
  return {
    ...{ baseModel: model, rank: 0 },
    logProbs: async (data) => logProbsOf(engine, await readAll(data)),
    async accumulate(update) {
      const reads = await readAll(update.data);
      const groups = lessonGroups(reads, update);
      const lessons = groups.map((group) => lessonOf(group, update));
      const { logProbs } = await engine.learner.accumulate(lessons, settingsOf(update));
      return byDatum(reads, groups, logProbs);
    },
    async optimStep({ learning_rate, beta1, beta2, eps, weight_decay, grad_clip_norm }) {
      const { gradNorm } = await engine.learner.apply({
        ...{ step: steps + 1, learningRate: learning_rate, beta1, beta2, epsilon: eps },
        ...{ weightDecay: weight_decay, maxGradNorm: grad_clip_norm > 0 ? grad_clip_norm : 1e30 },
      });
      steps++;
      return { gradNorm };
    },
    sample: (call) => sampleFrom(engine, call, reading),
    async save(name) {
      const kept = keptAt(id, name);
      await mkdir(kept, { recursive: true });
      await engine.learner.save(kept);
      await writeFile(join(kept, STEPS), String(steps));
    },
    async load(modelId, name) {
      const kept = keptAt(modelId, name);
      const text = await readFile(join(kept, STEPS), "utf8").catch(() => undefined);
      if (text === undefined) throw new WireRequestError(`no checkpoint ${modelId}/${name}`);
      steps = Number(text);
      await engine.learner.restore(kept, steps);
    },
    async archive(name) {
      // A name that no client can give to weights.
      const kept = join(folder, id, "archives.d", name);
      await rm(kept, { recursive: true, force: true });
      await mkdir(kept, { recursive: true });
      await engine.learner.save(kept, "weights");
      const names = (await readdir(kept)).sort();
      await replaceFile(`${kept}.tar.gz`, (partial) => packTarGz(kept, names, partial));
      await rm(kept, { recursive: true, force: true });
      return `${kept}.tar.gz`;
    },
    close: () => engine.close(),
  };
}

/** @param options `open` is called once for each model that a client makes */
export function createLocalBackend(options: LocalBackendOptions): WireBackend {
  /** Open, or being opened. */
  const engines = new Set<Promise<Engine>>();
  const { maxModels } = { ...LOCAL_LIMITS, ...options.limits };
  return {
    models: [options.model],
    message: "sharegrpo: all weights are trained, whatever the rank of the adapter asked for",
    async createModel({ id, baseModel }) {
      if (baseModel !== options.model) {
        throw new WireRequestError(`base_model: ${baseModel}: this server has ${options.model}`);
      }
      if (engines.size >= maxModels) {
        throw new WireRequestError(
          `create_model: above this server's limit of ${maxModels} models at once: unload one, or end its session`,
        );
      }
      const opening = options.open();
      engines.add(opening);
      opening.catch(() => engines.delete(opening));
      const model = createModel(await opening, id, options);
      return {
        ...model,
        async close() {
          engines.delete(opening);
          await model.close();
        },
      };
    },
    async close() {
      const opened = await Promise.allSettled(engines);
      await Promise.all(opened.map((each) => (each.status === "fulfilled" ? each.value.close() : undefined)));
    },
  };
}
