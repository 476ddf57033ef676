/**
 * @module Tokens in, tokens out: the routes by which servers take a prompt as the tokens it was made of here, and say
 * which tokens they read and sampled, with log-probs.
 *
 * Sources: vLLM 0.33.0 entrypoints/scale_out/token_in_token_out (protocol.py, serving.py); SGLang 0.5.23
 * srt/managers/io_struct.py and tokenizer_manager.py; llama.cpp by trial (xllamacpp 2026.10.11549).
 */
import { z } from "zod";
import { readJson } from "../../core/chat/chat.js";
import type { Exchange, Unusable } from "../../core/chat/chatServer.js";
import { ConfigError } from "../../core/errors.js";
import type { StopReason } from "../../records.js";
import { SERVERS, type Server, type ServerKind } from "./server.js";
import type { WirePrompt } from "./wirePrompt.js";

/** How a server is to sample; what is absent or off is sent as off, since servers have defaults of their own. */
export interface WireSampling {
  /** 0: the most likely token. */
  readonly temperature: number;
  readonly topP: number;
  /** 0: all. */
  readonly topK: number;
  readonly repetitionPenalty: number;
  /** Response tokens at most. */
  readonly maxTokens: number;
  /** One for each response; servers that draw all from one seed take the first. */
  readonly seeds?: readonly number[];
  readonly stop?: readonly string[];
}

/** One prompt and how many responses to it. */
export interface TokenCall {
  /** As the server knows the model, or an adapter of it. */
  readonly model: string;
  /** Whether that is an adapter: SGLang's route names no model. */
  readonly isAdapter?: boolean;
  readonly prompt: WirePrompt;
  readonly responses: number;
  readonly sampling: WireSampling;
}

export interface TokenResponse {
  readonly tokens: readonly number[];
  /** Absent from llama.cpp, which leaves out those of tokens that end inside a character. */
  readonly logProbs?: readonly number[];
  readonly stopReason: StopReason;
}

export interface TokenAnswer {
  readonly responses: readonly TokenResponse[];
}

/** What a server says that it read: the tokens, or only how many. */
type ReadBack = readonly number[] | number;

/** Why a response ended, in the server's words. */
interface Ending {
  readonly type: string;
  readonly message?: string | null | undefined;
}

interface RawAnswer extends TokenAnswer {
  readonly prompt: ReadBack;
  readonly ends: readonly Ending[];
}

interface Route {
  readonly path: string;
  readonly body: (call: TokenCall, server: Server) => object;
  readonly read: (text: string) => RawAnswer | Unusable;
  /** How its operator makes it read images as they are sent. */
  readonly cure: string;
}

const ids = z.array(z.int());
/** What a response ends with that the server gave up: a restart, a pause, another's order. */
const GIVEN_UP: readonly string[] = ["abort", "error"];
/** Servers have words of their own for an end token; what was cut off is not one of them. */
const stopOf = (reason: string): StopReason => (reason === "length" || reason === "limit" ? "length" : "eos");

const vllmAnswer = z.object({
  prompt_token_ids: ids,
  choices: z.array(
    z.object({
      token_ids: ids,
      finish_reason: z.string(),
      logprobs: z.object({ content: z.array(z.object({ logprob: z.number() })) }),
    }),
  ),
});

const vllm: Route = {
  path: "/inference/v1/generate",
  body: ({ model, prompt, responses, sampling }) => ({
    ...{ model, token_ids: prompt.short, return_token_ids: true, output_mode: "tokens", stream: false },
    ...(prompt.images.length === 0
      ? {}
      : { content_parts: prompt.images.map((url) => ({ type: "image_url", url })) }),
    sampling_params: {
      ...{ n: responses, temperature: sampling.temperature, top_p: sampling.topP, top_k: sampling.topK },
      ...{ repetition_penalty: sampling.repetitionPenalty, max_tokens: sampling.maxTokens },
      ...{ seed: sampling.seeds?.[0], stop: sampling.stop, logprobs: 0 },
    },
  }),
  read(text) {
    const parsed = readJson(text, vllmAnswer, "none of vLLM's token route");
    if ("problem" in parsed) return parsed;
    const { prompt_token_ids: prompt, choices } = parsed.data;
    const ends = choices.map(({ finish_reason }) => ({ type: finish_reason }));
    return {
      ...{ prompt, ends },
      responses: choices.map(({ token_ids, finish_reason, logprobs }) => ({
        tokens: token_ids,
        logProbs: logprobs.content.map(({ logprob }) => logprob),
        stopReason: stopOf(finish_reason),
      })),
    };
  },
  cure: "start it with --mm-processor-kwargs and the min_pixels and max_pixels of the processor here",
};

const sglangOne = z.object({
  output_ids: ids,
  prompt_token_ids: ids,
  meta_info: z.object({
    finish_reason: z.object({ type: z.string(), message: z.string().nullish() }),
    output_token_logprobs: z.array(z.tuple([z.number(), z.int()], z.unknown())),
  }),
});

