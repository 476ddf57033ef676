/**
 * @module The thread an engine lives on: answers the requests of remoteEngine.ts one after another.
 */
import { parentPort, workerData } from "node:worker_threads";
import { messageOf } from "../core/errors.js";
import { type Engine, type EngineSettings, loadEngine } from "./engine.js";
import type { Reply, Request } from "./remoteEngine.js";

const port = parentPort;
if (!port) throw new Error("engineWorker: runs as a worker thread only");

let engine: Promise<Engine> | undefined;

function answer(target: Engine, { id, method, args }: Request): Promise<unknown> {
  if (method === "generate") {
    return target.generate(args[0], (event) => port?.postMessage({ id, progress: event } satisfies Reply));
  }
  if (method === "logProbs") return target.logProbs(args[0]);
  if (method === "update") return target.update(...args);
  if (method === "save") return target.save(...args);
  return target.restore(args[0]);
}

let queue = Promise.resolve();
port.on("message", (request: Request) => {
  queue = queue.then(async () => {
    const { id } = request;
    try {
      engine ??= loadEngine(workerData as EngineSettings);
      port.postMessage({ id, result: await answer(await engine, request) } satisfies Reply);
    } catch (error) {
      const name = error instanceof Error ? error.constructor.name : "Error";
      port.postMessage({ id, error: { name, message: messageOf(error) } } satisfies Reply);
    }
  });
});
