/**
 * @module The process an engine lives in: answers the requests of engineInProcess.ts one after another.
 */
import process from "node:process";
import { messageOf } from "../../core/errors.js";
import { type Engine, type EngineSettings, loadEngine } from "../local/engine.js";
import type { Reply, Request } from "./engineInProcess.js";

const settings = JSON.parse(process.argv[2] ?? "{}") as EngineSettings;
let engine: Promise<Engine> | undefined;

function send(reply: Reply): void {
  process.send?.(reply);
}

function answer(target: Engine, { id, method, args }: Request): Promise<unknown> {
  if (method === "generate") return target.generate(args[0], (progress) => send({ id, progress }));
  if (method === "logProbs") return target.logProbs(args[0]);
  if (method === "referenceLogProbs") return target.referenceLogProbs(args[0]);
  if (method === "update") return target.update(...args);
  if (method === "save") return target.save(...args);
  if (method === "restore") return target.restore(args[0]);
  return target.memory();
}

let queue = Promise.resolve();
process.on("message", (request: Request) => {
  queue = queue.then(async () => {
    const { id } = request;
    try {
      engine ??= loadEngine(settings);
      send({ id, result: await answer(await engine, request) });
    } catch (error) {
      const name = error instanceof Error ? error.constructor.name : "Error";
      send({ id, error: { name, message: messageOf(error) } });
    }
  });
});
// Ctrl-C reaches the whole process group, as does a scheduler's notice: the asking process decides when to stop.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => undefined);
process.on("disconnect", () => process.exit(0));
