import { afterEach, describe, expect, test } from "vitest";
import { type ChatClientOptions, createChatClient } from "../../../src/core/chat/openai.js";
import type { Clock } from "../../../src/core/chat/servers.js";
import { ServerError } from "../../../src/core/errors.js";
import { readImage } from "../../../src/core/image/decode.js";
import {
  type ChatBehaviour,
  type ChatServer,
  type ChatServerScript,
  startChatServer,
} from "../../helpers/chatServer.js";
import { imageCase } from "../image/imagesGolden.js";

const servers: ChatServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(answer: ChatServerScript["answer"], models?: readonly string[] | null) {
  const server = await startChatServer(models === undefined ? { answer } : { answer, models });
  servers.push(server);
  return server;
}

/** One behaviour after the other; the last for all that follow. */
const inTurn = (...behaviours: ChatBehaviour[]) =>
  serve(({ call }) => behaviours[Math.min(call, behaviours.length - 1)] ?? "");

/** Time that passes only where somebody sleeps. */
function fakeClock(): Clock & { readonly slept: number[] } {
  let time = 0;
  const slept: number[] = [];
  return {
    slept,
    now: () => time,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      slept.push(ms);
      time += ms;
    },
  };
}

function clientOf(server: ChatServer | readonly ChatServer[], options: Partial<ChatClientOptions> = {}) {
  const baseUrls = [server].flat().map(({ url }) => url);
  return createChatClient({ baseUrls, model: "test-model", clock: fakeClock(), ...options });
}

const HELLO = [{ role: "user", content: "hello" }] as const;
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

async function failure(promise: Promise<unknown>): Promise<ServerError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ServerError)) throw new Error(`expected a ServerError, got ${String(error)}`);
  return error;
}

