/**
 * @module What figures of one machine stand beside: its processor, and how busy it is.
 */
import { availableParallelism, cpus, loadavg } from "node:os";

/** Cores and processor. */
export const machineName = (): string => `${availableParallelism()} × ${cpus()[0]?.model ?? "?"}`;

/** Load average over one minute, to a tenth. */
export const load = (): number => Math.round(10 * (loadavg()[0] as number)) / 10;
