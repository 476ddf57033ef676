/**
 * @module The errors a person can meet. Message: `<where>: <what is wrong>: <value>`, then what to do.
 */

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

/** States what cannot happen. @throws Error when it happens. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
