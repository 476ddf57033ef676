/**
 * @module What figures of one machine stand beside: its processor, and how busy it is.
 */
import { availableParallelism, cpus, loadavg } from "node:os";

/** Cores and processor. */
export const machineName = (): string => `${availableParallelism()} × ${cpus()[0]?.model ?? "?"}`;

/** Load average over one minute, to a tenth. */
export const load = (): number => Math.round(10 * (loadavg()[0] as number)) / 10;

/** What work gives, and the seconds that it takes. */
export async function timed<T>(
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly seconds: number }> {
  const started = performance.now();
  const result = await work();
  return { result, seconds: (performance.now() - started) / 1000 };
}
