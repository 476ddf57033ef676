/**
 * @module Which process this is, in words that other processes can check: numbers alone are given again after a
 * restart, in another container, and in the course of time.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import process from "node:process";
import { codeOf } from "../errors.js";

export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Where process numbers mean the same: host and, on Linux, boot and process namespace. */
  readonly machine: string;
  /** When the process began, as Linux counts; null on other systems. */
  readonly birth: string | null;
}

/** What Linux says in a file or link below /proc; undefined on other systems, and for what is gone. */
function fromProc(read: () => string): string | undefined {
  try {
    return read().trim();
  } catch {
    return undefined;
  }
}

/** Fields 3 and 22 of a process's `stat`, counted behind its name, which may hold spaces and brackets. */
function statOf(pid: number): { readonly state: string; readonly birth: string } | undefined {
  const text = fromProc(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ") ?? [];
  const [state, birth] = [fields[0], fields[19]];
  return state === undefined || birth === undefined ? undefined : { state, birth };
}

function machine(): string {
  const boot = fromProc(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"));
  const namespace = fromProc(() => readlinkSync("/proc/self/ns/pid"));
  return [hostname(), boot, namespace].filter((part) => part !== undefined).join(" ");
}

/** The running process. */
export function ownIdentity(): ProcessIdentity {
  const { pid } = process;
  return { pid, host: hostname(), machine: machine(), birth: statOf(pid)?.birth ?? null };
}

/** Whether that very process lives; `unknown` where its number means nothing here. */
export function fateOf({ pid, machine: itsMachine, birth }: ProcessIdentity): "alive" | "dead" | "unknown" {
  if (itsMachine !== machine()) return "unknown";
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Somebody else's process may not be signalled, but it is there.
    return codeOf(error) === "EPERM" ? "alive" : "dead";
  }
  const stat = statOf(pid);
  const isLeftover = stat !== undefined && /[ZX]/.test(stat.state);
  const isAnother = stat !== undefined && birth !== null && stat.birth !== birth;
  return isLeftover || isAnother ? "dead" : "alive";
}
