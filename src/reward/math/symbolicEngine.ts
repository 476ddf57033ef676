/**
 * @module The last step for mathematics that the grader does not read (sums, limits, integrals): the general symbolic
 * engine `@cortex-js/compute-engine`, on a thread of its own that a deadline ends.
 *
 * It is not part of `gradeMath`, because its work cannot be counted in advance: on `9^{9^{9^9}}` it does not return,
 * and a verdict that hangs on the clock would not be the same on every machine. Training therefore goes without it;
 * `sharegrpo grade --symbolic` and `gradeSymbolic` ask it about pairs that would otherwise be wrong as unreadable.
 */
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import type { Verdict } from "../verdict.js";
import { gradeMath } from "./gradeMath.js";

/** A computer algebra engine in a thread with a deadline. */
export interface SymbolicEngine {
  /** Whether two LaTeX expressions have equal values; null when it cannot tell in time. One question at a time. */
  areEqual(a: string, b: string): Promise<boolean | null>;
  close(): Promise<void>;
}

export interface SymbolicEngineOptions {
  /** Time for one answer, milliseconds; loading the engine, at the first question, is not counted. */
  readonly limitMs: number;
}

/** Longer answers are not asked about. */
const LONGEST = 200;

/** Runs on the thread: loads the engine, says so, then answers pairs. */
const THREAD = `
const { parentPort, workerData } = require("node:worker_threads");
const { ComputeEngine } = require(workerData);
const engine = new ComputeEngine();
const compare = ([a, b]) => {
  try {
    const [left, right] = [engine.parse(a), engine.parse(b)];
    return left.isValid && right.isValid ? (left.isEqual(right) ?? null) : null;
  } catch {
    return null;
  }
};
parentPort.on("message", (pair) => parentPort.postMessage(compare(pair)));
parentPort.postMessage("ready");
`;

/** The next message of the thread; null when it fails or the time is over. */
function nextMessage(worker: Worker, limitMs?: number): Promise<unknown> {
  return new Promise((resolve) => {
    const timer = limitMs === undefined ? undefined : setTimeout(() => finish(null), limitMs);
    const finish = (message: unknown) => {
      clearTimeout(timer);
      worker.off("message", finish);
      worker.off("error", fail);
      resolve(message);
    };
    const fail = () => finish(null);
    worker.on("message", finish);
    worker.on("error", fail);
  });
}

/** The thread starts with the first question, and anew after one that took too long. */
export function startSymbolicEngine({ limitMs }: SymbolicEngineOptions): SymbolicEngine {
  const path = createRequire(import.meta.url).resolve("@cortex-js/compute-engine");
  let worker: Worker | undefined;
  const close = async () => {
    await worker?.terminate();
    worker = undefined;
  };
  return {
    async areEqual(a, b) {
      if (!worker) {
        worker = new Worker(THREAD, { eval: true, workerData: path });
        await nextMessage(worker);
      }
      const answer = nextMessage(worker, limitMs);
      worker.postMessage([a, b]);
      const isEqual = await answer;
      if (typeof isEqual === "boolean") return isEqual;
      await close();
      return null;
    },
    close,
  };
}

/** `gradeMath`, and where that cannot read a short answer, the engine's opinion. */
export async function gradeSymbolic(given: string, truth: string, engine: SymbolicEngine): Promise<Verdict> {
  const verdict = gradeMath(given, truth);
  const isShort = given.length <= LONGEST && truth.length <= LONGEST;
  if (verdict.correct || verdict.isUnread !== true || !isShort) return verdict;
  const isEqual = await engine.areEqual(given, truth);
  if (isEqual === null) return { ...verdict, reason: `${verdict.reason}; the symbolic engine cannot tell` };
  return { correct: isEqual, reason: `the symbolic engine finds them ${isEqual ? "equal" : "different"}` };
}
