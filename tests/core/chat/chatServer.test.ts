import { describe, expect, test } from "vitest";
import { parseBaseUrl, retryAfterMs } from "../../../src/core/chat/chatServer.js";
import { ConfigError } from "../../../src/core/errors.js";

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
});
