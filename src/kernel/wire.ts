/**
 * @module Jupyter's messages on the wire: signed lists of frames, version 5.3 of the protocol
 * (jupyter-client.readthedocs.io/en/stable/messaging.html#the-wire-protocol).
 */
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { DataError } from "../core/errors.js";

export const PROTOCOL_VERSION = "5.3";

const DELIMITER = "<IDS|MSG>";

const header = z.looseObject({ msg_id: z.string(), msg_type: z.string(), session: z.string() });
const content = z.record(z.string(), z.json());

export type Header = z.infer<typeof header>;
export type Content = Readonly<Record<string, unknown>>;

/** A message as it was received. */
export interface Request {
  /** Whom a reply is routed to. */
  readonly identities: readonly Uint8Array[];
  readonly header: Header;
  readonly content: Content;
}

/** What is needed to sign and to make messages. */
export interface Signer {
  /** Empty: messages are not signed. */
  readonly key: string;
  /** Names this kernel's process. */
  readonly session: string;
}

function signature(key: string, parts: readonly (string | Uint8Array)[]): string {
  if (key === "") return "";
  const hmac = createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return hmac.digest("hex");
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** @throws DataError when the message is not one, or not signed with the key */
export function parseRequest(frames: readonly Buffer[], key: string): Request {
  const at = frames.findIndex((frame) => frame.toString("latin1") === DELIMITER);
  const [given, ...parts] = frames.slice(at + 1);
  if (at < 0 || given === undefined || parts.length < 4)
    throw new DataError(`kernel: invalid message: ${frames.length} frames`);
  if (!isSame(given.toString("latin1"), signature(key, parts)))
    throw new DataError("kernel: invalid message: its signature does not fit the connection's key");
  const [head, , , body] = parts;
  return {
    identities: frames.slice(0, at),
    header: header.parse(JSON.parse(String(head))),
    content: content.parse(JSON.parse(String(body))),
  };
}

export interface Outgoing {
  readonly type: string;
  readonly content: Content;
  /** What it answers; none for the kernel's own news. */
  readonly parent?: Request;
}

/** The frames of a message, ready to be sent. @param identities whom to; none for what is published */
export function messageFrames(
  { type, content: body, parent }: Outgoing,
  { key, session }: Signer,
  identities: readonly Uint8Array[] = [],
): (string | Uint8Array)[] {
  const head = {
    msg_id: randomUUID(),
    msg_type: type,
    session,
    username: "kernel",
    date: new Date().toISOString(),
    version: PROTOCOL_VERSION,
  };
  const parts = [head, parent?.header ?? {}, {}, body].map((part) => JSON.stringify(part));
  return [...identities, DELIMITER, signature(key, parts), ...parts];
}
