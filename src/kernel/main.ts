/**
 * @module The kernel's process, started by Jupyter: `node main.js <connection file>`.
 *
 * Its sockets answer within a fraction of a second. Meanwhile the compiler starts in its thread; the library is loaded
 * right after the first answers, while the person reads.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import process from "node:process";
import { ConfigError } from "../core/errors.js";
import { startCells } from "./cells.js";
import { LIBRARY_TYPES, loadLibrary } from "./library.js";
import { endWithParent } from "./orphan.js";
import { startCompiler } from "./remoteCompiler.js";
import { createKernel } from "./server.js";
import { type Connection, openSockets, parseConnection } from "./sockets.js";

function readConnection(path: string | undefined): Connection {
  if (path === undefined) throw new ConfigError("kernel: missing connection file: Jupyter passes it");
  return parseConnection(JSON.parse(readFileSync(path, "utf8")));
}

/**
 * A client repeats its first request until it hears the kernel on every socket; only after that may loading the library
 * block it, milliseconds.
 */
const QUIET_MS = 400;
/** Time for the last messages to leave, milliseconds. */
const GOODBYE_MS = 100;

/** Does the work once, when nothing was noticed for a while. @returns call it with every request */
function whenQuiet(work: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isDone = false;
  return () => {
    if (isDone) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      isDone = true;
      work();
    }, QUIET_MS);
  };
}

async function main(): Promise<void> {
  endWithParent();
  const compiler = startCompiler(LIBRARY_TYPES);
  const info = readConnection(process.argv[2]);
  const sockets = await openSockets(info, { key: info.key, session: randomUUID() });
  const kernel = createKernel({
    startCells() {
      const cells = startCells(compiler);
      loadLibrary();
      return cells;
    },
    publish: sockets.publish,
    onShutdown: () => setTimeout(() => process.exit(0), GOODBYE_MS),
    now: () => performance.now(),
  });
  const notice = whenQuiet(() => kernel.warmUp());
  sockets.serve((request, reply) => {
    void kernel.handle(request, reply);
    notice();
  });
}

await main();
