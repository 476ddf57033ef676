/**
 * @module Soft penalty for long responses (DAPO, Yu et al., 2025, Eq. 13): 0 up to maxLength − buffer tokens, then
 * linear, −1 from maxLength on, times a factor.
 */
import { ConfigError } from "../core/errors.js";

export interface OverlongOptions {
  /** Tokens at which the penalty is full. */
  readonly maxLength: number;
  /** Tokens before `maxLength` over which it grows. */
  readonly buffer: number;
  /** Size of the full penalty. */
  readonly factor: number;
}

/** What is added to a response's reward: 0 … −factor. @throws ConfigError when the buffer does not fit the length */
export function overlongPenalty(tokens: number, options: OverlongOptions): number {
  const { maxLength, buffer, factor } = options;
  if (!(buffer > 0 && buffer <= maxLength)) {
    throw new ConfigError(`overlongPenalty: invalid buffer: ${buffer}; use 1 … ${maxLength} (maxLength)`);
  }
  const excess = tokens - (maxLength - buffer);
  return excess <= 0 ? 0 : -factor * Math.min(1, excess / buffer);
}
