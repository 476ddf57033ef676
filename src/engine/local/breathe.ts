/**
 * @module Where long work stops when asked: graphs block their thread, so an abort can arrive only between them.
 */
import { setImmediate } from "node:timers/promises";

/** Lets messages in, and stops there when one of them was to stop. @throws the signal's reason */
export async function breathe(signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return;
  await setImmediate();
  signal.throwIfAborted();
}
