/**
 * @module An engine on a worker thread, so that the asking thread stays free for progress, Ctrl-C and notebooks.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import * as errors from "../core/errors.js";
import type { OnProgress, ProgressEvent } from "../core/progress.js";
import type { Engine, EngineSettings } from "./engine.js";

type Method = "generate" | "logProbs" | "update" | "save" | "restore";

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

/** The worker's compiled file, also when this module runs from TypeScript source. */
function workerFile(): URL {
  const beside = new URL("./engineWorker.js", import.meta.url);
  if (existsSync(fileURLToPath(beside))) return beside;
  const built = new URL("../../dist/src/train/engineWorker.js", import.meta.url);
  if (existsSync(fileURLToPath(built))) return built;
  throw new errors.ConfigError(`${fileURLToPath(built)}: missing: run \`npm run build\` first`);
}

/** The error a worker reported, in its own class. */
function revive({ name, message }: { readonly name: string; readonly message: string }): Error {
  const { ConfigError, DataError, ShapeError, ModelError, CheckpointError, CompileError } = errors;
  const classes = { ConfigError, DataError, ShapeError, ModelError, CheckpointError, CompileError };
  const found = Object.entries(classes).find(([known]) => known === name)?.[1];
  return found ? new found(message) : new Error(message);
}

/** Starts a thread with an engine of its own. The thread keeps the process alive only while a call is in progress. */
export function startRemoteEngine(settings: EngineSettings): Engine {
  const worker = new Worker(workerFile(), { workerData: settings });
  worker.unref();
  const pending = new Map<number, Pending>();
  let calls = 0;
  const settle = (id: number): Pending | undefined => {
    const call = pending.get(id);
    pending.delete(id);
    if (pending.size === 0) worker.unref();
    return call;
  };
  const failAll = (error: Error) => {
    for (const id of [...pending.keys()]) settle(id)?.reject(error);
  };
  worker.on("message", (reply: Reply) => {
    if ("progress" in reply) pending.get(reply.id)?.onProgress?.(reply.progress);
    else if ("error" in reply) settle(reply.id)?.reject(revive(reply.error));
    else settle(reply.id)?.resolve(reply.result);
  });
  worker.on("error", failAll);
  worker.on("exit", () => failAll(new Error("engine: its thread ended before it answered")));
  const ask = <Result>(method: Method, args: readonly unknown[], onProgress?: OnProgress): Promise<Result> =>
    new Promise<Result>((resolve, reject) => {
      const id = calls++;
      pending.set(id, { resolve: (result) => resolve(result as Result), reject, onProgress });
      worker.ref();
      worker.postMessage({ id, method, args });
    });
  return {
    generate: (request, onProgress) => ask("generate", [request], onProgress),
    logProbs: (units) => ask("logProbs", [units]),
    update: (units, at) => ask("update", [units, at]),
    save: (parent, state) => ask("save", [parent, state]),
    restore: (folder) => ask("restore", [folder]),
    close: async () => {
      await worker.terminate();
    },
  };
}
