import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import {
  askHealth,
  askOnce,
  besideApi,
  endpoint,
  parseBaseUrl,
  retryAfterMs,
} from "../../../src/core/chat/chatServer.js";
import { ConfigError, ServerError } from "../../../src/core/errors.js";

describe("an address", () => {
  test.each([
    ["http://host:8000", "http://host:8000/v1"],
    ["http://host:8000/", "http://host:8000/v1"],
    ["http://host:8000/v1/", "http://host:8000/v1"],
    ["https://host/openai/v1/chat/completions", "https://host/openai/v1"],
  ])("%s means %s", (given, meant) => {
    expect(parseBaseUrl(given).href).toBe(meant);
  });

  test.each(["host:8000", "ftp://host", "", "/v1"])("%j is refused with an example", (given) => {
    expect(() => parseBaseUrl(given)).toThrow(ConfigError);
    expect(() => parseBaseUrl(given)).toThrow(/not a server address/);
  });
});

describe("retryAfterMs", () => {
  test("Retry-After is seconds, or a date by the server's clock where it tells it, else by ours", () => {
    const date = "Wed, 21 Oct 2026 07:28:00 GMT";
    expect(retryAfterMs({ "retry-after": "1.5" }, 0)).toBe(1500);
    expect(retryAfterMs({ "retry-after": date, date: "Wed, 21 Oct 2026 07:27:30 GMT" }, 0)).toBe(30_000);
    expect(retryAfterMs({ "retry-after": date }, Date.parse(date) - 2000)).toBe(2000);
    expect(retryAfterMs({ "retry-after": date }, Date.parse(date) + 2000)).toBe(0);
    expect(retryAfterMs({ "retry-after": "9", "retry-after-ms": "120" }, 0)).toBe(120);
    expect(retryAfterMs({ "retry-after": "soon" }, 0)).toBeUndefined();
    expect(retryAfterMs({}, 0)).toBeUndefined();
  });

  test.each([
    [{ "retry-after": "-5" }, 0],
    [{ "retry-after": " " }, undefined],
    [{ "retry-after-ms": "" }, undefined],
    [{ "retry-after-ms": "", "retry-after": "2" }, 2000],
    [{ "retry-after-ms": "-1", "retry-after": "2" }, 2000],
    [{ "retry-after-ms": "soon" }, undefined],
    [{ "retry-after": "0" }, 0],
  ])("%j is %s", (headers, ms) => {
    expect(retryAfterMs(headers, 0)).toBe(ms);
  });
});

describe("paths", () => {
  const base = parseBaseUrl("https://host/openai/v1?version=2");
  test("of the API lie below its address, others beside it; a query stays", () => {
    expect(endpoint(base, "/models").href).toBe("https://host/openai/v1/models?version=2");
    expect(besideApi(base, "/health").href).toBe("https://host/openai/health?version=2");
    expect(besideApi(parseBaseUrl("http://host/api"), "/health").href).toBe("http://host/api/health");
    expect(base.href).toBe("https://host/openai/v1?version=2");
  });
});

const KEY = "sk-0123456789";
const clock = { now: () => 0, sleep: async () => undefined };

