/**
 * @module Rollouts of the 6 M-parameter model: this project's `generate` against that of transformers, the same weights
 * and prompts, temperature 1, a fixed number of new tokens.
 */
import { z } from "zod";
import { Rng } from "../../src/core/rng.js";
import type { Model } from "../../src/model/load.js";
import type { Prompt } from "../../src/model/prompt.js";
import { generate } from "../../src/rollout/generate.js";
import { createLocalPolicy, type LocalPolicy } from "../../src/rollout/localPolicy.js";
import { interleave, type Repetitions, type Side, type Timing, timed } from "./interleave.js";
import type { Peer } from "./peer.js";

const PROMPT_LENGTH = 32;
const NEW_TOKENS = 128;
/** Ordinary tokens of every vocabulary here. */
const ORDINARY = 512;
export const BATCHES = [64, 16, 1] as const;

export interface RolloutResult {
  readonly batch: number;
  readonly promptLength: number;
  readonly newTokens: number;
  readonly timings: readonly Timing[];
}

function prompts(batch: number): Prompt[] {
  const draws = Rng.fromSeed(3).split("speed", "prompts");
  return Array.from({ length: batch }, () => ({
    tokens: Int32Array.from({ length: PROMPT_LENGTH }, () => draws.integer(0, ORDINARY)),
    images: [],
  }));
}

function ownSide(policy: LocalPolicy, batch: number): Side {
  let repeat = 0;
  return {
    name: "sharegrpo",
    run: () => {
      const rng = Rng.fromSeed(4).split("speed", repeat++);
      const sampling = { temperature: 1, isGreedy: false, topP: 1, topK: 0, maxTokens: NEW_TOKENS };
      const streams = Array.from({ length: batch }, (_, prompt) => [rng.split(prompt).key]);
      return timed(() =>
        generate(policy, { prompts: prompts(batch), responses: 1, sampling, streams, maxRows: batch }),
      );
    },
  };
}

function peerSide(peer: Peer, batch: number): Side {
  const rows = prompts(batch).map(({ tokens }) => [...tokens]);
  return {
    name: "transformers generate",
    run: () => peer.time({ op: "generate.run", prompts: rows, newTokens: NEW_TOKENS }),
  };
}

export interface RolloutOptions {
  readonly model: Model;
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
  for (const batch of BATCHES) {
    const sides = [ownSide(policy, batch), ...(peer ? [peerSide(peer, batch)] : [])];
    const timings = await interleave(sides, repetitions, onRound);
    results.push({ batch, promptLength: PROMPT_LENGTH, newTokens: NEW_TOKENS, timings });
  }
  return results;
}
