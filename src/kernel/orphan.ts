/**
 * @module Ends a kernel whose front end has died; it would run for ever.
 */
import process from "node:process";
import { Worker } from "node:worker_threads";

/** How often to look, milliseconds. */
const WATCH_MS = 1000;

/** Runs in a thread of its own, because a cell may keep the main one busy for ever. */
const WATCHER = `
const parent = process.ppid;
setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, "SIGKILL"); }, ${WATCH_MS});
`;

/** Ends this process within two seconds of its parent's end. Windows keeps no record of that, and nothing is watched. */
export function endWithParent(): void {
  if (process.platform === "win32") return;
  new Worker(WATCHER, { eval: true, execArgv: [] }).unref();
}
