/**
 * @module A row of EasyR1's metrics under this project's names, so that report and notebooks read a job on a cluster as
 * one of ours.
 */
import type { MetricDefinition } from "./metricDefinition.js";
import { METRICS } from "./metrics.js";

/** Ours for each of EasyR1's, where both measure the same in the same unit. */
const OURS: ReadonlyMap<string, string> = new Map(
  Object.entries<MetricDefinition>(METRICS).flatMap(([name, { easyR1, unit }]): [string, string][] =>
    // Gigabytes of the driver's node are not the engine's bytes.
    easyR1 === undefined || unit === "bytes" ? [] : [[easyR1, name]],
  ),
);

/** What of a row has a name here; the rest is left out. */
export function ownRow(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]): [string, number][] => {
      const own = OURS.get(name);
      return own === undefined ? [] : [[own, value]];
    }),
  );
}
