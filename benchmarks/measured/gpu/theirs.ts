/**
 * @module PyTorch's side of the card's benchmark: a process that is started anew when a job has taken it along.
 */
import { z } from "zod";
import type { Device, Precision } from "../../../src/compile/runtime/session.js";
import { messageOf } from "../../../src/core/errors.js";
import { given } from "../../../src/core/given.js";
import { parseNetwork } from "../../../src/model/families.js";
import { modelFolder } from "../../../src/model/load.js";
import { loadProcessor } from "../../../src/model/processor.js";
import { type Peer, startPeer } from "../speed/peer.js";
import { RL_LEARNING_RATE, RL_SIZES, rlPrompts, rlQuestions } from "../speed/rlStep.js";
import { ORDINARY, promptRows } from "../speed/rollouts.js";
import { textBatch, textRows } from "../speed/textLoss.js";
import {
  type Failed,
  type GpuPart,
  isTrainingStep,
  type Job,
  LEARNING_RATE,
  type Measured,
  PREFILL,
  ROLLOUTS,
} from "./jobs.js";
import { type GpuSize, type Plan, textSizes } from "./model.js";
import { limitOf } from "./ownProcess.js";

const measuredSchema = z.object({
  milliseconds: z.array(z.number()).min(1),
  values: z.array(z.number()).optional(),
  bytes: z.number().optional(),
});

export interface Theirs {
  /** Of the first process; why there is none. */
  versions(): string;
  /** Whether a part can be asked for. */
  does(part: GpuPart): Promise<boolean>;
  measure(model: TheirModel, job: Job, isCompiled?: boolean): Promise<Measured | Failed>;
  close(): void;
}

/** A model as the peer is told of it. */
export interface TheirModel {
  readonly size: GpuSize;
  readonly plan: Plan;
  readonly block: string;
}

async function requestOf({ size, plan }: TheirModel, { part, precision, series }: Job, isCompiled: boolean) {
  const common = { precision, series };
  if (isTrainingStep(part)) {
    const sizes = textSizes(size);
    const { config } = parseNetwork(plan.json, size);
    const batch = textRows(textBatch(config, sizes, ORDINARY), sizes);
    return { op: "time.step", ...batch, learningRate: LEARNING_RATE, isCompiled, ...common };
  }
  if (part === "rl") {
    const processor = await loadProcessor(modelFolder("tiny"));
    const prompts = await rlPrompts(processor, await rlQuestions(processor));
    const { responses, newTokens } = RL_SIZES;
    return { op: "time.rl", prompts, responses, newTokens, learningRate: RL_LEARNING_RATE, ...common };
  }
  const workload = part === "prefill" ? PREFILL : ROLLOUTS;
  return { op: "time.generate", prompts: promptRows(workload), newTokens: workload.newTokens, ...common };
}

/** What TensorFloat-32 and bfloat16 are compared with: the same, but `generate` in bfloat16 wherever a card is. */
export function theirPrecision(part: GpuPart, precision: Precision, device: Device): Precision {
  if (part !== "prefill" && part !== "decode") return precision;
  return device === "cuda" ? "bf16" : "float32";
}

/** @param python the interpreter; it is started when it is first asked */
export function theirSide(python: string, device: Device): Theirs {
  let running: Promise<Peer | { readonly missing: string }> | undefined;
  let current: Peer | undefined;
  let told: Plan | undefined;
  let versions = "none";
  const start = async () => {
    if (current?.hasEnded()) running = undefined;
    running ??= startPeer(python, { folder: "gpu", args: [device] });
    const found = await running;
    if ("missing" in found) versions = found.missing;
    else if (found !== current) {
      [current, told, versions] = [found, undefined, found.versions];
    }
    return found;
  };
  const ask = async (peer: Peer, model: TheirModel, job: Job, isCompiled: boolean) => {
    if (told !== model.plan) {
      const { json: config, rules } = model.plan;
      await peer.call({ op: "model.setup", config, rules, block: model.block }, z.unknown());
      told = model.plan;
    }
    return peer.call(await requestOf(model, job, isCompiled), measuredSchema);
  };
  return {
    versions: () => versions,
    async does(part) {
      const peer = await start();
      return !("missing" in peer) && (part !== "rl" || peer.has.trl);
    },
    async measure(model, job, isCompiled = false) {
      const { part, precision } = job;
      let timer: NodeJS.Timeout | undefined;
      let isLate = false;
      try {
        const peer = await start();
        if ("missing" in peer) return { part, precision, error: peer.missing };
        timer = setTimeout(() => {
          isLate = true;
          peer.kill();
        }, 1000 * limitOf(job));
        const { milliseconds, ...rest } = await ask(peer, model, job, isCompiled);
        return { part, precision, milliseconds, ...given(rest) };
      } catch (error) {
        const late = `took longer than ${limitOf(job)} s`;
        return { part, precision, error: isLate ? late : messageOf(error) };
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => current?.close(),
  };
}
