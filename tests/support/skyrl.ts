/**
 * @module A real Tinker server: SkyRL's JAX backend on the CPU, where `SHAREGRPO_SKYRL_PYTHON` names a Python that has
 * it. With 0.3.0 and the stand-ins for torch and peft beside this file:
 *
 *     printf 'torch ; sys_platform == "never"\n' > no-torch.txt
 *     uv venv V --python 3.11
 *     uv pip install --python V/bin/python --override no-torch.txt "skyrl[tinker,jax]==0.3.0" "tinker<=0.24.1" uv
 */
import { spawn, spawnSync } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** What the tests were written against. */
export const SKYRL_VERSION = "0.3.0";

const SHIMS = fileURLToPath(new URL("./skyrl", import.meta.url));
const READY_MS = 120_000;

/** The Python to use, or undefined: then say so and skip. @throws Error when it has another version */
export function skyrlPython(): string | undefined {
  const python = process.env["SHAREGRPO_SKYRL_PYTHON"];
  if (!python) return undefined;
  const code = "import importlib.metadata as m; print(m.version('skyrl'))";
  const found = spawnSync(python, ["-c", code], { encoding: "utf8" }).stdout?.trim();
  if (found !== SKYRL_VERSION) {
    throw new Error(`${python}: has SkyRL ${found || "not at all"}; these tests are for ${SKYRL_VERSION}`);
  }
  return python;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

export interface SkyrlServer {
  readonly url: string;
  readonly log: string;
  close(): Promise<void>;
}

/** Waits until the server says that it is well. */
async function untilReady(url: string, hasEnded: () => boolean): Promise<void> {
  const startedMs = performance.now();
  for (;;) {
    const isReady = await fetch(`${url}/api/v1/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return;
    if (hasEnded()) throw new Error("SkyRL ended before it was ready; see its log");
    if (performance.now() - startedMs > READY_MS) throw new Error(`SkyRL is not ready after ${READY_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Starts a server of the model in `model`; checkpoints, database and log lie in `folder`. */
export async function startSkyrl(python: string, model: string, folder: string): Promise<SkyrlServer> {
  const bin = dirname(python);
  const port = await freePort();
  await mkdir(folder, { recursive: true });
  const backend = {
    max_lora_adapters: 8,
    max_lora_rank: 8,
    train_micro_batch_size: 0,
    sample_max_num_sequences: 64,
  };
  // The server finds its engine's command in its parent's, and so must be started by `uv run … -m`.
  const child = spawn(
    join(bin, "uv"),
    [
      ...["run", "--no-project", "--active", "--offline", "-m", "skyrl.tinker.api"],
      ...["--base-model", model, "--backend", "jax", "--backend-config", JSON.stringify(backend)],
      ...[
        "--checkpoints-base",
        join(folder, "checkpoints"),
        "--database-url",
        `sqlite:///${join(folder, "tinker.db")}`,
      ],
      ...["--host", "127.0.0.1", "--port", String(port)],
    ],
    {
      cwd: folder,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        ...{ VIRTUAL_ENV: dirname(bin), PATH: `${bin}:${process.env["PATH"]}`, PYTHONPATH: SHIMS },
        ...{ JAX_PLATFORMS: "cpu", HF_HUB_OFFLINE: "1", JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS: "0" },
        JAX_COMPILATION_CACHE_DIR: process.env["SHAREGRPO_JAX_CACHE"] ?? join(folder, "jax"),
      },
    },
  );
  const log = join(folder, "server.log");
  const file = createWriteStream(log);
  child.stdout.pipe(file, { end: false });
  child.stderr.pipe(file, { end: false });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const url = `http://127.0.0.1:${port}`;
  const close = async () => {
    // Its engine is a child of its own: the whole group goes.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
    await exited;
    file.end();
  };
  try {
    await untilReady(url, () => child.exitCode !== null);
  } catch (error) {
    await close();
    throw error;
  }
  return { url, log, close };
}
