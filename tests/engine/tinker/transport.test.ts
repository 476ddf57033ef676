import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { ServerError } from "../../../src/core/errors.js";
import { retrieve } from "../../../src/engine/tinker/futures.js";
import {
  type Call,
  createTransport,
  isPending,
  type TransportOptions,
} from "../../../src/engine/tinker/transport.js";
import { fastClock } from "../../support/tinkerScene.js";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

type Answer = (response: ServerResponse, request: IncomingMessage) => unknown;

const say =
  (status: number, text = "{}", headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, headers).end(text);
const good = say(200, '{"n": 1}');
const hangUp: Answer = (response) => response.destroy();

/** A server that gives these answers in turn, the last to all that follow, and a transport to it. */
async function serve(answers: readonly Answer[], options: Partial<TransportOptions> = {}) {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answers[Math.min(requests.length, answers.length) - 1]?.(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const clock = fastClock();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { requests, clock, transport: createTransport({ url, clock, ...options }) };
}

const CALL: Call<{ n: number }> = {
  path: "/x",
  body: { a: 1 },
  answer: z.object({ n: z.number() }),
  isRepeatable: false,
};
const REPEATABLE = { ...CALL, isRepeatable: true };

async function failure(work: Promise<unknown>): Promise<ServerError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ServerError) return error;
  throw new Error(`expected a ServerError, got ${String(error)}`);
}

it.each([0, 270, 285, 290, 299, 310])("shows nothing of the key at sign %i of a refusal", async (at) => {
  const key = "tml-0123456789abcdef";
  const words = `${"x ".repeat(at / 2)}${key} ${"y".repeat(50)}`;
  const { transport } = await serve([say(400, words)], { key });
  const { message } = await failure(transport.call(CALL));
  expect(message).toContain("status 400");
  for (let length = 5; length <= key.length; length++) expect(message).not.toContain(key.slice(0, length));
});

describe("a call", () => {
  it("is JSON below /api/v1, with the key and on a connection of its own", async () => {
    const { transport, requests } = await serve([good], { key: "k" });
    expect(await transport.call(CALL)).toEqual({ n: 1 });
    const [{ url, method, headers }] = requests as [IncomingMessage];
    expect([url, method, headers["x-api-key"], headers.connection]).toEqual([
      "/api/v1/x",
      "POST",
      "k",
      "close",
    ]);
  });

  it("takes a redirect for its answer only where that is asked for", async () => {
    const sent = say(302, "", { location: "/files/a.tar.gz" });
    const link = { ...CALL, method: "GET", answer: z.object({ url: z.string() }), isLink: true } as const;
    const { transport } = await serve([sent]);
    expect((await transport.call(link)).url).toBe(`${transport.base.origin}/files/a.tar.gz`);
    expect((await failure(transport.call(CALL))).details).toMatchObject({ kind: "garbled", status: 302 });
    const written = await serve([say(200, '{"url": "https://there/x"}')]);
    expect((await written.transport.call(link)).url).toBe("https://there/x");
  });

  it("that is answered in another shape is not sent again", async () => {
    const { transport, requests } = await serve([say(200, '{"n": "1"}')]);
    const error = await failure(transport.call(REPEATABLE));
    expect([error.details.kind, requests.length]).toEqual(["garbled", 1]);
    expect(error.message).toMatch(/not one of this call: n: /);
  });

  it.each([
    ["a page", "<html>", /no JSON but a page/],
    ["nothing", "", /no JSON, or cut after 0 characters/],
  ])("that is answered by %s may have been cut, and is sent again", async (_, text, message) => {
    const { transport } = await serve([say(200, text), good]);
    expect(await transport.call(REPEATABLE)).toEqual({ n: 1 });
    const never = await serve([say(200, text)]);
    const { details, message: words } = await failure(never.transport.call(REPEATABLE));
    expect(details.kind).toBe("broken");
    expect(words).toMatch(message);
  });
});

describe("a call whose work was not begun", () => {
  it.each([429, 503, 402, 425])(
    "(status %i) is sent again, whether or not it may be repeated",
    async (status) => {
      const { transport, requests, clock } = await serve([say(status), say(status), good]);
      expect(await transport.call(CALL)).toEqual({ n: 1 });
      expect(requests).toHaveLength(3);
      expect(clock.slept).toEqual(status === 402 ? [5000, 5000] : [1000, 2000]);
    },
  );

  it("waits as long as the server asks, and not longer than allowed", async () => {
    const busy = say(503, "{}", { "retry-after": "90" });
    const { transport, clock } = await serve([busy, good]);
    await transport.call(CALL);
    expect(clock.slept).toEqual([90_000]);
    const impatient = await serve([busy], { maxWaitMs: 80_000 });
    expect((await failure(impatient.transport.call(CALL))).details.kind).toBe("busy");
    expect(impatient.clock.slept).toEqual([]);
  });

  it("is given up after the longest wait, however many askings that were", async () => {
    const { transport, clock, requests } = await serve([say(503)], { maxWaitMs: 100_000 });
    expect((await failure(transport.call(CALL))).details.kind).toBe("busy");
    // 1 + 2 + 4 + 8 + 16 + 30 + 30 = 91 s; the next pause would end beyond 100.
    expect(clock.slept).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect(requests).toHaveLength(8);
  });

  it("(nobody listens) is tried again until that is over", async () => {
    const clock = fastClock();
    const transport = createTransport({ url: "http://127.0.0.1:1", clock, maxWaitMs: 10_000 });
    const error = await failure(transport.call(CALL));
    expect(error.details.kind).toBe("unreachable");
    expect(error.message).not.toContain("may have done the work");
    expect(clock.slept).toEqual([1000, 2000, 4000]);
  });
});

