/**
 * @module Who may ask: this machine's own browser with the token, and no other page in it. The token comes in the
 * address once, as Jupyter's, and then as a cookie.
 */
import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

export interface GuardOptions {
  readonly token: string;
  readonly port: number;
}

/** Cookies do not know ports; their names can. */
export function cookieName(port: number): string {
  return `sharegrpo-${port}`;
}

function isToken(given: string | null | undefined, token: string): boolean {
  const [a, b] = [Buffer.from(given ?? ""), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function cookieOf(request: IncomingMessage, port: number): string | undefined {
  const cookies = (request.headers.cookie ?? "").split(";").map((each) => each.trim().split("="));
  return cookies.find(([name]) => name === cookieName(port))?.[1];
}

/** Why a request is refused: status and words; undefined when it is not. */
export function refusal(
  request: IncomingMessage,
  url: URL,
  { token, port }: GuardOptions,
): { readonly status: number; readonly text: string } | undefined {
  const { host = "", origin } = request.headers;
  const own = [`127.0.0.1:${port}`, `localhost:${port}`];
  // A foreign name that was made to lead here (DNS rebinding), or another page in the same browser.
  if (!own.includes(host)) return { status: 403, text: "not this server's name" };
  if (origin !== undefined && !own.some((each) => origin === `http://${each}`)) {
    return { status: 403, text: "not from this server's page" };
  }
  if (request.method !== "GET" && request.method !== "HEAD") return { status: 405, text: "read only" };
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
  const given = [url.searchParams.get("token"), cookieOf(request, port), bearer];
  if (given.some((each) => isToken(each, token))) return undefined;
  return { status: 401, text: "open the address that sharegrpo view printed: it holds the token" };
}
