/**
 * @module A real Ray head on loopback, where `SHAREGRPO_RAY_PYTHON` names a Python that has `ray[default]`.
 */
import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { RAY_API } from "../../src/engine/ray/jobs.js";
import { freePort } from "./skyrl.js";

const READY_MS = 180_000;

/** The Python to use, or undefined: then say so and skip. @throws Error when it has another version */
export function rayPython(): string | undefined {
  const python = process.env["SHAREGRPO_RAY_PYTHON"];
  if (!python) return undefined;
  const found = spawnSync(python, ["-c", "import ray; print(ray.__version__)"], {
    encoding: "utf8",
  }).stdout?.trim();
  if (found !== RAY_API.ray) {
    throw new Error(`${python}: has Ray ${found || "not at all"}; these tests are for ${RAY_API.ray}`);
  }
  return python;
}

export interface RealHead {
  readonly url: string;
  /** It answers nobody without. */
  readonly token: string;
  close(): Promise<void>;
}

/** Starts a head with two CPUs that asks for a token, as heads do where Ray once made one (`~/.ray`); its processes are one group, which `close` ends. */
export async function startRay(python: string): Promise<RealHead> {
  // Its sockets' paths must be short.
  const folder = await mkdtemp("/tmp/ray-");
  const [port, dashboard] = [await freePort(), await freePort()];
  const token = randomBytes(32).toString("hex");
  const child = spawn(
    join(dirname(python), "ray"),
    [
      ...["start", "--head", "--block", "--num-cpus=2", `--port=${port}`, "--disable-usage-stats"],
      ...["--dashboard-host=127.0.0.1", `--dashboard-port=${dashboard}`, "--node-ip-address=127.0.0.1"],
      ...[`--temp-dir=${folder}`, "--object-store-memory=100000000"],
    ],
    {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        ...{ RAY_AUTH_MODE: "token", RAY_AUTH_TOKEN: token },
        PATH: `${dirname(python)}:${process.env["PATH"]}`,
      },
    },
  );
  const exited = new Promise((resolve) => child.once("exit", resolve));
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said = `${said}${text}`.slice(-2000);
    });
  }
  const url = `http://127.0.0.1:${dashboard}`;
  const close = async () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGTERM");
    await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, 15_000))]);
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const startedMs = performance.now();
  for (;;) {
    const isReady = await fetch(`${url}/api/version`, { headers: { authorization: `Bearer ${token}` } }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return { url, token, close };
    if (child.exitCode !== null || performance.now() - startedMs > READY_MS) {
      await close();
      throw new Error(`Ray's head did not start: ${said.trim()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
