/**
 * @module Rollouts of a 6 M-parameter model: this project's `generate` against that of transformers, the same weights
 * and prompts, temperature 1, a fixed number of new tokens.
 */
import { z } from "zod";
import { Rng } from "../../../src/core/rng.js";
import { generate } from "../../../src/engine/local/generate.js";
import { createLocalPolicy } from "../../../src/engine/local/localPolicy.js";
import type { LocalPolicy } from "../../../src/engine/local/policy.js";
import type { Model } from "../../../src/model/load.js";
import { promptTokens } from "../../../src/model/patchPrompt.js";
import { tokenPrompt } from "../../../src/model/prompt.js";
import type { Prompt } from "../../../src/records.js";
import { interleave, type Repetitions, type Side, type Timing, timed } from "./interleave.js";
import type { Peer } from "./peer.js";

const NEW_TOKENS = 128;
/** Ordinary tokens of every vocabulary here. */
export const ORDINARY = 512;

export interface Workload {
  readonly prompts: number;
  /** Responses per prompt. */
  readonly responses: number;
  readonly promptLength: number;
}

/** The first as in training, where a prompt has an image in it and several responses; the others one of each. */
export const WORKLOADS: readonly Workload[] = [
  { prompts: 8, responses: 8, promptLength: 128 },
  { prompts: 64, responses: 1, promptLength: 32 },
  { prompts: 16, responses: 1, promptLength: 32 },
  { prompts: 1, responses: 1, promptLength: 32 },
];

export interface RolloutResult extends Workload {
  readonly newTokens: number;
  readonly timings: readonly Timing[];
}

function promptsOf({ prompts, promptLength }: Workload): Prompt[] {
  const draws = Rng.fromSeed(3).split("speed", "prompts");
  return Array.from({ length: prompts }, (_, at) =>
    tokenPrompt(
      Int32Array.from({ length: promptLength }, () => draws.integer(0, ORDINARY)),
      `prompt ${at}`,
    ),
  );
}

/** These prompts have no images. */
const NO_IMAGE = -1;

/** Samples every response from a stream of its own; the policy's responses must not end by themselves. */
export function ownRollouts(policy: LocalPolicy, workload: Workload, newTokens = NEW_TOKENS): Side {
  const { responses } = workload;
  const prompts = promptsOf(workload);
  const decoding = { temperature: 1, isGreedy: false, topP: 1, topK: 0, maxTokens: newTokens };
  let repeat = 0;
  return {
    name: "sharegrpo",
    run: () => {
      const rng = Rng.fromSeed(4).split("speed", repeat++);
      const streams = prompts.map((_, at) =>
        Array.from({ length: responses }, (__, response) => rng.split(at, response).key),
      );
      return timed(() => generate(policy, { prompts, responses, decoding, streams }));
    },
  };
}

/** A row of tokens per response, as trainers ask `generate` for them. */
export function promptRows(workload: Workload): number[][] {
  return promptsOf(workload).flatMap((prompt) =>
    Array.from({ length: workload.responses }, () => [...promptTokens(prompt, NO_IMAGE)]),
  );
}

function peerSide(peer: Peer, workload: Workload): Side {
  const rows = promptRows(workload);
  return {
    name: "transformers generate",
    run: () => peer.time({ op: "generate.run", prompts: rows, newTokens: NEW_TOKENS }),
  };
}

export interface RolloutOptions {
  readonly model: Model;
  readonly workloads: readonly Workload[];
  readonly peer?: Peer;
  readonly repetitions: Repetitions;
  readonly onRound?: (done: number, total: number) => void;
}

export async function benchRollouts(options: RolloutOptions): Promise<RolloutResult[]> {
  const { model, peer, repetitions, onRound } = options;
  const endless = { ...model.config, tokens: { ...model.config.tokens, eos: [] } };
  const policy = createLocalPolicy({ ...model, config: endless });
  if (peer) await peer.call({ op: "generate.setup", model: model.dir }, z.unknown());
  const results: RolloutResult[] = [];
  for (const workload of options.workloads) {
    const sides = [ownRollouts(policy, workload), ...(peer ? [peerSide(peer, workload)] : [])];
    const timings = await interleave(sides, repetitions, onRound);
    results.push({ ...workload, newTokens: NEW_TOKENS, timings });
  }
  return results;
}
