/**
 * @module The compiler in a thread of its own: it starts while the sockets already answer and the library is loaded,
 * and a person's questions wait for it like calls.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { Compiler } from "./compiler.js";

/** What can be asked of the thread. */
type Method = Exclude<keyof Compiler, "close">;

export interface Question {
  readonly method: Method;
  readonly args: readonly unknown[];
}

export interface Answer {
  readonly value?: unknown;
  /** What went wrong in the compiler itself. */
  readonly error?: string;
}

export interface ThreadData {
  readonly library: string;
  readonly questions: MessagePort;
  /** One number, shared: `WAITING`, `ANSWERED` or `ENDED`. */
  readonly state: Int32Array;
}

const WAITING = 0;
export const ANSWERED = 1;
export const ENDED = 2;

/** No cell takes this long to compile, milliseconds. */
const PATIENCE_MS = 300_000;

/** Starts the thread; the first question waits for it. @param library the library's declaration file */
export function startCompiler(library: string): Compiler {
  const state = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const { port1: port, port2: questions } = new MessageChannel();
  const workerData: ThreadData = { library, questions, state };
  const worker = new Worker(new URL("./compilerThread.js", import.meta.url), {
    workerData,
    transferList: [questions],
    execArgv: [], // the compiler has no source maps to read
  });
  worker.unref();

  const ask = (method: Method, args: readonly unknown[]): unknown => {
    const question: Question = { method, args };
    port.postMessage(question);
    Atomics.wait(state, 0, WAITING, PATIENCE_MS);
    Atomics.compareExchange(state, 0, ANSWERED, WAITING);
    const message: Answer | undefined = receiveMessageOnPort(port)?.message;
    if (!message) throw new Error("kernel: the compiler has ended: restart the kernel");
    if (message.error !== undefined) throw new Error(`kernel: the compiler failed: ${message.error}`);
    return message.value;
  };
  const remote =
    <M extends Method>(method: M) =>
    (...args: Parameters<Compiler[M]>) =>
      ask(method, args) as ReturnType<Compiler[M]>;
  return {
    convert: remote("convert"),
    addModule: remote("addModule"),
    inspect: remote("inspect"),
    complete: remote("complete"),
    isCompleteCode: remote("isCompleteCode"),
    metadataOf: remote("metadataOf"),
    close: () => void worker.terminate(),
  };
}
