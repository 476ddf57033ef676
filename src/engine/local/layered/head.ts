/**
 * @module Final norm and head in chunks of the vocabulary: log-probabilities, entropies and gradients of N tokens
 * without ever holding `[N, V]`.
 *
 * With z = (h·Wᵀ + bias)/τ, pass 1 gives of each chunk max z, Σ exp(z − max) and Σ exp(z − max)·z, which the host joins
 * in float64 to log Σ exp z and the entropy H = log Σ exp z − Σ p·z. The sampled token's z comes from its own row of W.
 * Pass 2 gives, with p = exp(z − log Σ exp z) and g, e the loss's gradients by log π and by H,
 *
 *     ∂h = (Σ_v −p·(g + e·(log p + H))·W_v + g·W_token) / τ
 */
import { vjp } from "../../../compile/grad.js";
import { jit } from "../../../compile/jit.js";
import type { HostArray, RuntimeOptions } from "../../../compile/runtime/session.js";
import { type NdArray, ndarray, scalar, zeros } from "../../../core/ndarray.js";
import { type Tensor, type TensorParams, tf } from "../../../core/tf.js";
import type { Network } from "../../../model/family.js";
import { tokenProbabilities } from "../../../model/transformer/decode.js";
import { rmsNorm } from "../../../model/transformer/layers.js";
import type { ReadOptions, TensorStore } from "../../../model/weights/tensorStore.js";
import { freeing, keepsPassing } from "./layerGraphs.js";
import { readRows } from "./tokenRows.js";

/**
 * Vocabulary entries at once: a chunk's widened weights stay below 32 MB at 3B and 7B, up to which glibc takes memory from
 * what it has; larger pieces are new pages each time.
 */
export const CHUNK = 2048;

/** What is known of N tokens. */
export interface TokenDistributions {
  /** `[N]` each, nats: log π of the token, entropy and log Σ exp z of its distribution. */
  readonly logProbs: Float32Array;
  readonly entropies: Float32Array;
  readonly logSums: Float64Array;
}

/** Tokens to be read at hidden states. */
export interface HeadRequest {
  /** `[S, hidden]` f32: after the last layer */
  readonly x: NdArray;
  /** `[N]` i32: rows of `x` that predict the tokens */
  readonly at: NdArray;
  /** `[N]` */
  readonly tokens: ArrayLike<number>;
  readonly temperature: number;
}

/** The loss's gradients by what `distributions` gave, `[N]` each. */
export interface HeadSlopes {
  readonly logProbs: Float32Array;
  readonly entropies?: Float32Array;
}

interface Chunk {
  readonly weight: HostArray;
  readonly bias: NdArray;
}

const normed = (x: Tensor, weight: TensorParams, at: Tensor, eps: number): Tensor =>
  rmsNorm(weight, "norm", tf.gather(x, at), eps);

