import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { parseBaseUrl } from "../../src/core/chat/chatServer.js";
import { withoutLogin } from "../../src/core/chat/http.js";
import { ConfigError, ServerError } from "../../src/core/errors.js";
import { connectRay, parseRayUrl } from "../../src/engine/ray/jobs.js";
import { parseTinkerUrl } from "../../src/engine/tinker/transport.js";

const PARSERS = { chats: parseBaseUrl, Tinker: parseTinkerUrl, Ray: parseRayUrl } as const;

describe("an address", () => {
  it.each<[keyof typeof PARSERS, string, string]>([
    ["chats", "http://host:8000", "http://host:8000/v1"],
    ["chats", "https://host/openai/v1//", "https://host/openai/v1"],
    ["chats", "http://host/v1?key=1#x", "http://host/v1?key=1"],
    ["chats", "http://[::1]:8000", "http://[::1]:8000/v1"],
    ["Tinker", "http://host:8000", "http://host:8000/api/v1"],
    ["Tinker", "http://host:8000/", "http://host:8000/api/v1"],
    ["Tinker", "http://host:8000/api/v1/", "http://host:8000/api/v1"],
    ["Tinker", "https://host/below//", "https://host/below/api/v1"],
    ["Ray", "http://head:8265", "http://head:8265/"],
    ["Ray", "ray://head:8265", "http://head:8265/"],
    ["Ray", "https://host/ray/", "https://host/ray"],
  ])("of %s: %s is %s", (kind, text, href) => {
    expect(PARSERS[kind](text).href).toBe(href);
  });

  describe.each(Object.entries(PARSERS))("of %s", (_, parse) => {
    it.each([
      "",
      "host",
      "host:8000",
      "ftp://host",
      "file:///etc/passwd",
      "http://",
      "http://host:port",
      "/v1",
    ])("%j is none", (text) => {
      expect(() => parse(text)).toThrow(ConfigError);
      expect(() => parse(text)).toThrow(/write http:\/\/|must begin with http:\/\//);
    });

    it.each([
      "ftp://me:secret@host",
      "http://me:secret@host:port",
      "http://me:se@cret@host:port",
      "x://:secret@h/a",
    ])("%j is refused without the password", (text) => {
      expect(() => parse(text)).toThrow(ConfigError);
      let message = "";
      try {
        parse(text);
      } catch (error) {
        message = String(error);
      }
      expect(message).not.toMatch(/secret|cret/);
      expect(message).toContain("//h");
    });
  });

  it("without a login is as it was", () => {
    for (const text of ["http://host/a@b", "host", "http://host?x=@", "a@b"])
      expect(withoutLogin(text)).toBe(text);
    expect(withoutLogin("http://me@host/a@b")).toBe("http://host/a@b");
  });
});

describe("connectRay", () => {
  /** A dashboard that answers this to everything. */
  async function said(status: number, body: string): Promise<Error> {
    const server = createServer((_, response) => response.writeHead(status).end(body));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      return await connectRay({ url, token: "token-of-mine" }).then(
        () => new Error("connected"),
        (error: Error) => error,
      );
    } finally {
      server.close();
    }
  }

  it.each([
    [
      401,
      "Invalid token: token-of-mine",
      "refused",
      /status 401: Invalid token: \*\*\*; set SHAREGRPO_ENGINE_KEY/,
    ],
    [
      500,
      "Traceback\n  File\nValueError: token-of-mine is bad\n",
      "broken",
      /ValueError: \*\*\* is bad; see the log/,
    ],
    [200, "<html>token-of-mine</html>", "garbled", /the answer is not one of Ray's: <html>\*\*\*<\/html>/],
    [200, '{"version": 4}', "garbled", /the answer is not one of Ray's/],
    [
      200,
      '{"version": "9", "ray_version": "3"}',
      "refused",
      /has version 9 \(Ray 3\), this was written for version 4/,
    ],
    [400, "x".repeat(1000), "rejected", /: x{300}…; /],
  ])("of status %i and %j is %s, and never shows the token", async (status, body, kind, message) => {
    const error = await said(status, body);
    expect(error).toBeInstanceOf(ServerError);
    expect((error as ServerError).details.kind).toBe(kind);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain("token-of-mine");
  });
});
