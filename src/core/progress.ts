/**
 * @module How long work says where it stands, and how long it will still take. Nothing here prints or reads a clock.
 */

/** Where a phase stands; `done` counts in the phase's own unit. */
export interface ProgressEvent {
  /** What is being done, for people: "rollout", "evaluate before". */
  readonly phase: string;
  readonly done: number;
  /** 0: not known. */
  readonly total: number;
  /** A few words beside the bar: "step 3 of 24", "1,200 tokens/s". */
  readonly note?: string;
}

/** Told where long work stands; it must not throw. */
export type OnProgress = (event: ProgressEvent) => void;

/** What the estimate remembers of one phase. */
export interface Pace {
  readonly phase: string;
  readonly startedMs: number;
  readonly lastMs: number;
  readonly lastDone: number;
  readonly total: number;
  /** Work per millisecond, recent work counting more; undefined before any was seen. */
  readonly rate?: number;
}

/** Half of the estimate's weight lies on this last share of the elapsed time. */
const RECENT_SHARE = 0.3;

/**
 * Takes one event into the estimate. A new phase, or one that starts over, begins anew.
 * @param nowMs milliseconds from any origin
 */
export function observe(pace: Pace | undefined, event: ProgressEvent, nowMs: number): Pace {
  const isNew = !pace || pace.phase !== event.phase || event.done < pace.lastDone;
  if (isNew) {
    return { phase: event.phase, startedMs: nowMs, lastMs: nowMs, lastDone: event.done, total: event.total };
  }
  const elapsed = nowMs - pace.lastMs;
  const advanced = event.done - pace.lastDone;
  if (advanced <= 0 || elapsed <= 0) return { ...pace, total: event.total };
  const halfLife = Math.max(1, RECENT_SHARE * (nowMs - pace.startedMs));
  const weight = 1 - 0.5 ** (elapsed / halfLife);
  const rate =
    pace.rate === undefined ? advanced / elapsed : pace.rate + weight * (advanced / elapsed - pace.rate);
  return { ...pace, lastMs: nowMs, lastDone: event.done, total: event.total, rate };
}

/** Seconds until the phase is done; undefined while that is not known. */
export function remainingSeconds(pace: Pace, nowMs: number): number | undefined {
  if (pace.rate === undefined || pace.total <= 0) return undefined;
  const left = pace.total - pace.lastDone;
  return Math.max(0, left / pace.rate - (nowMs - pace.lastMs)) / 1000;
}

/** `8 s`, `2 min 05 s`, `3 h 07 min`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}