const sglang: Route = {
  path: "/generate",
  body({ model, isAdapter = false, prompt, responses, sampling }, { isDeterministic = false }) {
    const { images } = prompt;
    const params = (n: number, seed: number | undefined) => ({
      ...{ n, temperature: sampling.temperature, top_p: sampling.topP },
      top_k: sampling.topK === 0 ? -1 : sampling.topK,
      ...{ repetition_penalty: sampling.repetitionPenalty, max_new_tokens: sampling.maxTokens },
      ...{ sampling_seed: seed, stop: sampling.stop },
    });
    const asked = {
      ...{ return_logprob: true, return_prompt_token_ids: true, stream: false },
      ...(isAdapter ? { lora_path: model } : {}),
    };
    // With --enable-deterministic-inference the samples of one request share its seed: each is a request of its own.
    if (isDeterministic && responses > 1) {
      const each = <T>(one: (r: number) => T) => Array.from({ length: responses }, (_, r) => one(r));
      return {
        ...{ ...asked, input_ids: each(() => prompt.short) },
        ...(images.length === 0 ? {} : { image_data: each(() => images) }),
        sampling_params: each((r) => params(1, sampling.seeds?.[r] ?? r)),
      };
    }
    return {
      ...{ ...asked, input_ids: prompt.short, ...(images.length === 0 ? {} : { image_data: images }) },
      sampling_params: params(responses, sampling.seeds?.[0]),
    };
  },
  read(text) {
    const parsed = readJson(
      text,
      z.union([sglangOne, z.array(sglangOne).min(1)]),
      "none of SGLang's /generate",
    );
    if ("problem" in parsed) return parsed;
    const all = Array.isArray(parsed.data) ? parsed.data : [parsed.data];
    return {
      prompt: all[0]?.prompt_token_ids ?? [],
      ends: all.map(({ meta_info }) => meta_info.finish_reason),
      responses: all.map(({ output_ids, meta_info: { finish_reason, output_token_logprobs } }) => ({
        tokens: output_ids,
        logProbs: output_token_logprobs.map(([logProb]) => logProb),
        stopReason: stopOf(finish_reason.type),
      })),
    };
  },
  cure: "start it with --mm-process-config and the min_pixels and max_pixels of the processor here",
};

const llamaAnswer = z.object({
  tokens: ids,
  tokens_evaluated: z.int(),
  stop_type: z.string(),
});

const llama: Route = {
  path: "/completion",
  body: ({ prompt, sampling }) => ({
    ...{ prompt: prompt.short, return_tokens: true, stream: false, cache_prompt: false },
    ...{
      temperature: sampling.temperature,
      top_p: sampling.topP,
      top_k: sampling.topK,
      min_p: 0,
      typical_p: 1,
    },
    ...{ repeat_penalty: sampling.repetitionPenalty, n_predict: sampling.maxTokens },
    ...{ seed: sampling.seeds?.[0], stop: sampling.stop },
  }),
  read(text) {
    const parsed = readJson(text, llamaAnswer, "none of llama.cpp's /completion");
    if ("problem" in parsed) return parsed;
    const { tokens, tokens_evaluated, stop_type } = parsed.data;
    return {
      ...{ prompt: tokens_evaluated, ends: [{ type: stop_type }] },
      responses: [{ tokens, stopReason: stopOf(stop_type) }],
    };
  },
  cure: "it reads text alone by this route",
};

const ROUTES: Readonly<Record<ServerKind, Route>> = { vllm, sglang, llama };

/** Whether the server read what was sent; else what differs, in numbers. */
function differenceOf({ expanded, imageTokens }: WirePrompt, read: ReadBack): string | undefined {
  const length = typeof read === "number" ? read : read.length;
  if (length !== expanded.length) {
    const images = imageTokens > 0 ? `, ${imageTokens} of them of images,` : "";
    return `read ${length} prompt tokens where ${expanded.length}${images} were meant`;
  }
  if (typeof read === "number") return undefined;
  const at = expanded.findIndex((token, place) => token !== read[place]);
  if (at < 0) return undefined;
  return `read another prompt of ${length} tokens: token ${at} is ${read[at]}, ${expanded[at]} was meant`;
}

/** @throws ConfigError for what a server does not take */
function requireTaken({ kind }: Server, { prompt, responses }: TokenCall): void {
  if (kind !== "llama") return;
  if (prompt.images.length > 0) {
    throw new ConfigError(
      "llama.cpp takes no images beside tokens: leave --processor out, so that chats are asked",
    );
  }
  if (responses !== 1) throw new ConfigError("llama.cpp gives one response a request by its token route");
}

/**
 * A call as a request whose answer is checked: prompt read as it was meant, as many responses as asked for, a log-prob
 * for every token. What was read otherwise is an error of kind `refused`: another attempt would not mend it.
 * @throws ConfigError for what the server does not take
 */
export function tokenExchange(server: Server, call: TokenCall): Exchange<TokenAnswer> {
  requireTaken(server, call);
  const { path, body, read, cure } = ROUTES[server.kind];
  const { name } = SERVERS[server.kind];
  const who = `${name} ${server.version}`;
  return {
    ...{ path, isBesideApi: true, body: JSON.stringify(body(call, server)) },
    read(text) {
      const answer = read(text);
      if ("problem" in answer) return answer;
      const { prompt, responses, ends } = answer;
      const givenUp = ends.find(({ type }) => GIVEN_UP.includes(type));
      if (givenUp) {
        const problem = `${who} gave a response up (${givenUp.message ?? givenUp.type}); see its log`;
        return { kind: "broken", problem };
      }
      const difference = differenceOf(call.prompt, prompt);
      if (difference !== undefined) {
        const advice = call.prompt.imageTokens > 0 ? `; if only images differ, ${cure}` : "";
        const problem = `${who} ${difference}: its processor is not the one named here (${call.prompt.processor})${advice}`;
        return { kind: "refused", problem };
      }
      if (responses.length !== call.responses)
        return { problem: `${who} gave ${responses.length} responses, ${call.responses} were asked for` };
      const odd = responses.find(({ tokens, logProbs = tokens }) => tokens.length !== logProbs.length);
      if (odd)
        return { problem: `${who} gave ${odd.tokens.length} tokens and ${odd.logProbs?.length} log-probs` };
      return { responses };
    },
  };
}
