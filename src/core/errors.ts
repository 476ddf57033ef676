/**
 * @module The errors a person can meet. Message: `<where>: <what is wrong>: <value>`, then what to do.
 */
import { z } from "zod";

/** Base of all errors thrown on purpose; the command line prints their message without a stack. */
export class SharegrpoError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** A setting is missing, misspelt or contradicts another. */
export class ConfigError extends SharegrpoError {}
/** A data file or row cannot be used. */
export class DataError extends SharegrpoError {}
/** A tensor has the wrong shape or dtype. */
export class ShapeError extends SharegrpoError {}
/** A model folder cannot be used, or a prompt does not fit the model. */
export class ModelError extends SharegrpoError {}
/** A checkpoint or run folder is missing, damaged or belongs to another run. */
export class CheckpointError extends SharegrpoError {}
/** A benchmark cannot be run or scored. */
export class BenchmarkError extends SharegrpoError {}
/** A function cannot be compiled: an operation without an ONNX mapping, or a value read while tracing. */
export class CompileError extends SharegrpoError {}

/**
 * What a server did instead of answering. `unreachable`: nobody listens, or the connection broke; `timeout`; `busy`:
 * 429 or 503; `broken`: another 5xx; `garbled`: an answer that is none; `refused`: key, model or path are wrong, so
 * every request will fail; `rejected`: this one request is not accepted.
 */
export type ServerErrorKind =
  | "unreachable"
  | "timeout"
  | "busy"
  | "broken"
  | "garbled"
  | "refused"
  | "rejected";

export interface ServerErrorDetails {
  readonly kind: ServerErrorKind;
  /** Without credentials. */
  readonly url: string;
  /** HTTP status, where there was one. */
  readonly status?: number;
  /** How long the server asked to be left alone, milliseconds. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** A model server cannot be reached, refuses, or answers nonsense. */
export class ServerError extends SharegrpoError {
  readonly details: ServerErrorDetails;
  constructor(message: string, details: ServerErrorDetails) {
    super(message, { cause: details.cause });
    this.details = details;
  }
  /** Whether other requests will fail too, so that a run should stop instead of failing row by row. */
  get isOutage(): boolean {
    return ["unreachable", "busy", "refused"].includes(this.details.kind);
  }
}

/** States what cannot happen. @throws Error when it happens. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}

/** Runs of control characters as one space. */
const oneLine = (text: string): string => text.replace(/\p{Cc}+/gu, " ").trim();

/** The operating system's code of an error (`ENOENT`), or ""; Node's own errors have codes, too. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/**
 * The message of anything thrown. One of others becomes one line without control characters: parsers quote what they
 * could not read, whatever that was.
 */
export function messageOf(error: unknown): string {
  if (error instanceof SharegrpoError) return error.message;
  if (error instanceof z.ZodError) return error.issues.map(issueText).join("; ");
  return oneLine(error instanceof Error ? error.message : String(error));
}

/** The message, and of what it came: network faults of `fetch` hide their reason in `cause`. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : `${messageOf(error)} (${messageOf(cause)})`;
}

/** The first line of a message; YAML's parser shows the source in the others. */
export function firstLineOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return oneLine(text.split("\n", 1)[0] ?? "");
}

function issueText({ path, message }: z.core.$ZodIssue): string {
  return path.length === 0 ? message : `${path.join(".")}: ${message}`;
}