describe("a request", () => {
  test("carries model, messages, images inline and parameters", async () => {
    const server = await inTurn("hi");
    const image = { kind: "bytes", bytes: PIXEL } as const;
    await clientOf(server).complete(
      [
        { role: "system", content: "be brief" },
        {
          role: "user",
          content: [
            { kind: "image", image },
            { kind: "text", text: "what?" },
          ],
        },
      ],
      { temperature: 0, topP: 0.9, maxTokens: 5, seed: 3, stop: ["\n"], extra: { top_k: 20 }, sample: 4 },
    );
    expect(server.requests[0]?.body).toEqual({
      model: "test-model",
      messages: [
        { role: "system", content: "be brief" },
        {
          role: "user",
          content: [
            {
              type: "image_url",
              image_url: { url: `data:image/png;base64,${PIXEL.toString("base64")}` },
            },
            { type: "text", text: "what?" },
          ],
        },
      ],
      temperature: 0,
      top_p: 0.9,
      max_tokens: 5,
      seed: 3,
      stop: ["\n"],
      top_k: 20,
      stream: false,
    });
  });

  test.each(["24.bmp", "exif6.tiff"])("%s is sent as a PNG of the same pixels", async (name) => {
    const server = await inTurn("hi");
    const image = { kind: "bytes", bytes: imageCase(name) } as const;
    await clientOf(server).complete([{ role: "user", content: [{ kind: "image", image }] }]);
    const sent = /data:image\/png;base64,([^"]+)/.exec(JSON.stringify(server.requests[0]?.body))?.[1] ?? "";
    const png = { kind: "bytes", bytes: new Uint8Array(Buffer.from(sent, "base64")) } as const;
    expect(await readImage(png)).toEqual(await readImage(image));
  });

  test("an image that is no image is refused before anything is sent", async () => {
    const server = await inTurn("hi");
    const image = { kind: "bytes", bytes: Uint8Array.of(1, 2, 3) } as const;
    const asked = clientOf(server).complete([{ role: "user", content: [{ kind: "image", image }] }]);
    await expect(asked).rejects.toThrow(/cannot read image of 3 bytes/);
    expect(server.requests).toHaveLength(0);
  });

  test("the answer comes with finish reason, tokens and reasoning", async () => {
    const server = await inTurn({
      kind: "reply",
      text: "cut",
      finishReason: "length",
      promptTokens: 11,
      completionTokens: 5,
      reasoning: "hmm",
    });
    const reply = await clientOf(server).complete(HELLO);
    expect(reply).toMatchObject({
      text: "cut",
      reasoning: "hmm",
      finishReason: "length",
      usage: { promptTokens: 11, completionTokens: 5 },
      attempts: 1,
      model: "test-model",
    });
  });

  test("a server that tells neither tokens nor finish reason is understood", async () => {
    const server = await inTurn({ kind: "junk", body: '{"choices": [{"message": {"content": "ok"}}]}' });
    expect(await clientOf(server).complete(HELLO)).toMatchObject({
      text: "ok",
      finishReason: null,
      usage: { promptTokens: null, completionTokens: null },
    });
  });

  test("a text that comes in parts is put together, an error with status 200 is shown", async () => {
    const parts = '{"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"text": "b"}]}}]}';
    expect((await clientOf(await inTurn({ kind: "junk", body: parts })).complete(HELLO)).text).toBe("ab");
    const server = await inTurn({ kind: "junk", body: '{"error": {"message": "upstream is down"}}' });
    const error = await failure(clientOf(server, { retries: 0 }).complete(HELLO));
    expect(error.message).toMatch(/no chat completion \(choices: .*\): upstream is down; check/);
  });

  test("no more requests are under way at once than allowed", async () => {
    const server = await serve(() => ({ kind: "reply", text: "hi", delayMs: 15 }));
    const client = clientOf(server, { concurrency: 3 });
    await Promise.all(Array.from({ length: 12 }, () => client.complete(HELLO)));
    expect(server.requests).toHaveLength(12);
    expect(server.mostAtOnce).toBe(3);
  });
});

describe("a server that misbehaves", () => {
  test.each<[string, ChatBehaviour]>([
    ["429", { kind: "status", status: 429 }],
    ["500", { kind: "status", status: 500, body: "oops" }],
    ["503", { kind: "status", status: 503 }],
    ["half a body", { kind: "halfBody" }],
    ["a cut connection", { kind: "reset" }],
    ["junk instead of JSON", { kind: "junk", body: "<html>busy</html>" }],
    ["JSON that is no completion", { kind: "junk", body: '{"choices": []}' }],
  ])("is asked again after %s", async (_, behaviour) => {
    const server = await inTurn(behaviour, behaviour, "at last");
    const reply = await clientOf(server).complete(HELLO);
    expect(reply.text).toBe("at last");
    expect(reply.attempts).toBe(3);
  });

  test("is given up after the allowed retries, with address, status and its words", async () => {
    const server = await inTurn({ kind: "status", status: 500, body: '{"error": {"message": "no memory"}}' });
    const error = await failure(clientOf(server, { retries: 2 }).complete(HELLO));
    expect(error.message).toBe(
      `${server.url}/chat/completions: status 500: no memory; see the server's log (after 3 attempts)`,
    );
    expect(error.details).toMatchObject({ kind: "broken", status: 500 });
    expect(error.isOutage).toBe(false);
    expect(server.requests).toHaveLength(3);
  });

  test.each<[string, ChatBehaviour]>([
    ["hangs", { kind: "hang" }],
    ["sends a body that never ends", { kind: "drip" }],
  ])("that %s meets the time limit", async (_, behaviour) => {
    const server = await inTurn(behaviour);
    const error = await failure(clientOf(server, { retries: 1, timeoutMs: 60 }).complete(HELLO));
    expect(error.message).toMatch(/no whole answer within 0\.06 s: .* \(after 2 attempts\)/);
    expect(error.details.kind).toBe("timeout");
  });

  test.each([401, 403, 404])("that refuses with %i is not asked again", async (status) => {
    const server = await inTurn({ kind: "status", status, body: "no" });
    const error = await failure(clientOf(server).complete(HELLO));
    expect(error.message).toContain(`status ${status}: no; check key, model name and address`);
    expect(error.isOutage).toBe(true);
    expect(server.requests).toHaveLength(1);
  });

  test("a request that is not accepted is not sent again, and does not stop others", async () => {
    const server = await inTurn({ kind: "status", status: 400, body: '{"error": "too long"}' }, "hi");
    const client = clientOf(server);
    const error = await failure(client.complete(HELLO));
    expect(error.message).toContain("status 400: too long");
    expect(error.isOutage).toBe(false);
    expect((await client.complete(HELLO)).text).toBe("hi");
  });

  test("an empty account is not waited for, though it is a 429", async () => {
    const body = '{"error": {"message": "You have no credit", "code": "insufficient_quota"}}';
    const server = await inTurn({ kind: "status", status: 429, body });
    expect((await failure(clientOf(server).complete(HELLO))).isOutage).toBe(true);
    expect(server.requests).toHaveLength(1);
  });

  test("the key is sent and never shown, not even where the server repeats it", async () => {
    const body = '{"error": {"message": "wrong key sk-secret"}}';
    const server = await inTurn({ kind: "status", status: 401, body });
    const error = await failure(clientOf(server, { apiKey: "sk-secret" }).complete(HELLO));
    expect(server.requests[0]?.headers.authorization).toBe("Bearer sk-secret");
    expect(error.message).toContain("wrong key ***");
    expect(JSON.stringify(error.details)).not.toContain("sk-secret");
  });

  test("stopping ends a hanging request at once with the signal's reason", async () => {
    const server = await inTurn({ kind: "hang" });
    const controller = new AbortController();
    const asked = clientOf(server).complete(HELLO, {}, controller.signal);
    const stop = new Error("enough");
    setTimeout(() => controller.abort(stop), 30);
    await expect(asked).rejects.toBe(stop);
  });
});

describe("waiting", () => {
  test("grows twofold, with jitter of up to a half, the same for the same seed", async () => {
    const waits = async (seed: number) => {
      const clock = fakeClock();
      const server = await inTurn({ kind: "status", status: 500 });
      const client = clientOf(server, { retries: 4, firstDelayMs: 100, maxDelayMs: 400, seed, clock });
      await failure(client.complete(HELLO));
      return clock.slept;
    };
    const slept = await waits(1);
    expect(slept).toHaveLength(4);
    for (const [at, full] of [100, 200, 400, 400].entries()) {
      expect(slept[at]).toBeGreaterThanOrEqual(full / 2);
      expect(slept[at]).toBeLessThanOrEqual(full);
    }
    expect(await waits(1)).toEqual(slept);
    expect(await waits(2)).not.toEqual(slept);
  });

  test("lasts as long as Retry-After says, for all requests to that server", async () => {
    const clock = fakeClock();
    const busy = { kind: "status", status: 429, headers: { "retry-after": "7" } } as const;
    const server = await inTurn(busy, "hi");
    const client = clientOf(server, { clock, firstDelayMs: 100, concurrency: 1 });
    expect((await client.complete(HELLO)).attempts).toBe(2);
    expect(clock.now()).toBeGreaterThanOrEqual(7000);
    expect(clock.now()).toBeLessThan(7101);
  });

  test("a server that stays busy is waited for as long as allowed, however few the retries", async () => {
    const clock = fakeClock();
    const server = await inTurn({ kind: "status", status: 429 });
    const options = { clock, retries: 0, firstDelayMs: 1000, maxDelayMs: 8000, maxWaitMs: 60_000 };
    const error = await failure(clientOf(server, options).complete(HELLO));
    expect(error.message).toMatch(
      /status 429; lower the concurrency or run again later \(after \d+ attempts\)/,
    );
    expect(clock.now()).toBeGreaterThanOrEqual(60_000);
    expect(clock.now()).toBeLessThan(80_000);
  });

  test("a Retry-After beyond all patience fails at once and says so", async () => {
    const server = await inTurn({ kind: "status", status: 429, headers: { "retry-after": "86400" } });
    const error = await failure(clientOf(server).complete(HELLO));
    expect(error.message).toMatch(/asks to wait 86400 s, more than the 600 s allowed; run again later/);
    expect(error.isOutage).toBe(true);
  });
});

describe("several servers", () => {
  test("share the load", async () => {
    const slow = () => ({ kind: "reply", text: "hi", delayMs: 10 }) as const;
    const pair = [await serve(slow), await serve(slow)];
    const client = clientOf(pair, { concurrency: 4 });
    await Promise.all(Array.from({ length: 16 }, () => client.complete(HELLO)));
    for (const { requests } of pair) expect(requests).toHaveLength(8);
  });

  test("a dead one is skipped without waiting, and used again when it is back", async () => {
    const clock = fakeClock();
    const [dead, live] = [await inTurn("from the first"), await inTurn("from the second")];
    await dead.die();
    const client = clientOf([dead, live], { clock, firstDelayMs: 1000, concurrency: 1 });
    for (let at = 0; at < 5; at++) expect((await client.complete(HELLO)).text).toBe("from the second");
    expect(clock.slept).toEqual([]);
    await dead.revive();
    await clock.sleep(2000);
    await Promise.all(Array.from({ length: 4 }, () => client.complete(HELLO)));
    await client.complete(HELLO);
    expect(dead.requests.length).toBeGreaterThan(0);
  });

  test("one that refuses is left aside; if all refuse, none is asked twice", async () => {
    const refuses = { kind: "status", status: 404, body: "no such model" } as const;
    const pair = [await inTurn(refuses), await inTurn("hi")];
    const client = clientOf(pair, { concurrency: 1 });
    for (let at = 0; at < 4; at++) expect((await client.complete(HELLO)).text).toBe("hi");
    expect(pair[0]?.requests).toHaveLength(1);
    const both = [await inTurn(refuses), await inTurn(refuses)];
    const error = await failure(clientOf(both).complete(HELLO));
    expect(error.message).toContain("status 404: no such model; check key, model name and address");
    expect(both.map(({ requests }) => requests.length)).toEqual([1, 1]);
  });

  test("that are all dead are an outage, with the cure in the message", async () => {
    const pair = [await inTurn("a"), await inTurn("b")];
    await Promise.all(pair.map((server) => server.die()));
    const error = await failure(clientOf(pair, { retries: 3 }).complete(HELLO));
    expect(error.message).toMatch(
      /cannot be reached: .*ECONNREFUSED.*; start the server, or correct host and port \(after 4 attempts\)/,
    );
    expect(error.isOutage).toBe(true);
  });

  test("one that dies in the middle of a run loses no request", async () => {
    const pair: ChatServer[] = [];
    pair.push(
      await serve(async ({ call }) => {
        if (call === 3) await pair[0]?.die();
        return "first";
      }),
      await serve(() => "second"),
    );
    const client = clientOf(pair, { concurrency: 4 });
    const replies = await Promise.all(Array.from({ length: 20 }, () => client.complete(HELLO)));
    expect(replies).toHaveLength(20);
    expect(replies.filter(({ text }) => text === "first").length).toBeLessThanOrEqual(3);
  });
});

describe("check", () => {
  test("names the models of each server", async () => {
    const server = await serve(() => "hi", ["other", "test-model"]);
    expect(await clientOf(server).check()).toEqual([{ url: server.url, models: ["other", "test-model"] }]);
  });

  test("a server without a list of models passes", async () => {
    const server = await serve(() => "hi", null);
    expect(await clientOf(server).check()).toEqual([{ url: server.url }]);
  });

  test("a model that nobody serves is an error naming those there are", async () => {
    const server = await serve(() => "hi", ["a", "b"]);
    const error = await failure(clientOf(server).check());
    expect(error.message).toBe(`${server.url}: unknown model: test-model; it serves a, b`);
  });

  test("a dead server is reported beside a live one, and alone it is an error", async () => {
    const [live, dead] = [await serve(() => "hi"), await serve(() => "hi")];
    await dead.die();
    const [first, second] = await clientOf([live, dead]).check();
    expect(first?.problem).toBeUndefined();
    expect(second?.problem).toContain("cannot be reached");
    expect((await failure(clientOf(dead).check())).message).toContain("start the server");
  });
});

describe("a client", () => {
  test("needs an address and a positive concurrency", () => {
    expect(() => createChatClient({ baseUrls: [], model: "m" })).toThrow(/no server/);
    const options = { baseUrls: ["http://h"], model: "m", concurrency: 0 };
    expect(() => createChatClient(options)).toThrow(/invalid concurrency: 0/);
  });
});
