/**
 * @module A policy small enough to differentiate by hand, behind the Tinker wire: the next token's logits are a table's
 * row for the token before it, plus a row for the picture seen last. Adam in float64. It can misbehave as real servers do.
 */
import { createHash } from "node:crypto";
import { Rng } from "../../src/core/rng.js";
import type {
  WireBackend,
  WireModel,
  WireSample,
  WireUpdate,
} from "../../src/engine/tinker/serve/backend.js";
import { WireRequestError } from "../../src/engine/tinker/serve/backend.js";
import { elementwiseSlopes } from "../../src/engine/tinker/serve/losses.js";
import type { AdamParams, Datum, ModelInput, SampleOutput, WireLoss } from "../../src/engine/tinker/wire.js";

export const TOY = { model: "toy/bigram-16", vocabulary: 16, end: 2, pad: 3, pictures: 8 } as const;

export interface ToyOptions {
  /** How the losses of sequences become one; sum unless given. */
  readonly aggregation?: "sum" | "mean";
  /** Pictures take their tokens and change nothing. */
  readonly ignoresImages?: boolean;
  /** Answers with another loss than was asked for, in silence. */
  readonly lossAs?: Partial<Record<WireLoss, WireLoss>>;
  /** Clips at the usual thresholds, whatever was asked for. */
  readonly ignoresLossConfig?: boolean;
  /** Counts one token more per picture than was expected. */
  readonly miscountsImages?: boolean;
  /** Serves this model whatever is asked for. */
  readonly serves?: string;
  readonly ignoresGradNorm?: boolean;
  /** Given as the archive of any weights. */
  readonly archive?: string;
  /** Rows of the tables are drawn from this. */
  readonly seed?: number;
}

interface Place {
  /** The token before. */
  readonly token: number;
  /** Which picture was seen last; 0: none. */
  readonly picture: number;
}

type Tables = Float64Array;
const { vocabulary: V, pictures: G } = TOY;
const SIZE = (V + G) * V;

const pictureOf = (data: string): number =>
  1 + ((createHash("sha256").update(data).digest()[0] ?? 0) % (G - 1));

/** What every place of an input has before it. */
function placesOf(input: ModelInput, { ignoresImages, miscountsImages }: ToyOptions): Place[] {
  const places: Place[] = [];
  let picture = 0;
  for (const chunk of input.chunks) {
    if (chunk.type === "encoded_text") {
      for (const token of chunk.tokens) places.push({ token, picture });
      continue;
    }
    if (!ignoresImages) picture = pictureOf(chunk.type === "image" ? chunk.data : chunk.location);
    const tokens = (chunk.expected_tokens ?? 1) + (miscountsImages ? 1 : 0);
    for (let t = 0; t < tokens; t++) places.push({ token: TOY.pad, picture });
  }
  return places;
}

function logSoftmax(tables: Tables, { token, picture }: Place): Float64Array {
  const logits = Float64Array.from(
    { length: V },
    (_, v) => (tables[token * V + v] ?? 0) + (tables[(V + picture) * V + v] ?? 0),
  );
  const most = Math.max(...logits);
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0)) + most;
  return logits.map((logit) => logit - total);
}

interface ToyState {
  readonly tables: Tables;
  readonly first: Tables;
  readonly second: Tables;
  steps: number;
}

function initial(seed: number): ToyState {
  const draws = Rng.fromSeed(seed).split("toy");
  const tables = Float64Array.from({ length: SIZE }, () => draws.normal());
  return { tables, first: new Float64Array(SIZE), second: new Float64Array(SIZE), steps: 0 };
}

const copyOf = (state: ToyState): ToyState => ({
  tables: state.tables.slice(),
  first: state.first.slice(),
  second: state.second.slice(),
  steps: state.steps,
});

function draw(logProbs: Float64Array, uniform: number): number {
  let left = uniform;
  for (const [token, logProb] of logProbs.entries()) {
    left -= Math.exp(logProb);
    if (left < 0) return token;
  }
  return V - 1;
}

function sampleFrom(tables: Tables, call: WireSample, options: ToyOptions): SampleOutput {
  const places = placesOf(call.prompt, options);
  const last = places.at(-1);
  if (!last) throw new WireRequestError("prompt: empty");
  const { max_tokens, temperature, seed = 0, sharegrpo_streams } = call.params;
  const sequences = Array.from({ length: call.samples }, (_, n) => {
    const key = sharegrpo_streams?.[n];
    const rng = key ? Rng.fromKey(key) : Rng.fromSeed(seed).split("sample", n);
    const tokens: number[] = [];
    const logprobs: number[] = [];
    while (tokens.length < max_tokens && tokens.at(-1) !== TOY.end) {
      const logProbs = logSoftmax(tables, { ...last, token: tokens.at(-1) ?? last.token });
      const greedy = logProbs.indexOf(Math.max(...logProbs));
      const token = temperature === 0 ? greedy : draw(logProbs, rng.uniform());
      tokens.push(token);
      logprobs.push(Math.fround(logProbs[token] ?? 0));
    }
    return {
      stop_reason: tokens.at(-1) === TOY.end ? ("stop" as const) : ("length" as const),
      tokens,
      logprobs,
    };
  });
  const own = places.slice(1).map(({ token }, at) => logSoftmax(tables, places[at] as Place)[token] ?? 0);
  return { sequences, prompt_logprobs: call.promptLogProbs ? [null, ...own] : null };
}

