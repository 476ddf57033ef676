/**
 * @module Answers Jupyter's requests with cells. Knows messages, not sockets.
 *
 * Cells run one after another; completion and hovering are answered between their awaits. After a failed cell the ones
 * already waiting are aborted, unless their sender asked to go on.
 */
import process from "node:process";
import { messageOf } from "../core/errors.js";
import type { CellOutcome, CellSink, Cells } from "./cells.js";
import { codePointIndex, utf16Index } from "./codePoints.js";
import { KERNEL_DISPLAY_NAME, LANGUAGE_INFO, TSLAB_VERSION } from "./language.js";
import { joinStreams } from "./streamJoiner.js";
import { createTurns } from "./turns.js";
import { type Content, type Outgoing, PROTOCOL_VERSION, type Request } from "./wire.js";

export interface KernelOptions {
  /** Called with the first request that needs it; loading the library takes half a second. */
  readonly startCells: () => Cells;
  /** Sends to all front ends. */
  readonly publish: (message: Outgoing) => void;
  /** Told to end the process, after the reply. */
  readonly onShutdown: () => void;
  /** Milliseconds from any origin. */
  readonly now: () => number;
}

/** Sends the answer to whom asked. */
export type Reply = (type: string, content: Content) => void;

export interface Kernel {
  /** Answers one request. Call it in the order of arrival, without waiting. */
  handle(request: Request, reply: Reply): Promise<void>;
  /** Starts what the first cell will need. */
  warmUp(): void;
}

const OK = { status: "ok" } as const;

function kernelInfo(): Content {
  return {
    ...OK,
    protocol_version: PROTOCOL_VERSION,
    implementation: "tslab",
    implementation_version: TSLAB_VERSION,
    banner: `${KERNEL_DISPLAY_NAME} ${TSLAB_VERSION}, TypeScript ${LANGUAGE_INFO.version}, Node ${process.versions.node}`,
    language_info: LANGUAGE_INFO,
    help_links: [],
  };
}

function textOf(content: Content, key: string): string {
  const value = content[key];
  return typeof value === "string" ? value : "";
}

/** The cursor in UTF-16 units. */
function cursorOf(content: Content): number {
  const { code, cursor_pos: cursor } = content;
  return typeof code === "string" && typeof cursor === "number" ? utf16Index(code, cursor) : 0;
}

function completion(cells: Cells, content: Content): Content {
  const code = textOf(content, "code");
  const { start, end, candidates } = cells.complete(code, cursorOf(content));
  return {
    ...OK,
    matches: candidates,
    cursor_start: codePointIndex(code, start),
    cursor_end: codePointIndex(code, end),
    metadata: {},
  };
}

function inspection(cells: Cells, content: Content): Content {
  const text = cells.inspect(textOf(content, "code"), cursorOf(content));
  return { ...OK, found: text !== undefined, data: text ? { "text/plain": text } : {}, metadata: {} };
}

function completeness(cells: Cells, content: Content): Content {
  const { isComplete, indent } = cells.isComplete(textOf(content, "code"));
  return isComplete ? { status: "complete" } : { status: "incomplete", indent };
}

/** Answers that need no turn; undefined: the protocol says to ignore what one does not know. */
function answer(request: Request, cells: () => Cells): Content | undefined {
  const { header, content } = request;
  switch (header.msg_type) {
    case "kernel_info_request":
      return kernelInfo();
    case "complete_request":
      return completion(cells(), content);
    case "inspect_request":
      return inspection(cells(), content);
    case "is_complete_request":
      return completeness(cells(), content);
    case "comm_info_request":
      return { ...OK, comms: {} };
    case "history_request":
      return { ...OK, history: [] };
    case "interrupt_request":
      cells().interrupt();
      return OK;
    case "shutdown_request":
      return { ...OK, restart: content["restart"] === true };
    default:
      return undefined;
  }
}

/** What is published of one cell while it runs. */
function sinkFor(parent: Request, { publish, now }: KernelOptions) {
  const joiner = joinStreams({
    send: (name, text) => publish({ type: "stream", content: { name, text }, parent }),
    now,
  });
  const sink: CellSink = {
    stream: joiner.write,
    display(message, isUpdate) {
      joiner.flush();
      const type = isUpdate ? "update_display_data" : "display_data";
      publish({ type, content: { ...message }, parent });
    },
  };
  return { sink, flush: joiner.flush };
}

function executeReply(outcome: CellOutcome, count: number): Content {
  if (outcome.kind === "done") return { ...OK, execution_count: count, payload: [], user_expressions: {} };
  const { name, message, traceback } = outcome.error;
  return { status: "error", execution_count: count, ename: name, evalue: message, traceback };
}

/** Runs one cell and publishes what comes of it. @returns the content of its reply */
async function runCell(
  request: Request,
  count: number,
  { cells, options }: { cells: Cells; options: KernelOptions },
): Promise<Content> {
  const source = textOf(request.content, "code");
  const say = (type: string, content: Content) => {
    if (request.content["silent"] !== true) options.publish({ type, content, parent: request });
  };
  say("execute_input", { code: source, execution_count: count });
  const { sink, flush } = sinkFor(request, options);
  const outcome = await cells.run({ source, count, sink });
  flush();
  if (outcome.value) say("execute_result", { ...outcome.value, execution_count: count });
  const content = executeReply(outcome, count);
  if (outcome.kind === "failed") {
    const { ename, evalue, traceback } = content;
    options.publish({ type: "error", content: { ename, evalue, traceback }, parent: request });
  }
  return content;
}

/** The answer to a request that needs no turn. */
function answerOrError(request: Request, cells: () => Cells): Content | undefined {
  try {
    return answer(request, cells);
  } catch (error) {
    // A fault of the compiler in one completion must not end the session.
    const evalue = messageOf(error);
    return { status: "error", ename: "KernelError", evalue, traceback: [evalue] };
  }
}

export function createKernel(options: KernelOptions): Kernel {
  const turns = createTurns();
  let started: Cells | undefined;
  let executionCount = 0;
  let running: Request | undefined;
  const cells = () => {
    started ??= options.startCells();
    return started;
  };
  const setState = (state: "busy" | "idle", parent: Request) =>
    options.publish({ type: "status", content: { execution_state: state }, parent });

  const execute = async (request: Request, reply: Reply, isAborted: boolean): Promise<boolean> => {
    running = request;
    setState("busy", request);
    if (!isAborted && request.content["silent"] !== true) executionCount++;
    const content = isAborted
      ? { status: "aborted" }
      : await runCell(request, executionCount, { cells: cells(), options });
    reply("execute_reply", content);
    running = undefined;
    setState("idle", request);
    return content["status"] === "error" && request.content["stop_on_error"] !== false;
  };

  return {
    async handle(request, reply) {
      const { msg_type: type } = request.header;
      if (type === "execute_request") return turns.take((isAborted) => execute(request, reply, isAborted));
      setState("busy", request);
      const content = answerOrError(request, cells);
      if (content) reply(type.replace(/_request$/, "_reply"), content);
      setState("idle", request);
      if (running) setState("busy", running); // front ends show the newest state
      if (type === "shutdown_request") options.onShutdown();
    },
    warmUp: () => void cells(),
  };
}
