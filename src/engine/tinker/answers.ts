/**
 * @module What a Tinker server's refusals mean, in words that name the field and never repeat tokens or pictures.
 */

import { retryAfterMs } from "../../core/chat/chatServer.js";
import { type HttpReply, shownUrl } from "../../core/chat/http.js";
import { ServerError, type ServerErrorKind } from "../../core/errors.js";

const MOST_SHOWN = 300;
/** Lists of numbers and base64: tokens and pictures of the request, which some servers send back. */
const ECHOES = /\[\s*-?\d+(?:\.\d+)?(?:\s*,\s*-?\d+(?:\.\d+)?){7,}[^\]]*\]?|[A-Za-z0-9+/]{80,}={0,2}/g;

/** One line without what the request held. */
export function withoutEchoes(text: string): string {
  const line = text
    .replace(ECHOES, "…")
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return line.length > MOST_SHOWN ? `${line.slice(0, MOST_SHOWN)}…` : line;
}

interface Detail {
  readonly loc?: readonly unknown[];
  readonly msg?: unknown;
}

/** `field.name: message` of pydantic's list; its `input` is left out, since it holds the request. */
function detailWords(detail: unknown): string {
  if (!Array.isArray(detail)) return String(detail);
  const parts = detail.map((each: Detail) => {
    const place = (each.loc ?? []).filter((part) => part !== "body").join(".");
    return `${place === "" ? "request" : place}: ${String(each.msg)}`;
  });
  return parts.join("; ");
}

/** What the body of an error says. */
export function wordsOf(body: string): string {
  try {
    const json = JSON.parse(body) as { detail?: unknown; error?: unknown; message?: unknown } | null;
    const said = json?.detail === undefined ? (json?.error ?? json?.message) : detailWords(json.detail);
    if (said !== undefined) return withoutEchoes(typeof said === "string" ? said : JSON.stringify(said));
  } catch {
    // No JSON: an error page.
  }
  return withoutEchoes(body);
}

const CURES: Readonly<Record<ServerErrorKind, string>> = {
  unreachable: "check that the server runs and that engine.url is its address",
  timeout: "see the server's log, or wait longer",
  busy: "run again later",
  broken: "see the server's log; `--resume` goes on from the last checkpoint",
  garbled: "check that this is a Tinker server",
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
  402: "the account is paused for billing; settle it, then resume",
  409: "another request was sent under this sequence number; resume from the last checkpoint",
  410: "the session or the result is over; resume from the last checkpoint",
};

/** The error of an answer whose status is not 200. */
export function statusError(url: URL, reply: HttpReply, key: string | undefined): ServerError {
  const kind = kindOf(reply.status);
  const shown = shownUrl(url);
  // Before it is cut: the beginning of a key is a secret, too.
  const words = wordsOf(key ? reply.text.replaceAll(key, "***") : reply.text);
  const cure = SPECIAL[reply.status] ?? CURES[kind];
  const retryAfter = retryAfterMs(reply.headers, Date.now());
  return new ServerError(`${shown}: status ${reply.status}${words === "" ? "" : `: ${words}`}; ${cure}`, {
    kind,
    url: shown,
    status: reply.status,
    ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter }),
  });
}

/** The error of an answer that is none. */
export function garbledError(url: URL, problem: string): ServerError {
  const shown = shownUrl(url);
  return new ServerError(
    `${shown}: the answer is not one of this call: ${withoutEchoes(problem)}; ${CURES.garbled}`,
    {
      kind: "garbled",
      url: shown,
    },
  );
}
