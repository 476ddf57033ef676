/**
 * @module A small Jupyter client: starts the kernel as its committed spec says, and asks it over its sockets.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { Dealer, Subscriber } from "zeromq";
import { z } from "zod";
import { DataError } from "../../../src/core/errors.js";
import { packageRoot } from "../../../src/core/files/packageRoot.js";
import { kernelProgram } from "../../../src/kernel/kernelSpec.js";
import { KERNEL_NAME } from "../../../src/kernel/language.js";
import type { Connection } from "../../../src/kernel/sockets.js";
import { type Content, messageFrames, parseRequest, type Signer } from "../../../src/kernel/wire.js";

/** A running kernel. */
export interface KernelClient {
  /** Sends a request on the shell socket and waits for its reply. One at a time. */
  ask(type: string, content: Content): Promise<Content>;
  close(): Promise<void>;
}

const HOST = "127.0.0.1";
/** Between attempts to reach a kernel that has not bound its sockets, milliseconds. */
const RETRY_MS = 10;

/** A port that nobody listens on. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().listen(0, HOST, () => {
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      server.close(() => resolve(port));
    });
    server.on("error", reject);
  });
}

async function chooseConnection(): Promise<Connection> {
  const [shell = 0, control = 0, iopub = 0, stdin = 0, heartbeat = 0] = await Promise.all(
    Array.from({ length: 5 }, freePort),
  );
  return {
    ...{ transport: "tcp", ip: HOST, key: randomUUID() },
    ...{ shell_port: shell, control_port: control, iopub_port: iopub, stdin_port: stdin, hb_port: heartbeat },
  };
}

const spec = z.object({ argv: z.array(z.string()) });

/** Starts the process that `kernel.json` names. */
async function spawnKernel(connectionFile: string): Promise<ChildProcess> {
  const root = packageRoot();
  const path = join(root, "notebooks", "kernels", KERNEL_NAME, "kernel.json");
  const { argv } = spec.parse(JSON.parse(await readFile(path, "utf8")));
  const [, ...rest] = argv.map((part) => {
    if (part === "{connection_file}") return connectionFile;
    return part.startsWith("{resource_dir}") ? kernelProgram(root) : part;
  });
  return spawn(process.execPath, rest, {
    cwd: join(root, "notebooks"),
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/**
 * Starts a kernel in the folder of the notebooks; it may not be ready yet.
 * @param folder where the connection file is kept meanwhile
 */
export async function startKernel(folder: string): Promise<KernelClient> {
  const at = await chooseConnection();
  const file = join(folder, `kernel-${at.shell_port}.json`);
  await writeFile(file, JSON.stringify(at));
  const child = await spawnKernel(file);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const signer: Signer = { key: at.key, session: randomUUID() };
  const shell = new Dealer({ reconnectInterval: RETRY_MS, linger: 0 });
  const news = new Subscriber({ reconnectInterval: RETRY_MS, linger: 0 });
  shell.connect(`tcp://${HOST}:${at.shell_port}`);
  news.connect(`tcp://${HOST}:${at.iopub_port}`);
  news.subscribe();
  return {
    async ask(type, content) {
      await shell.send(messageFrames({ type, content }, signer));
      return parseRequest(await shell.receive(), at.key).content;
    },
    async close() {
      child.kill("SIGKILL");
      await ended;
      shell.close();
      news.close();
      await rm(file, { force: true });
    },
  };
}

/** Runs a cell. @throws DataError when it fails */
export async function runCell(kernel: KernelClient, code: string): Promise<void> {
  const { status, evalue } = await kernel.ask("execute_request", {
    code,
    silent: false,
    store_history: true,
  });
  if (status !== "ok") throw new DataError(`bench kernel: ${JSON.stringify(code)}: ${String(evalue)}`);
}
