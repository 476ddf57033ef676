/**
 * @module Parsers of command-line values.
 */
import { InvalidArgumentError } from "commander";

/** A whole number from 1. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("expected a whole number from 1.");
  return value;
}

/** A whole number from 0. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < 0)
    throw new InvalidArgumentError("expected a whole number from 0.");
  return value;
}

/** A path. An empty one is a shell variable that was not set, and would mean the folder one happens to be in. */
export function pathName(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("expected a path.");
  return text;
}

/** A number above 0. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < Infinity)) throw new InvalidArgumentError("expected a number above 0.");
  return value;
}

/** What Node's timers count to, seconds; beyond it they go off at once. */
const MOST_SECONDS = 2_147_483;

/** A time limit, seconds. */
export function timeLimit(text: string): number {
  const value = positiveNumber(text);
  if (value > MOST_SECONDS)
    throw new InvalidArgumentError(`expected at most ${MOST_SECONDS} seconds, which are 24 days.`);
  return value;
}
