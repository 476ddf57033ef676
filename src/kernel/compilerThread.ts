/**
 * @module The compiler's thread: answers one question after another.
 */
import process from "node:process";
import { workerData } from "node:worker_threads";
import { messageOf } from "../core/errors.js";
import { startConverter } from "./converter.js";
import { ANSWERED, type Answer, ENDED, type Question, type ThreadData } from "./remoteCompiler.js";

const { library, questions, state } = workerData as ThreadData;

function wake(as: number): void {
  Atomics.store(state, 0, as);
  Atomics.notify(state, 0);
}
process.on("exit", () => wake(ENDED)); // whoever waits would wait for ever

const compiler = startConverter(library);

function answerOf({ method, args }: Question): Answer {
  try {
    return { value: Reflect.apply(compiler[method], compiler, args) };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

questions.on("message", (question: Question) => {
  questions.postMessage(answerOf(question));
  wake(ANSWERED);
});
