/**
 * @module Python with Jupyter, where there is one: `SHAREGRPO_JUPYTER_PYTHON`, the project's `.venv`, or `python3`.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { packageRoot } from "../../src/core/files/packageRoot.js";

const ROOT = packageRoot();

/** What the kernel's spec is found by. */
export const JUPYTER_ENV = { ...process.env, JUPYTER_PATH: join(ROOT, "notebooks") };

/** The Python to use, or undefined: then say so and skip. @param wanted the module that is wanted beside jupyter_client */
export function jupyterPython(wanted = "nbclient"): string | undefined {
  const own = join(ROOT, ".venv", "bin", "python");
  const candidates = [process.env["SHAREGRPO_JUPYTER_PYTHON"], existsSync(own) ? own : undefined, "python3"];
  return candidates.find(
    (python) => python && spawnSync(python, ["-c", `import jupyter_client, ${wanted}`]).status === 0,
  );
}

export interface ExecuteAnswer {
  readonly reply: { readonly status: string; readonly execution_count?: number; readonly evalue?: string };
  readonly outputs: readonly { readonly type: string; readonly content: Record<string, unknown> }[];
  readonly seconds: number;
}

export interface JupyterClient {
  /** The kernel's process. */
  readonly pid: number;
  readonly readySeconds: number;
  readonly process: ChildProcess;
  ask<Answer>(command: object): Promise<Answer>;
  execute(code: string, more?: object): Promise<ExecuteAnswer>;
  /** Shuts the kernel down. */
  close(): Promise<void>;
}

/** Starts the kernel through jupyter_client. @param folder the notebook's folder */
export async function startJupyterClient(python: string, folder: string): Promise<JupyterClient> {
  const script = join(ROOT, "tests", "kernel", "jupyterClient.py");
  const child = spawn(python, [script, folder], { env: JUPYTER_ENV, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async <Answer>(): Promise<Answer> => {
    const { value, done } = await lines.next();
    if (done) throw new Error("the Jupyter client ended");
    return JSON.parse(value) as Answer;
  };
  const ask = <Answer>(command: object): Promise<Answer> => {
    child.stdin.write(`${JSON.stringify(command)}\n`);
    return next<Answer>();
  };
  const { pid, readySeconds } = await next<{ pid: number; readySeconds: number }>();
  return {
    ...{ pid, readySeconds, process: child, ask },
    execute: (code, more = {}) => ask<ExecuteAnswer>({ do: "execute", code, ...more }),
    close: async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.stdin.end();
      await ended;
    },
  };
}
