import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { CellOutcome, CellRequest, Cells } from "../../src/kernel/cells.js";
import { createKernel } from "../../src/kernel/server.js";
import type { Content, Outgoing, Request } from "../../src/kernel/wire.js";

const FAILED: CellOutcome = {
  kind: "failed",
  error: { name: "RangeError", message: "no", traceback: ["RangeError: no"] },
};

/** Cells that do as their source says. */
function scriptedCells(): Cells {
  const run = async ({ source, sink }: CellRequest): Promise<CellOutcome> => {
    await sleep(1);
    if (source === "fail") return FAILED;
    if (source === "value") return { kind: "done", value: { data: { "text/plain": "3" }, metadata: {} } };
    if (source === "show") {
      sink.stream("stdout", "before");
      sink.display({ data: { "text/html": "<b>" }, metadata: {}, transient: { display_id: "a" } }, false);
      sink.display({ data: { "text/html": "<i>" }, metadata: {}, transient: { display_id: "a" } }, true);
    }
    return { kind: "done" };
  };
  return {
    run,
    interrupt: () => undefined,
    // The name before the cursor, and one candidate
    complete: (source, position) => ({
      start: source.lastIndexOf(" ", position - 1) + 1,
      end: position,
      candidates: ["x"],
    }),
    inspect: (source) => (source === "known" ? "const known: number" : undefined),
    isComplete: (source) => ({ isComplete: !source.endsWith("{"), indent: "  " }),
    close: () => undefined,
  };
}

function startKernel() {
  const published: Outgoing[] = [];
  const replies: { type: string; content: Content }[] = [];
  let shutdowns = 0;
  const kernel = createKernel({
    startCells: scriptedCells,
    publish: (message) => published.push(message),
    onShutdown: () => shutdowns++,
    now: () => 0,
  });
  let ids = 0;
  const ask = (type: string, content: Content = {}): Promise<void> => {
    const request = {
      identities: [],
      header: { msg_id: String(ids++), msg_type: type, session: "s" },
      content,
    } as Request;
    return kernel.handle(request, (kind, body) => replies.push({ type: kind, content: body }));
  };
  const execute = (code: string, more: Content = {}) => ask("execute_request", { code, ...more });
  const types = () => published.map(({ type, content }) => content["execution_state"] ?? type);
  return { ask, execute, published, replies, types, shutdowns: () => shutdowns };
}

describe("execute_request", () => {
  it("is announced, numbered, and ends with idle after everything it put out", async () => {
    const { execute, types, replies, published } = startKernel();
    await execute("show");
    await execute("value");
    expect(types()).toEqual([
      ...["busy", "execute_input", "stream", "display_data", "update_display_data", "idle"],
      ...["busy", "execute_input", "execute_result", "idle"],
    ]);
    expect(replies.map(({ content }) => content["execution_count"])).toEqual([1, 2]);
    expect(published[8]?.content).toMatchObject({ execution_count: 2, data: { "text/plain": "3" } });
  });

  it("that fails says why, in its reply and to all", async () => {
    const { execute, published, replies } = startKernel();
    await execute("fail");
    const error = { ename: "RangeError", evalue: "no", traceback: ["RangeError: no"] };
    expect(replies[0]?.content).toMatchObject({ status: "error", ...error });
    expect(published.find(({ type }) => type === "error")?.content).toEqual(error);
  });

  it("aborts those that wait when it fails", async () => {
    const { execute, replies, types } = startKernel();
    await Promise.all([execute("fail"), execute("value"), execute("value")]);
    await execute("value");
    expect(replies.map(({ content }) => content["status"])).toEqual(["error", "aborted", "aborted", "ok"]);
    expect(types().filter((type) => type === "execute_input")).toHaveLength(2);
  });

  it("lets those that wait go on if it was sent with stop_on_error false", async () => {
    const { execute, replies } = startKernel();
    await Promise.all([execute("fail", { stop_on_error: false }), execute("value")]);
    expect(replies.map(({ content }) => content["status"])).toEqual(["error", "ok"]);
  });

  it("that is silent neither counts nor shows its value", async () => {
    const { execute, types, replies } = startKernel();
    await execute("value", { silent: true });
    await execute("value");
    expect(types()).toEqual(["busy", "idle", "busy", "execute_input", "execute_result", "idle"]);
    expect(replies[1]?.content["execution_count"]).toBe(1);
  });
});

describe("other requests", () => {
  it("are answered while a cell runs, and the kernel still shows busy after them", async () => {
    const { ask, execute, types } = startKernel();
    const running = execute("value");
    await Promise.resolve();
    await ask("kernel_info_request");
    await running;
    expect(types()).toEqual([
      ...["busy", "execute_input", "busy", "idle", "busy"],
      ...["execute_result", "idle"],
    ]);
  });

  it.each([
    ["kernel_info_request", {}, "kernel_info_reply", { status: "ok", implementation: "tslab" }],
    ["comm_info_request", { target_name: "jupyter.widget" }, "comm_info_reply", { status: "ok", comms: {} }],
    ["history_request", {}, "history_reply", { status: "ok", history: [] }],
    ["is_complete_request", { code: "f() {" }, "is_complete_reply", { status: "incomplete", indent: "  " }],
    ["is_complete_request", { code: "f()" }, "is_complete_reply", { status: "complete" }],
    ["inspect_request", { code: "known", cursor_pos: 1 }, "inspect_reply", { found: true }],
    ["inspect_request", { code: "other", cursor_pos: 1 }, "inspect_reply", { found: false, data: {} }],
    ["shutdown_request", { restart: true }, "shutdown_reply", { status: "ok", restart: true }],
    // The cursor counts code points: "𝛼 ab" has its end at 4, TypeScript's at 5.
    [
      "complete_request",
      { code: "𝛼 ab", cursor_pos: 4 },
      "complete_reply",
      { cursor_start: 2, cursor_end: 4 },
    ],
  ])("%s %j is answered by %s %j", async (type, content, replyType, expected) => {
    const { ask, replies } = startKernel();
    await ask(type, content);
    expect(replies).toHaveLength(1);
    expect(replies[0]?.type).toBe(replyType);
    expect(replies[0]?.content).toMatchObject(expected);
  });

  it("that are unknown are ignored, and a shutdown is told after its reply", async () => {
    const { ask, replies, shutdowns } = startKernel();
    await ask("comm_msg", {});
    expect([replies.length, shutdowns()]).toEqual([0, 0]);
    await ask("shutdown_request", { restart: false });
    expect([replies.length, shutdowns()]).toEqual([1, 1]);
  });
});
