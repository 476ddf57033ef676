/**
 * @module What a job on the cluster says: its state, its log, and the metrics rows in it.
 */
import { ModelError } from "../../core/errors.js";
import { pause } from "../../core/pause.js";
import type { JobState, RayJobs } from "./jobs.js";

/** A row of EasyR1's metrics, under EasyR1's names. */
export interface JobRow {
  readonly step: number;
  readonly values: Readonly<Record<string, number>>;
}

/** Begins a line that the job prints for us, wherever Ray's prefix puts it. */
const MARK = "SHAREGRPO ";
/** Colours and cursor movements. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const ANSI = /\u001b\[[0-9;?]*[A-Za-z]/g;

/** Reads a line of the log; undefined: it is not one of ours. */
export function readRow(line: string): JobRow | undefined {
  const at = line.indexOf(MARK);
  if (at < 0) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(line.slice(at + MARK.length));
  } catch {
    return undefined;
  }
  if (typeof json !== "object" || json === null) return undefined;
  const { step, ...rest } = json as Record<string, unknown>;
  if (typeof step !== "number") return undefined;
  const values = Object.entries(rest).filter(
    (entry): entry is [string, number] => typeof entry[1] === "number",
  );
  return { step, values: Object.fromEntries(values) };
}

export interface FollowOptions {
  readonly id: string;
  /** Log lines, as they come; ours are left out. */
  readonly onLine?: (line: string) => void;
  readonly onRow: (row: JobRow) => void | Promise<void>;
  readonly onState?: (state: JobState) => void;
  /** Aborted: following stops; the job goes on. */
  readonly signal?: AbortSignal;
  readonly everyMs?: number;
}

const EVERY_MS = 2000;
const ENDED: readonly JobState[] = ["SUCCEEDED", "FAILED", "STOPPED"];
/** Of the log's end, in the message of a job that failed. */
const LINES_SHOWN = 12;

/** The log from where it was read last: whole lines, without colours. Holds how far it has come. */
function createReader(): (log: string, isLast: boolean) => string[] {
  let read = 0;
  return (log, isLast) => {
    const end = isLast ? log.length : log.lastIndexOf("\n") + 1;
    const fresh = log.slice(read, end).replace(ANSI, "");
    read = Math.max(read, end);
    return fresh.split(/\r?\n/).filter((line) => line.trim() !== "");
  };
}

/**
 * Follows a job to its end.
 * @returns how it ended
 * @throws ModelError when there is no such job, or it failed: with the end of its log; the signal's reason
 */
export async function followJob(jobs: RayJobs, options: FollowOptions): Promise<"SUCCEEDED" | "STOPPED"> {
  const { id, onLine, onRow, onState, signal, everyMs = EVERY_MS } = options;
  const newLines = createReader();
  let shown: JobState | undefined;
  let tail: string[] = [];
  for (;;) {
    signal?.throwIfAborted();
    const status = await jobs.status(id);
    if (!status)
      throw new ModelError(
        `${jobs.server}: no job ${id}: the cluster was started anew; resume to submit again`,
      );
    const hasEnded = ENDED.includes(status.state);
    if (status.state !== shown) onState?.(status.state);
    shown = status.state;
    const log = status.state === "PENDING" ? "" : await jobs.logs(id);
    for (const line of newLines(log, hasEnded)) {
      const row = readRow(line);
      if (row) await onRow(row);
      else {
        tail = [...tail, line].slice(-LINES_SHOWN);
        onLine?.(line);
      }
    }
    if (status.state === "FAILED") {
      throw new ModelError(`${jobs.server}: job ${id} failed: ${status.message}\n${tail.join("\n")}`);
    }
    if (status.state === "SUCCEEDED" || status.state === "STOPPED") return status.state;
    await pause(everyMs, signal);
  }
}