/** What a client makes of one answer to a request and to the question for models. */
async function met(status: number, body: string, headers: Readonly<Record<string, string>> = {}) {
  const server = createServer((_, response) => response.writeHead(status, headers).end(body));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const base = parseBaseUrl(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const connection = { model: "mine", apiKey: KEY, timeoutMs: 10_000, clock };
  const read = (text: string) => (text === "good" ? { text } : { problem: "the answer is none" });
  try {
    const asked: Promise<{ answer?: object; error?: ServerError }> = askOnce(
      base,
      { path: "/x", body: "{}", read },
      connection,
    ).then(
      (answer) => ({ answer }),
      (error: unknown) => ({ error: error as ServerError }),
    );
    return { ...(await asked), health: await askHealth(base, connection) };
  } finally {
    server.close();
  }
}

describe("an answer", () => {
  test("of status 200 is read, with the time it took", async () => {
    expect(await met(200, "good")).toMatchObject({ answer: { text: "good", latencyMs: 0 } });
  });

  // RFC 9110, section 15; OpenAI's error codes for 429.
  test.each<[number, string, string, string]>([
    [200, "bad", "garbled", "check that this is an OpenAI-compatible"],
    [301, "", "refused", "check key, model name and address"],
    [400, "", "rejected", "see what the server says about this request"],
    [401, "", "refused", "check key"],
    [402, "", "refused", "check key"],
    [403, "", "refused", "check key"],
    [404, "", "refused", "check key"],
    [405, "", "refused", "check key"],
    [408, "", "broken", "see the server's log"],
    [413, "", "rejected", "see what the server says"],
    [422, "", "rejected", "see what the server says"],
    [425, "", "broken", "see the server's log"],
    [429, "", "busy", "lower the concurrency"],
    [429, '{"error": {"code": "insufficient_quota"}}', "refused", "check key"],
    [500, "", "broken", "see the server's log"],
    [503, "", "busy", "lower the concurrency"],
    [504, "", "broken", "see the server's log"],
  ])("of status %i with body %j is %s", async (status, body, kind, cure) => {
    const { error } = await met(status, body);
    expect(error).toBeInstanceOf(ServerError);
    expect(error?.details).toMatchObject({ kind, status });
    expect(error?.message).toContain(cure);
  });

  test.each([
    ['{"error": {"message": "no such model"}}', "no such model"],
    ['{"error": "too long"}', "too long"],
    ['{"message": "at home"}', "at home"],
    ['{"error": {"message": null}, "message": "second"}', "second"],
    ["<html>\n  <p>Bad\tGateway</p>", "<html> <p>Bad Gateway</p>"],
    // FastAPI's: no sentence, but all there is.
    [
      '{"detail": [{"loc": ["body"], "msg": "missing"}]}',
      '{"detail": [{"loc": ["body"], "msg": "missing"}]}',
    ],
    ['{"error": {"message": {"deep": "words"}}}', '{"error": {"message": {"deep": "words"}}}'],
    ["null", "null"],
    ["[1]", "[1]"],
  ])("%s says: %s", async (body, words) => {
    const { error } = await met(400, body);
    expect(error?.message).toMatch(/^http:\S+: status 400: /);
    expect(error?.message).toContain(`status 400: ${words}; see what`);
  });

  test("shows where it sends us, and how long it wants to be left alone", async () => {
    const { error } = await met(302, "", { location: "http://elsewhere/" });
    expect(error?.message).toContain("status 302 to http://elsewhere/; ");
    expect((await met(503, "", { "retry-after": "3" })).error?.details.retryAfterMs).toBe(3000);
  });

  test.each([0, 280, 291, 295, 299, 300, 400])("hides the key at byte %i of a long one", async (at) => {
    const { error, health } = await met(400, `${"x".repeat(at)}${KEY}${"y".repeat(200)}`);
    for (const message of [error?.message, health.problem]) {
      expect(message).toContain("status 400");
      for (let length = 4; length < KEY.length; length++) expect(message).not.toContain(KEY.slice(0, length));
    }
  });
});

describe("health", () => {
  const list = (...ids: unknown[]) => JSON.stringify({ data: ids.map((id) => ({ id })) });
  test.each<[string, number, string, object]>([
    ["lists the model", 200, list("other", "mine"), { models: ["other", "mine"] }],
    [
      "lists others alone",
      200,
      list("a", "b"),
      { problem: expect.stringMatching(/unknown model: mine; it serves a, b$/) },
    ],
    ["lists nothing", 200, list(), { models: [] }],
    ["has no list", 404, "", {}],
    ["does not list by GET", 405, "", {}],
    ["answers what is no JSON", 200, "<html>", {}],
    ["answers JSON that is no list", 200, "null", {}],
    ["answers a list of something else", 200, '{"data": "x"}', {}],
    ["refuses the key", 401, "bad key", { problem: expect.stringContaining("status 401: bad key") }],
  ])("of a server that %s", async (_, status, body, found) => {
    const { health } = await met(status, body);
    expect(health).toEqual({
      url: expect.stringMatching(/^http:/),
      ...found,
      ...("problem" in found && status === 200 ? { models: ["a", "b"] } : {}),
    });
  });

  test("of a server that is not there is a problem, of an abort the signal's reason", async () => {
    const base = parseBaseUrl("http://127.0.0.1:1");
    const connection = { model: "mine", apiKey: undefined, timeoutMs: 1000, clock };
    expect((await askHealth(base, connection)).problem).toContain("cannot be reached");
    const reason = new Error("interrupted");
    await expect(askHealth(base, connection, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
