/**
 * @module CUDA graphs of a session: ONNX Runtime captures a run's kernels under a number, and replays them when a run of
 * that number comes again, whatever it is given. So a number stands for one set of addresses. Captures are kept by
 * thread, and as long as the session.
 */
import type { Api } from "./api.js";

/** Says that a run is not to be captured. */
const PLAIN = "-1";

/** Runs of the same addresses before one is captured: a capture costs a few runs. */
const PLAIN_RUNS = 3;

/** Captures of a session at most: each takes memory of the card. */
const MOST_CAPTURES = 32;

/** What is called here. */
export type ReplayApi = Pick<Api, "made" | "CreateRunOptions" | "AddRunConfigEntry"> & {
  readonly free: Pick<Api["free"], "ReleaseRunOptions">;
};

function runOptions(api: ReplayApi, number: string): bigint {
  const made = api.made((out) => api.CreateRunOptions(out));
  api.AddRunConfigEntry(made, "gpu_graph_id", number);
  return made;
}

/** Which runs of a session are captured and replayed. */
export interface Replays {
  /** Options of a run that is neither. */
  readonly plain: bigint;
  /** Options of the next run that reads and fills what is at these addresses. */
  next(addresses: string): bigint;
  /** No set of addresses can be captured any more. */
  isFull(): boolean;
  release(): void;
}

export function replays(api: ReplayApi): Replays {
  const plain = runOptions(api, PLAIN);
  const runs = new Map<string, number>();
  const captures = new Map<string, bigint>();
  const isFull = () => captures.size >= MOST_CAPTURES;
  return {
    plain,
    isFull,
    next(addresses) {
      const captured = captures.get(addresses);
      if (captured !== undefined || isFull()) return captured ?? plain;
      const before = runs.get(addresses) ?? 0;
      runs.set(addresses, before + 1);
      if (before < PLAIN_RUNS) return plain;
      const made = runOptions(api, String(captures.size + 1));
      captures.set(addresses, made);
      runs.delete(addresses);
      return made;
    },
    release() {
      for (const options of [plain, ...captures.values()]) api.free.ReleaseRunOptions(options);
    },
  };
}