describe("a call whose answer was lost", () => {
  const lost: readonly (readonly [string, Answer])[] = [
    ["the connection broke", hangUp],
    ["status 500", say(500)],
    ["status 502", say(502, "<html>")],
  ];
  it.each(lost)("(%s) is not sent twice where that would do the work twice", async (_, answer) => {
    const { transport, requests } = await serve([answer, good]);
    const error = await failure(transport.call(CALL));
    expect(requests).toHaveLength(1);
    expect(error.message).toContain("the server may have done the work");
  });

  it.each(lost)("(%s) is sent again where it may be, so many times", async (_, answer) => {
    const { transport, requests } = await serve([answer, answer, good]);
    expect(await transport.call(REPEATABLE)).toEqual({ n: 1 });
    expect(requests).toHaveLength(3);
    const dead = await serve([answer], { retries: 2 });
    const error = await failure(dead.transport.call(REPEATABLE));
    expect(error.message).not.toContain("may have done the work");
    expect(dead.requests).toHaveLength(3);
  });

  it.each([400, 401, 403, 404, 409, 410, 422])(
    "(status %i) is no lost answer: it is refused at once",
    async (status) => {
      const { transport, requests } = await serve([say(status), good]);
      const error = await failure(transport.call(REPEATABLE));
      expect([error.details.status, requests.length]).toEqual([status, 1]);
      expect(error.message).not.toContain("may have done the work");
    },
  );
});

describe("a poll", () => {
  it.each([408, 425])("that has no result yet (status %i) is the asker's to repeat", async (status) => {
    const { transport, requests, clock } = await serve([say(status)]);
    const error = await failure(transport.call({ ...REPEATABLE, isPoll: true }));
    expect(isPending(error)).toBe(true);
    expect([requests.length, clock.slept.length]).toEqual([1, 0]);
  });

  it("that is not answered in time is so, too", async () => {
    const { transport } = await serve([() => undefined], { timeoutMs: 40 });
    expect(isPending(await failure(transport.call({ ...REPEATABLE, isPoll: true })))).toBe(true);
  });
});

describe("retrieve", () => {
  const schema = z.object({ n: z.number() });
  it("asks until there is a result, and never more than twenty times a second", async () => {
    const later = say(
      200,
      '{"type": "try_again", "queue_state": "paused_capacity", "queue_state_reason": "full"}',
    );
    const queue: unknown[] = [];
    const { transport, clock, requests } = await serve([say(408), later, later, good]);
    const found = await retrieve(transport, "7", schema, { onQueue: (state) => queue.push(state) });
    expect(found).toEqual({ kind: "done", result: { n: 1 } });
    expect(requests).toHaveLength(4);
    expect(clock.slept).toEqual([50, 50, 50]);
    expect(queue).toEqual([1, 2].map(() => ({ state: "paused_capacity", reason: "full" })));
  });

  it.each([404, 410])("is told that a ticket is lost (status %i)", async (status) => {
    const { transport } = await serve([say(status, '{"detail": "no such future"}')]);
    expect(await retrieve(transport, "7", schema)).toMatchObject({
      kind: "lost",
      error: { message: expect.stringContaining("no such future") },
    });
  });

  it("passes on that the work failed, with its category and without what it held", async () => {
    const tokens = Array.from({ length: 20 }, (_, at) => at).join(", ");
    const text = JSON.stringify({ error: `bad tokens [${tokens}]`, category: "user" });
    const error = await failure(retrieve((await serve([say(200, text)])).transport, "7", schema));
    expect(error.message).toContain("the work failed (user): bad tokens …; see what");
    expect(error.details.kind).toBe("rejected");
  });

  it("refuses a result of another shape, and gives up when none comes", async () => {
    const odd = await failure(retrieve((await serve([say(200, '{"m": 1}')])).transport, "7", schema));
    expect(odd.message).toMatch(/not one of this call: n: /);
    const { transport } = await serve([say(408)], { maxWaitMs: 200 });
    const error = await failure(retrieve(transport, "7", schema));
    expect(error.message).toContain("no result within 0.2 s; see the server's log");
    expect(error.details.kind).toBe("timeout");
  });

  it("ends with the signal's reason", async () => {
    const reason = new Error("interrupted");
    const { transport } = await serve([say(408)]);
    await expect(retrieve(transport, "7", schema, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    const controller = new AbortController();
    const waiting = await serve([() => controller.abort(reason)]);
    await expect(retrieve(waiting.transport, "7", schema, { signal: controller.signal })).rejects.toBe(
      reason,
    );
  });
});