function headGraphs({ rmsNormEps: eps, ...sizes }: Network["config"], runtime: RuntimeOptions) {
  const isKeeping = keepsPassing(sizes);
  const kept = { ...runtime, keepsMemory: isKeeping };
  const scoresOf = (h: Tensor, weight: Tensor, bias: Tensor, temperature: Tensor): Tensor =>
    tf.div(tf.add(tf.matMul(h, weight, false, true), bias), temperature);
  const graphs = {
    norm: jit((x: Tensor, weight: TensorParams, at: Tensor) => normed(x, weight, at, eps), {
      name: "norm",
      runtime,
    }),
    normGradient: jit(
      (x: Tensor, dy: Tensor, weight: TensorParams, at: Tensor) =>
        vjp((input: Tensor) => normed(input, weight, at, eps))(x, dy).grads,
      { name: "norm gradient", runtime },
    ),
    scores: jit((h: Tensor, weight: Tensor) => tf.matMul(h, weight, false, true), {
      name: "scores",
      runtime,
    }),
    probabilities: jit(
      (scores: Tensor, sampler: { temperature: Tensor; tokenBias: Tensor }) =>
        tokenProbabilities(scores, sampler),
      { name: "probabilities", runtime },
    ),
    sums: jit(
      (h: Tensor, weight: Tensor, bias: Tensor, temperature: Tensor) => {
        const z = scoresOf(h, weight, bias, temperature);
        const max = tf.max(z, 1, true);
        const powers = tf.exp(tf.sub(z, max));
        return { max, sum: tf.sum(powers, 1), weighted: tf.sum(tf.mul(powers, z), 1) };
      },
      { name: "head", runtime: kept },
    ),
    gradient: jit(
      (
        sum: Tensor,
        chunk: { h: Tensor; weight: Tensor; bias: Tensor; temperature: Tensor },
        known: { logSums: Tensor; entropies: Tensor; byLogProb: Tensor; byEntropy: Tensor },
      ) => {
        const z = scoresOf(chunk.h, chunk.weight, chunk.bias, chunk.temperature);
        const column = (x: Tensor) => tf.reshape(x, [-1, 1]);
        const logP = tf.sub(z, column(known.logSums));
        const fromEntropy = tf.mul(column(known.byEntropy), tf.add(logP, column(known.entropies)));
        const slope = tf.mul(tf.exp(logP), tf.add(column(known.byLogProb), fromEntropy));
        return [tf.sub(sum, tf.matMul(slope, chunk.weight))] as const;
      },
      { name: "head gradient", donate: { 0: 0 }, runtime: kept },
    ),
  };
  /** Does something with every chunk, which passes through a graph. */
  const pass = (
    name: "sums" | "gradient",
    chunks: AsyncIterable<Chunk>,
    work: (chunk: Chunk) => Promise<void>,
  ) =>
    freeing(isKeeping ? [graphs[name]] : [], async () => {
      for await (const chunk of chunks) await work(chunk);
    });
  return { ...graphs, pass };
}

export interface Head {
  distributions(request: HeadRequest): Promise<TokenDistributions>;
  /** ∂x `[S, hidden]`. */
  gradient(request: HeadRequest, known: TokenDistributions, slopes: HeadSlopes): Promise<NdArray>;
  /** `[N, V]`: probabilities after rows `at` of `x`, at a temperature. */
  probabilities(x: NdArray, at: NdArray, temperature: NdArray): Promise<NdArray>;
}

/** @param tokenBias `[V]` f32: MASKED where a token may not be sampled */
export function createHead(
  { config }: Network,
  store: TensorStore,
  tokenBias: NdArray,
  runtime: RuntimeOptions = {},
): Head {
  const name = config.tieWordEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight";
  const graphs = headGraphs(config, runtime);
  const { vocabSize: V, hiddenSize } = config;
  let norm: Promise<Record<string, NdArray>> | undefined;
  const normWeight = () => {
    norm ??= store.readWide("model.norm.weight").then((weight) => ({ "norm.weight": weight }));
    return norm;
  };
  const chunks = () => chunksOf(store, { name, V, tokenBias });
  const hidden = async ({ x, at }: Pick<HeadRequest, "x" | "at">) => graphs.norm(x, await normWeight(), at);

  return {
    async distributions(request) {
      const h = await hidden(request);
      const temperature = scalar(request.temperature);
      const joined = joinSums(request.tokens.length);
      await graphs.pass("sums", chunks(), async ({ weight, bias }) =>
        joined.add(await graphs.sums(h, weight, bias, temperature)),
      );
      const { logSums, entropies } = joined.result();
      const rows = await readRows(store, name, request.tokens);
      const logProbs = Float32Array.from(logSums, (logSum, n) => {
        const bias = tokenBias.data[request.tokens[n] as number] as number;
        return (dot(h.data, rows.data, n, hiddenSize) + bias) / request.temperature - logSum;
      });
      return { logProbs, entropies, logSums };
    },
    async gradient(request, known, slopes) {
      const h = await hidden(request);
      const N = request.tokens.length;
      const temperature = scalar(request.temperature);
      const ofTokens = {
        logSums: ndarray(known.logSums, [N]),
        entropies: ndarray(known.entropies, [N]),
        byLogProb: ndarray(slopes.logProbs, [N]),
        byEntropy: slopes.entropies ? ndarray(slopes.entropies, [N]) : zeros([N]),
      };
      const sum = zeros([N, hiddenSize]);
      await graphs.pass("gradient", chunks(), async (chunk) => {
        await graphs.gradient(sum, { h, ...chunk, temperature }, ofTokens);
      });
      const rows = await readRows(store, name, request.tokens);
      for (let at = 0; at < sum.data.length; at++) {
        const slope = slopes.logProbs[Math.floor(at / hiddenSize)] as number;
        sum.data[at] = ((sum.data[at] as number) + slope * (rows.data[at] as number)) / request.temperature;
      }
      return graphs.normGradient(request.x, sum, await normWeight(), request.at);
    },
    async probabilities(x, at, temperature) {
      const scores = await allScores(graphs, chunks(), await hidden({ x, at }), V);
      return graphs.probabilities(scores, { temperature, tokenBias });
    },
  };
}

