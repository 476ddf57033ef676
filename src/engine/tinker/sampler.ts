/**
 * @module Responses from a Tinker server, at the weights that were published last.
 */
import { ModelError, ServerError } from "../../core/errors.js";
import { Rng } from "../../core/rng.js";
import { zip } from "../../core/zip.js";
import type { Decoding, Sampled, SampleRequest, Sampler, Watch } from "../engine.js";
import type { SampleCall, TinkerClient } from "./client.js";
import { floats, requireNumbers } from "./outputs.js";
import type { WirePrompts } from "./prompts.js";
import type { SampleOutput, SamplingParams } from "./wire.js";

/** Weights that answer. */
export interface Published {
  readonly of: SampleCall["of"];
  /** Optimizer steps that they have seen. */
  readonly policyStep: number;
}

export interface SamplerParts {
  readonly client: TinkerClient;
  readonly prompts: WirePrompts;
  /** Tokens of the tokenizer that prompts are written with. */
  readonly vocabulary: number;
  /** What answers; made when first asked for after a step. */
  readonly published: (watch?: Watch) => Promise<Published>;
  /** Called with the prompts of a request before they are sent. */
  readonly check: (request: SampleRequest, watch?: Watch) => Promise<void>;
}

/**
 * Models have rows for more tokens than their tokenizer knows, to a round number, but not twice as many.
 * @throws ModelError when a response has a token that no such model has
 */
function requireTokens(tokens: readonly number[], vocabulary: number, where: string): void {
  const strange = tokens.find((token) => token >= 2 * vocabulary);
  if (strange === undefined) return;
  throw new ModelError(
    `${where}: a response has token ${strange}, the tokenizer of \`model\` knows ${vocabulary}: set model to the folder or hub name of the model that is served`,
  );
}

/** Largest seed that servers take. */
const SEEDS = 2 ** 31;

function paramsOf({ maxTokens, temperature, topP, topK, isGreedy }: Decoding): SamplingParams {
  return {
    max_tokens: maxTokens,
    temperature: isGreedy ? 0 : temperature,
    top_p: isGreedy ? 1 : topP,
    top_k: isGreedy || topK === 0 ? -1 : topK,
  };
}

/**
 * Every prompt gets a seed of its own: servers that draw by (seed, place) alone give nearly the same tokens under all
 * prompts otherwise (SkyRL 0.3.0).
 */
function withStreams(
  params: SamplingParams,
  streams: SampleRequest["streams"],
  p: number,
  isOurs: boolean,
): SamplingParams {
  const keys = streams?.[p];
  const [first] = keys ?? [];
  if (!keys || !first) return params;
  const seed = Rng.fromKey(first).split("tinker seed").integer(0, SEEDS);
  return { ...params, seed, ...(isOurs ? { sharegrpo_streams: keys } : {}) };
}

function rolloutsOf(
  { sequences }: SampleOutput,
  { responses, vocabulary, where }: { responses: number; vocabulary: number; where: string },
  policyStep: number,
): Sampled[] {
  if (sequences.length !== responses) {
    const message = `${where}: asked for ${responses} responses, got ${sequences.length}; see the server's log`;
    throw new ServerError(message, { kind: "garbled", url: where });
  }
  return sequences.map(({ tokens, logprobs, stop_reason }) => {
    if (tokens.length === 0 || logprobs?.length !== tokens.length) {
      const counts = `${tokens.length} tokens and ${logprobs?.length ?? 0} log-probs`;
      throw new ServerError(`${where}: a response has ${counts}; see the server's log`, {
        kind: "garbled",
        url: where,
      });
    }
    requireTokens(tokens, vocabulary, where);
    const logProbs = floats(logprobs);
    requireNumbers(logProbs, "a response", where);
    return {
      tokens: Int32Array.from(tokens),
      logProbs,
      stopReason: stop_reason === "stop" ? "eos" : "length",
      policyStep,
    };
  });
}

export function createTinkerSampler({
  client,
  prompts,
  vocabulary,
  published,
  check,
}: SamplerParts): Sampler {
  const isOurs = client.capabilities.sharegrpo !== undefined;
  return {
    async sample(request, watch) {
      await check(request, watch);
      const { of, policyStep } = await published(watch);
      const params = paramsOf(request.decoding);
      const { responses } = request;
      let done = 0;
      const outputs = await Promise.all(
        request.prompts.map(async (prompt, p) => {
          const call = {
            ...{ of, samples: responses, prompt: { chunks: (await prompts.read(prompt)).chunks } },
            params: withStreams(params, request.streams, p, isOurs),
          };
          // A signal of its own for each: hundreds of listeners on the caller's would look like a leak.
          const signal = watch?.signal && AbortSignal.any([watch.signal]);
          const output = await client.sample(call, { signal });
          done += responses;
          const total = responses * request.prompts.length;
          watch?.onProgress?.({ phase: "rollout", done, total });
          return output;
        }),
      );
      return zip(request.prompts, outputs).map(([{ name }, output]) =>
        rolloutsOf(output, { responses, vocabulary, where: `${client.server}: ${name}` }, policyStep),
      );
    },
  };
}
