/**
 * @module A pause that an abort ends.
 */
import { setTimeout as wait } from "node:timers/promises";

/**
 * @param ms milliseconds
 * @throws the signal's own reason when it is aborted, before or meanwhile; Node's timer has another for all
 */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await wait(ms, undefined, signal ? { signal } : {}).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error;
  });
}
