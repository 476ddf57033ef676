import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { cookieName, refusal } from "../../src/view/guard.js";

const TOKEN = "0123456789abcdef";
const PORT = 8080;
const HOST = { host: `127.0.0.1:${PORT}` };
const BEARER = { authorization: `Bearer ${TOKEN}` };

function statusOf(
  headers: Readonly<Record<string, string>>,
  { method = "GET", path = "/" }: { readonly method?: string; readonly path?: string } = {},
): number {
  const request = new IncomingMessage(new Socket());
  request.headers = { ...headers };
  request.method = method;
  const refused = refusal(request, new URL(path, "http://127.0.0.1"), { token: TOKEN, port: PORT });
  return refused?.status ?? 200;
}

describe("refusal", () => {
  it.each<readonly [what: string, headers: Readonly<Record<string, string>>, status: number]>([
    ["the token as a header", { ...HOST, ...BEARER }, 200],
    ["under the other name of this machine", { host: `localhost:${PORT}`, ...BEARER }, 200],
    ["from the page itself", { ...HOST, ...BEARER, origin: `http://127.0.0.1:${PORT}` }, 200],
    ["the token as a cookie", { ...HOST, cookie: `${cookieName(PORT)}=${TOKEN}` }, 200],
    ["the cookie among others", { ...HOST, cookie: `a=b; ${cookieName(PORT)}=${TOKEN}; c=d` }, 200],
    ["nothing", HOST, 401],
    ["a token that is too short", { ...HOST, authorization: `Bearer ${TOKEN.slice(1)}` }, 401],
    ["a token of the same length", { ...HOST, authorization: `Bearer ${TOKEN.slice(1)}0` }, 401],
    ["an empty token", { ...HOST, authorization: "Bearer " }, 401],
    ["another manner of authorization", { ...HOST, authorization: `Basic ${TOKEN}` }, 401],
    ["the cookie of a viewer on another port", { ...HOST, cookie: `${cookieName(81)}=${TOKEN}` }, 401],
    ["no name of a server", BEARER, 403],
    ["a foreign name of a server", { host: `evil.example:${PORT}`, ...BEARER }, 403],
    ["a name that only begins as ours", { host: `127.0.0.1:${PORT}.evil.example`, ...BEARER }, 403],
    ["another port", { host: "127.0.0.1:81", ...BEARER }, 403],
    ["another page", { ...HOST, ...BEARER, origin: "http://evil.example" }, 403],
    ["a page of no origin", { ...HOST, ...BEARER, origin: "null" }, 403],
    ["our own name by another scheme", { ...HOST, ...BEARER, origin: `https://127.0.0.1:${PORT}` }, 403],
  ])("with %s: %j → %i", (_, headers, status) => {
    expect(statusOf(headers)).toBe(status);
  });

  it.each([
    ["GET", 200],
    ["HEAD", 200],
    ["POST", 405],
    ["PUT", 405],
    ["DELETE", 405],
    ["OPTIONS", 405],
  ])("%s with the token: %i", (method, status) => {
    expect(statusOf({ ...HOST, ...BEARER }, { method })).toBe(status);
  });

  it("takes the token from the address, as it was printed, and no other parameter for it", () => {
    expect(statusOf(HOST, { path: `/?token=${TOKEN}` })).toBe(200);
    expect(statusOf(HOST, { path: `/?Token=${TOKEN}` })).toBe(401);
    expect(statusOf(HOST, { path: "/?token=" })).toBe(401);
  });
});
