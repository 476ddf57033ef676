/**
 * @module What a Tinker server's refusals mean, in words that name the field and never repeat tokens or pictures.
 */

import { ENGINE_KEY_CURE } from "../../config/load.js";
import { retryAfterMs } from "../../core/chat/chatServer.js";
import { type HttpReply, shownUrl } from "../../core/chat/http.js";
import { ServerError, type ServerErrorKind } from "../../core/errors.js";
import { WIRE_SDK_VERSION } from "./wire.js";

const MOST_SHOWN = 300;
/** Of an error page or a request that came back whole, more is not looked at. */
const MOST_READ = 20_000;
const NUMBER = /(?:-?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|inf(?:inity)?)|nan|null|none|\.\.\.)/.source;
const GAP = /(?:\s*,\s*|\s+)/.source;
/**
 * Tokens and pictures of the request, which some servers send back: lists of four numbers and more, in brackets or
 * longer ones without, and base64. A shape is shorter.
 */
const ECHOES = new RegExp(
  `[[(]\\s*${NUMBER}(?:${GAP}${NUMBER}){3,}[^\\])]*[\\])]?|\\b${NUMBER}(?:${GAP}${NUMBER}){7,}|[A-Za-z0-9+/]{80,}={0,2}`,
  "gi",
);

/** One line without what the request held. */
export function withoutEchoes(text: string): string {
  const line = text
    .slice(0, MOST_READ)
    .replace(ECHOES, "…")
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return line.length > MOST_SHOWN ? `${line.slice(0, MOST_SHOWN)}…` : line;
}

/** The title of a page that a proxy or a web server put in place of an answer; undefined: no page. */
function pageTitle(body: string): string | undefined {
  if (!/^\s*<(?:!doctype|html|head|body)\b/i.test(body)) return undefined;
  return (
    withoutEchoes(/<(title|h1)[^>]*>([^<]*)/i.exec(body.slice(0, MOST_READ))?.[2] ?? "") || "without a title"
  );
}

interface Detail {
  readonly loc?: readonly unknown[];
  readonly msg?: unknown;
}

/** `field.name: message` of pydantic's list; its `input` is left out, since it holds the request. */
function detailWords(detail: unknown): string {
  if (!Array.isArray(detail)) return typeof detail === "string" ? detail : JSON.stringify(detail);
  const parts = detail.map((each: Detail | string | null) => {
    if (typeof each !== "object") return String(each);
    const place = (each?.loc ?? []).filter((part) => part !== "body").join(".");
    return `${place === "" ? "request" : place}: ${String(each?.msg)}`;
  });
  return parts.join("; ");
}

/** What the body of an error says. */
export function wordsOf(body: string): string {
  const title = pageTitle(body);
  if (title !== undefined) return `a page: ${title}`;
  try {
    const json = JSON.parse(body) as { detail?: unknown; error?: unknown; message?: unknown } | null;
    const said = json?.detail ?? json?.error ?? json?.message;
    if (said !== undefined) return withoutEchoes(detailWords(said));
  } catch {
    // No JSON: words of a server in between.
  }
  return withoutEchoes(body);
}

const CURES: Readonly<Record<ServerErrorKind, string>> = {
  unreachable: "check that the server runs and that engine.url is its address",
  timeout: "see the server's log, or wait longer",
  busy: "run again later",
  broken: "see the server's log; `--resume` goes on from the last checkpoint",
  garbled: `check that this is a Tinker server, and its wire that of the SDK ${WIRE_SDK_VERSION}`,
  refused: "check engine.url, the key and the model's name",
  rejected: "see what the server says about this request",
};

const KINDS: Readonly<Record<number, ServerErrorKind>> = {
  401: "refused",
  402: "busy",
  403: "refused",
  405: "refused",
  408: "timeout",
  410: "refused",
  425: "busy",
  429: "busy",
  503: "busy",
};

function kindOf(status: number): ServerErrorKind {
  const known = KINDS[status];
  if (known) return known;
  if (status >= 500) return "broken";
  return status >= 400 ? "rejected" : "garbled";
}

const SPECIAL: Readonly<Record<number, string>> = {
  401: ENGINE_KEY_CURE,
  403: ENGINE_KEY_CURE,
  404: "the server does not know what was asked for, or no longer: check the address and names, or resume from the last checkpoint",
  402: "the account is paused for billing; settle it, then resume",
  409: "another request was sent under this sequence number; resume from the last checkpoint",
  410: "the session or the result is over; resume from the last checkpoint",
};

/** The error of an answer whose status is not 200. */
export function statusError(url: URL, reply: HttpReply): ServerError {
  const kind = kindOf(reply.status);
  const shown = shownUrl(url);
  const words = wordsOf(reply.text);
  const cure = SPECIAL[reply.status] ?? CURES[kind];
  const retryAfter = retryAfterMs(reply.headers, Date.now());
  return new ServerError(`${shown}: status ${reply.status}${words === "" ? "" : `: ${words}`}; ${cure}`, {
    kind,
    url: shown,
    status: reply.status,
    ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter }),
  });
}

/** Values that JSON does not have, as Python writes them. */
const NO_NUMBERS = /([[,:]\s*)(?:NaN|-?Infinity)(?=\s*[\],}])/g;

/**
 * The JSON of an answer; what is no number is null.
 * @throws ServerError of kind `broken`: what came is cut, or another's page, and may be whole the next time
 */
export function readAnswer(url: URL, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Python's own numbers, or none at all.
  }
  try {
    return JSON.parse(text.replace(NO_NUMBERS, "$1null"));
  } catch {
    const shown = shownUrl(url);
    const title = pageTitle(text);
    const what =
      title === undefined
        ? `no JSON, or cut after ${text.length} characters`
        : `no JSON but a page (${title})`;
    throw new ServerError(`${shown}: the answer is ${what}; ${CURES.garbled}`, {
      kind: "broken",
      url: shown,
    });
  }
}

/** The error of an answer that is none. */
export function garbledError(url: URL, problem: string): ServerError {
  const shown = shownUrl(url);
  return new ServerError(
    `${shown}: the answer is not one of this call: ${withoutEchoes(problem)}; ${CURES.garbled}`,
    { kind: "garbled", url: shown },
  );
}
