/**
 * @module The process an engine lives in: answers the calls of engineInProcess.ts one after another.
 */
import process from "node:process";
import { messageOf } from "../../core/errors.js";
import { inTurn } from "../../core/inTurn.js";
import type { Engine, Watch } from "../engine.js";
import { type EngineSettings, loadEngine } from "../local/engine.js";
import { type Calls, createImageStore, type Method, type Reply, type Request } from "./wire.js";

type Call = Exclude<Request, { abort: number }>;

const { local, ...settings } = JSON.parse(process.argv[2] ?? "{}") as EngineSettings;
const store = createImageStore();
const running = new Map<number, AbortController>();
let engine: Promise<Engine> | undefined;

function send(reply: Reply): void {
  process.send?.(reply);
}

function answer({ sampler, learner, report }: Engine, call: Call, watch: Watch): Promise<unknown> {
  switch (call.method) {
    case "sample":
      return sampler.sample(...call.args, watch);
    case "logProbs":
      return learner.logProbs(...call.args, watch);
    case "accumulate":
      return learner.accumulate(...call.args, watch);
    case "apply":
      return learner.apply(...call.args);
    case "save":
      return learner.save(...call.args);
    case "restore":
      return learner.restore(...call.args);
    case "report":
      return report();
    default:
      return learner[call.method]();
  }
}

async function serve(call: Call, signal: AbortSignal): Promise<void> {
  const { id } = call;
  try {
    signal.throwIfAborted();
    engine ??= loadEngine({ ...settings, local: { ...local, blocks: true } });
    const onProgress: Watch["onProgress"] = (progress) => send({ id, progress });
    send({ id, result: await answer(await engine, call, { onProgress, signal }) });
  } catch (error) {
    const name = error instanceof Error ? error.constructor.name : "Error";
    send({ id, error: { name, message: messageOf(error) } });
  } finally {
    running.delete(id);
  }
}

const take = inTurn();
process.on("message", (request: Request) => {
  if ("abort" in request) return running.get(request.abort)?.abort(new Error("aborted"));
  const control = new AbortController();
  running.set(request.id, control);
  // At once, in the order in which they were sent: the asking side counts on it, also for a call that it takes back.
  const call = { ...request, args: store.unpack<Calls[Method]>(request) } as Call;
  void take(() => serve(call, control.signal));
});
// Ctrl-C reaches the whole process group, as does a scheduler's notice: the asking process decides when to stop.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => undefined);
process.on("disconnect", () => process.exit(0));