/** `[N, V]`, chunk by chunk. */
async function allScores(
  graphs: Pick<ReturnType<typeof headGraphs>, "scores">,
  chunks: AsyncGenerator<Chunk>,
  h: NdArray,
  V: number,
): Promise<NdArray> {
  const N = h.shape[0] as number;
  const all = zeros([N, V]);
  let begin = 0;
  for await (const { weight, bias } of chunks) {
    const { data } = await graphs.scores(h, weight);
    const width = bias.data.length;
    for (let n = 0; n < N; n++) all.data.set(data.subarray(n * width, (n + 1) * width), n * V + begin);
    begin += width;
  }
  return all;
}

/** Chunks of the head's rows, the next one being read while the caller works on one. */
async function* chunksOf(
  store: TensorStore,
  { name, V, tokenBias }: { readonly name: string; readonly V: number; readonly tokenBias: NdArray },
): AsyncGenerator<Chunk> {
  const count = Math.ceil(V / CHUNK);
  const rowBytes = (store.entries.get(name)?.bytes ?? 0) / V;
  const memory = [0, 1].map(() => new Uint8Array(rowBytes * Math.min(CHUNK, V)));
  const read = (chunk: number) => {
    const rows: ReadOptions["rows"] = [chunk * CHUNK, Math.min(V, (chunk + 1) * CHUNK)];
    const weight = store.readArgument(name, { rows, into: memory[chunk % 2] as Uint8Array<ArrayBuffer> });
    weight.catch(() => undefined); // told when its turn comes
    return { rows, weight };
  };
  let next = read(0);
  for (let chunk = 0; chunk < count; chunk++) {
    const { rows, weight } = next;
    const ready = await weight;
    if (chunk + 1 < count) next = read(chunk + 1);
    const bias = tokenBias.data.slice(rows[0], rows[1]);
    yield { weight: ready, bias: ndarray(bias, [bias.length]) };
  }
}

/** Joins chunks' sums, each relative to a maximum of its own. */
function joinSums(N: number) {
  const max = new Float64Array(N).fill(Number.NEGATIVE_INFINITY);
  const sum = new Float64Array(N);
  const weighted = new Float64Array(N);
  return {
    add(chunk: Readonly<Record<"max" | "sum" | "weighted", NdArray>>) {
      for (let n = 0; n < N; n++) {
        const top = Math.max(max[n] as number, chunk.max.data[n] as number);
        const before = Math.exp((max[n] as number) - top);
        const here = Math.exp((chunk.max.data[n] as number) - top);
        sum[n] = (sum[n] as number) * before + (chunk.sum.data[n] as number) * here;
        weighted[n] = (weighted[n] as number) * before + (chunk.weighted.data[n] as number) * here;
        max[n] = top;
      }
    },
    result() {
      const logSums = Float64Array.from(sum, (value, n) => (max[n] as number) + Math.log(value));
      const entropies = Float32Array.from(
        logSums,
        (logSum, n) => logSum - (weighted[n] as number) / (sum[n] as number),
      );
      return { logSums, entropies };
    },
  };
}

/** Row n of two `[N, size]` arrays multiplied. */
function dot(a: NdArray["data"], b: NdArray["data"], n: number, size: number): number {
  let sum = 0;
  for (let at = n * size; at < (n + 1) * size; at++) sum += (a[at] as number) * (b[at] as number);
  return sum;
}
