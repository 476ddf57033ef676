/**
 * @module An engine in a process of its own, so that the asking one stays free for progress, Ctrl-C and notebooks.
 *
 * A process and not a thread: graphs free and take large buffers all the time, and only at a process's start can glibc
 * be told to keep them. Without that, page faults cost a third of the speed; with an arena per graph instead, gigabytes.
 */
import { type ChildProcess, fork } from "node:child_process";
import process from "node:process";
import * as errors from "../../core/errors.js";
import { compiledProgram } from "../../core/files/compiledProgram.js";
import { ENGINE_ABILITIES, withAdapters } from "../abilities.js";
import type { Engine, Watch } from "../engine.js";
import type { EngineSettings } from "../local/engine.js";
import { type Answers, type Calls, createImageLedger, type Method, type Reply } from "./wire.js";

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly watch: Watch;
}

/** The error an engine reported, in its own class. */
function revive({ name, message }: { readonly name: string; readonly message: string }): Error {
  const { ConfigError, DataError, ShapeError, ModelError, CheckpointError, CompileError } = errors;
  const classes = { ConfigError, DataError, ShapeError, ModelError, CheckpointError, CompileError };
  const found = Object.entries(classes).find(([known]) => known === name)?.[1];
  return found ? new found(message) : new Error(message);
}

/** Tells glibc to keep freed memory for the next buffer instead of giving it back; other systems ignore it. */
const KEEP_FREED_MEMORY = { MALLOC_TRIM_THRESHOLD_: "4000000000", MALLOC_MMAP_THRESHOLD_: "4000000000" };

/**
 * Layer by layer, buffers of megabytes come and go between others that stay. What is freed goes back at once: kept, it
 * would lie in holes that nothing else fits in, in a heap of each thread; and new pages are cheap where they have 2 MB,
 * which are also read faster.
 */
const GIVE_FREED_MEMORY_BACK = {
  MALLOC_MMAP_THRESHOLD_: String(2 ** 22),
  MALLOC_ARENA_MAX: "1",
  GLIBC_TUNABLES: "glibc.malloc.hugetlb=1",
};

/** Calls to a process and their answers. */
function openChannel(child: ChildProcess) {
  const pending = new Map<number, Pending>();
  const ledger = createImageLedger();
  let calls = 0;
  let ended: Error | undefined;
  const settle = (id: number): Pending | undefined => {
    const call = pending.get(id);
    pending.delete(id);
    return call;
  };
  const failAll = (error: Error) => {
    for (const id of [...pending.keys()]) settle(id)?.reject(error);
  };
  child.on("message", (message) => {
    const reply = message as Reply;
    if ("progress" in reply) return pending.get(reply.id)?.watch.onProgress?.(reply.progress);
    const call = settle(reply.id);
    if ("result" in reply) return call?.resolve(reply.result);
    call?.reject(call.watch.signal?.aborted ? (call.watch.signal.reason as Error) : revive(reply.error));
  });
  child.on("error", failAll);
  child.on("exit", (code, signal) => {
    ended = new errors.ModelError(
      `engine: its process ended (${signal ?? code}): if memory ran out, lower rollout.maxRows`,
    );
    failAll(ended);
  });

  async function ask<Name extends Method>(
    method: Name,
    args: Calls[Name],
    watch: Watch = {},
  ): Promise<Answers[Name]> {
    if (ended) throw ended;
    watch.signal?.throwIfAborted();
    const id = calls++;
    const abort = () => child.connected && child.send({ abort: id });
    const answer = new Promise<Answers[Name]>((resolve, reject) => {
      pending.set(id, { resolve: (result) => resolve(result as Answers[Name]), reject, watch });
    });
    watch.signal?.addEventListener("abort", abort, { once: true });
    child.send({ id, method, ...ledger.pack(args) });
    try {
      return await answer;
    } finally {
      watch.signal?.removeEventListener("abort", abort);
    }
  }
  return { ask, hasEnded: () => ended !== undefined };
}

/** Starts a process with an engine of its own; the model is loaded with the first call. */
export function startEngine(settings: EngineSettings): Engine {
  const child = fork(compiledProgram("src/engine/process/program.js"), [JSON.stringify(settings)], {
    serialization: "advanced",
    env: { ...(settings.local.lora ? GIVE_FREED_MEMORY_BACK : KEEP_FREED_MEMORY), ...process.env },
  });
  const { ask, hasEnded } = openChannel(child);
  return {
    abilities: settings.local.lora ? withAdapters(ENGINE_ABILITIES.process) : ENGINE_ABILITIES.process,
    sampler: { sample: (request, watch) => ask("sample", [request], watch) },
    learner: {
      logProbs: (request, watch) => ask("logProbs", [request], watch),
      accumulate: (lessons, loss, watch) => ask("accumulate", [lessons, loss], watch),
      apply: (step) => ask("apply", [step]),
      keep: () => ask("keep", []),
      rollback: () => ask("rollback", []),
      save: (...args) => ask("save", args),
      restore: (folder, policyStep) => ask("restore", [folder, policyStep]),
    },
    publish: () => Promise.resolve(),
    report: () => ask("report", []),
    close: async () => {
      if (hasEnded()) return;
      const exited = new Promise((resolve) => child.once("exit", resolve));
      child.disconnect();
      await exited;
    },
  };
}