function forwardOf(tables: Tables, data: readonly Datum[], options: ToyOptions): Float32Array[] {
  return data.map(({ model_input, loss_fn_inputs }) => {
    const places = placesOf(model_input, options);
    // As SkyRL: what does not fit is cut in silence.
    const targets = loss_fn_inputs.target_tokens.data.length;
    const length = options.miscountsImages ? places.length : Math.min(places.length, targets);
    return Float32Array.from({ length }, (_, t) => {
      const target = loss_fn_inputs.target_tokens.data[t] ?? 0;
      return logSoftmax(tables, places[t] as Place)[target] ?? 0;
    });
  });
}

/** What has been accumulated: the gradient's sum, and of how many sequences. */
interface Gradient {
  readonly sum: Float64Array;
  sequences: number;
}

function addGradient(
  state: ToyState,
  gradient: Gradient,
  { data, loss, config }: WireUpdate,
  options: ToyOptions,
) {
  const named = { loss: options.lossAs?.[loss] ?? loss, config: options.ignoresLossConfig ? {} : config };
  const logProbs = forwardOf(state.tables, data, options);
  for (const [at, datum] of data.entries()) {
    const logProbs_T = logProbs[at] as Float32Array;
    const places = placesOf(datum.model_input, options);
    const { weights, target_tokens } = datum.loss_fn_inputs;
    const total = weights ? weights.data.reduce((sum, w) => sum + w, 0) : logProbs_T.length;
    const share = options.aggregation === "mean" ? 1 / total : 1;
    gradient.sequences++;
    for (const [t, slope] of elementwiseSlopes(datum, logProbs_T, named).entries()) {
      const place = places[t] as Place;
      for (const [v, logProb] of logSoftmax(state.tables, place).entries()) {
        const change = share * slope * ((v === target_tokens.data[t] ? 1 : 0) - Math.exp(logProb));
        for (const row of [place.token, V + place.picture]) {
          gradient.sum[row * V + v] = (gradient.sum[row * V + v] ?? 0) + change;
        }
      }
    }
  }
  return logProbs;
}

function adamStep(state: ToyState, gradient: Float64Array, adam: AdamParams): number {
  const norm = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
  const scale = adam.grad_clip_norm > 0 ? Math.min(1, adam.grad_clip_norm / norm) : 1;
  state.steps++;
  const { beta1, beta2, eps, learning_rate, weight_decay } = adam;
  for (let at = 0; at < SIZE; at++) {
    const g = (gradient[at] ?? 0) * scale;
    const m = beta1 * (state.first[at] ?? 0) + (1 - beta1) * g;
    const v = beta2 * (state.second[at] ?? 0) + (1 - beta2) * g * g;
    state.first[at] = m;
    state.second[at] = v;
    const step = m / (1 - beta1 ** state.steps) / (Math.sqrt(v / (1 - beta2 ** state.steps)) + eps);
    const before = state.tables[at] ?? 0;
    state.tables[at] = before - learning_rate * (step + weight_decay * before);
  }
  return norm;
}

/** The backend, and a look at its models and their tables. */
export function toyBackend(
  options: ToyOptions = {},
): WireBackend & { readonly tables: (id?: string) => Float64Array; readonly alive: () => string[] } {
  const saved = new Map<string, ToyState>();
  const live = new Map<string, () => ToyState>();
  const served = options.serves ?? TOY.model;
  return {
    models: [served],
    alive: () => [...live.keys()],
    tables: (id) => (id ? live.get(id) : [...live.values()].at(-1))?.().tables ?? new Float64Array(),
    async createModel({ id, rank }): Promise<WireModel> {
      if (rank > 64) throw new WireRequestError(`lora_config.rank: ${rank} is above max_lora_rank 64`);
      let state = initial(options.seed ?? 1);
      let gradient: Gradient = { sum: new Float64Array(SIZE), sequences: 0 };
      live.set(id, () => state);
      return {
        ...{ baseModel: served, rank },
        logProbs: async (data) => forwardOf(state.tables, data, options),
        accumulate: async (update) => addGradient(state, gradient, update, options),
        async optimStep(adam) {
          const share = options.aggregation === "mean" && gradient.sequences > 0 ? 1 / gradient.sequences : 1;
          const gradNorm = adamStep(
            state,
            gradient.sum.map((g) => g * share),
            adam,
          );
          gradient = { sum: new Float64Array(SIZE), sequences: 0 };
          return { gradNorm };
        },
        sample: async (call) => sampleFrom(state.tables, call, options),
        save: async (name) => void saved.set(`${id}/${name}`, copyOf(state)),
        async load(modelId, name) {
          const kept = saved.get(`${modelId}/${name}`);
          if (!kept) throw new WireRequestError(`no checkpoint ${modelId}/${name}`);
          state = copyOf(kept);
        },
        ...(options.archive === undefined ? {} : { archive: async () => options.archive ?? "" }),
        close: async () => void live.delete(id),
      };
    },
    close: async () => undefined,
  };
}
