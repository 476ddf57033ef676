/**
 * @module An engine in a process of its own, so that the asking one stays free for progress, Ctrl-C and notebooks.
 *
 * A process and not a thread: graphs free and take large buffers all the time, and only at a process's start can glibc
 * be told to keep them. Without that, page faults cost a third of the speed; with an arena per graph instead, gigabytes.
 */
import { fork } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import * as errors from "../../core/errors.js";
import type { OnProgress, ProgressEvent } from "../../core/progress.js";
import type { Engine, EngineSettings } from "../local/engine.js";

type Method = "generate" | "logProbs" | "referenceLogProbs" | "update" | "save" | "restore" | "memory";

/** A call of an engine's method; `args` without callbacks. */
export type Request = {
  [Name in Method]: {
    readonly id: number;
    readonly method: Name;
    readonly args: Name extends "generate" ? [Parameters<Engine["generate"]>[0]] : Parameters<Engine[Name]>;
  };
}[Method];

/** Progress of a call, or its end. */
export type Reply = { readonly id: number } & (
  | { readonly progress: ProgressEvent }
  | { readonly result: unknown }
  | { readonly error: { readonly name: string; readonly message: string } }
);

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: OnProgress | undefined;
}

/** The engine's compiled program, also when this module runs from TypeScript source. */
function engineProgram(): string {
  const beside = fileURLToPath(new URL("./program.js", import.meta.url));
  if (existsSync(beside)) return beside;
  const built = fileURLToPath(new URL("../../../dist/src/engine/process/program.js", import.meta.url));
  if (existsSync(built)) return built;
  throw new errors.ConfigError(`${built}: missing: run \`npm run build\` first`);
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

/** Starts a process with an engine of its own; the model is loaded with the first request. */
export function startRemoteEngine(settings: EngineSettings): Engine {
  const child = fork(engineProgram(), [JSON.stringify(settings)], {
    serialization: "advanced",
    env: { ...process.env, ...KEEP_FREED_MEMORY },
  });
  const pending = new Map<number, Pending>();
  let calls = 0;
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
    if ("progress" in reply) pending.get(reply.id)?.onProgress?.(reply.progress);
    else if ("error" in reply) settle(reply.id)?.reject(revive(reply.error));
    else settle(reply.id)?.resolve(reply.result);
  });
  child.on("error", failAll);
  let ended: Error | undefined;
  child.on("exit", (code, signal) => {
    ended = new errors.ModelError(
      `engine: its process ended (${signal ?? code}): if memory ran out, lower rollout.maxRows`,
    );
    failAll(ended);
  });
  const ask = <Result>(method: Method, args: readonly unknown[], onProgress?: OnProgress): Promise<Result> =>
    new Promise<Result>((resolve, reject) => {
      if (ended) return reject(ended);
      const id = calls++;
      pending.set(id, { resolve: (result) => resolve(result as Result), reject, onProgress });
      child.send({ id, method, args });
    });
  return {
    generate: (request, onProgress) => ask("generate", [request], onProgress),
    logProbs: (units) => ask("logProbs", [units]),
    referenceLogProbs: (units) => ask("referenceLogProbs", [units]),
    update: (units, at) => ask("update", [units, at]),
    save: (parent, state) => ask("save", [parent, state]),
    restore: (folder) => ask("restore", [folder]),
    memory: () => ask("memory", []),
    close: async () => {
      if (ended) return;
      const exited = new Promise((resolve) => child.once("exit", resolve));
      child.disconnect();
      await exited;
    },
  };
}
