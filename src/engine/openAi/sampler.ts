/**
 * @module Responses by a token route: the sampler of a server, at the weights that a name stands for.
 */
import type { Requests } from "../../core/chat/openai.js";
import { given } from "../../core/given.js";
import { Rng, type RngKey } from "../../core/rng.js";
import type { Processor } from "../../model/processor.js";
import type { Decoding, Sampled, SampleRequest, Sampler, Watch } from "../engine.js";
import type { Server } from "./server.js";
import { type TokenAnswer, type TokenCall, tokenExchange, type WireSampling } from "./tokenRoutes.js";
import { wirePrompt } from "./wirePrompt.js";

/** A model or adapter as a server knows it, and the optimizer steps that its weights have seen. */
export interface ServedPolicy {
  readonly name: string;
  readonly policyStep: number;
}

export interface ServerSamplerParts {
  readonly server: Server;
  readonly requests: Requests;
  readonly processor: Pick<Processor, "imageToken" | "dir">;
  /** What answers this request. */
  readonly policy: (decoding: Decoding) => Promise<ServedPolicy>;
  /** Called when the server no longer knows the policy; resolves when it does again. */
  readonly revive: (policy: ServedPolicy, error: unknown) => Promise<void>;
}

/** Seeds that servers take are below this. */
const SEEDS = 2 ** 31;

/** The seed of a response, from its stream; where a request has one, that of its first: every prompt has its own. */
export function seedOf(key: RngKey): number {
  return Rng.fromKey(key).split("server seed").integer(0, SEEDS);
}

function samplingOf(
  { isGreedy, temperature, topP, topK, maxTokens }: Decoding,
  keys?: readonly RngKey[],
): WireSampling {
  return {
    ...{ temperature: isGreedy ? 0 : temperature, topP: isGreedy ? 1 : topP, topK: isGreedy ? 0 : topK },
    ...{ repetitionPenalty: 1, maxTokens },
    ...given({ seeds: keys?.map(seedOf) }),
  };
}

const sampledOf = ({ responses }: TokenAnswer, policyStep: number): Sampled[] =>
  responses.map(({ tokens, logProbs = [], stopReason }) => ({
    ...{ tokens: Int32Array.from(tokens), logProbs: Float32Array.from(logProbs), stopReason, policyStep },
  }));

export function createServerSampler(parts: ServerSamplerParts): Sampler {
  const { server, requests, processor, policy, revive } = parts;
  const ask = async (call: TokenCall, served: ServedPolicy, signal: AbortSignal | undefined) => {
    const send = () => requests.send(async () => tokenExchange(server, call), signal);
    try {
      return await send();
    } catch (error) {
      await revive(served, error);
      return send();
    }
  };
  return {
    async sample({ prompts, responses, decoding, streams }: SampleRequest, watch?: Watch) {
      const served = await policy(decoding);
      const total = responses * prompts.length;
      let done = 0;
      return Promise.all(
        prompts.map(async (prompt, p) => {
          const call = {
            ...{
              model: served.name,
              isAdapter: true,
              prompt: await wirePrompt(prompt, processor),
              responses,
            },
            sampling: samplingOf(decoding, streams?.[p]),
          };
          // A signal of its own for each: hundreds of listeners on the caller's would look like a leak.
          const answer = await ask(call, served, watch?.signal && AbortSignal.any([watch.signal]));
          done += responses;
          watch?.onProgress?.({ phase: "rollout", done, total });
          return sampledOf(answer, served.policyStep);
        }),
      );
    },
  };
}
