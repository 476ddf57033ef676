/**
 * @module What every command is given: where to show progress, and how to learn that the person wants to stop.
 */
import type { Terminal } from "./ui.js";

export interface CommandContext {
  readonly terminal: Terminal;
  /** A signal that Ctrl-C aborts once, which `notice` says; a second Ctrl-C ends the process. */
  signal(notice?: string): AbortSignal;
  /** Prints a line of results on standard output. */
  print(text: string): void;
  /** Sets the exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
  exitWith(code: number): void;
}
