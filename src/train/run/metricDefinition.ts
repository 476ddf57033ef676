/**
 * @module What is said of a logged number.
 */

/** Which way a metric should go: `flat` should not drift, `none` is neither good nor bad. */
export type Direction = "up" | "down" | "flat" | "none";

export interface MetricDefinition {
  readonly formula: string;
  /** `share` is a number in [0, 1]. */
  readonly unit: "share" | "tokens" | "tokens/s" | "ms/token" | "nats" | "seconds" | "bytes" | "count" | "1";
  readonly direction: Direction;
  readonly trl?: string;
  readonly easyR1?: string;
}
