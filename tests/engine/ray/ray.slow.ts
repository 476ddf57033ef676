import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { zipBytes } from "../../../src/core/files/zip.js";
import { examineAddress } from "../../../src/engine/examine.js";
import { fetchModel } from "../../../src/engine/ray/fetchModel.js";
import { followJob, type JobRow } from "../../../src/engine/ray/follow.js";
import { connectRay, RAY_API, type RayJobs } from "../../../src/engine/ray/jobs.js";
import { temporaryFolder } from "../../support/fakeModel.js";
import { type RealHead, rayPython, startRay } from "../../support/ray.js";

const python = rayPython();

/** Stands in for training: what EasyR1's trackers print and write, without a GPU. */
const STAND_IN = `
import json, os, pathlib, sys, time
print("settings", pathlib.Path("run.yaml").read_text().strip(), os.environ["SHAREGRPO_RUN"], flush=True)
for step in (1, 2, 3):
    print("SHAREGRPO " + json.dumps({"step": step, "reward/overall": step / 10}), flush=True)
    time.sleep(float(sys.argv[1]))
`;

describe.skipIf(!python)("a real Ray head", () => {
  let head: RealHead;
  let jobs: RayJobs;
  let folder: string;
  beforeAll(async () => {
    head = await startRay(python ?? "");
    jobs = await connectRay({ url: head.url, token: head.token });
    const files = { "main.py": STAND_IN, "run.yaml": "steps: 3" };
    const entries = Object.entries(files).map(([path, text]) => ({ path, bytes: Buffer.from(text) }));
    folder = await jobs.upload(zipBytes(entries));
  }, 300_000);
  afterAll(() => head?.close(), 60_000);

  const submit = (id: string, seconds: number) =>
    jobs.submit({
      ...{ id, folder, entrypoint: `python3 main.py ${seconds}`, environment: { SHAREGRPO_RUN: id } },
      ...{ metadata: { run: id }, cpus: 0 },
    });

  it("takes a folder, runs it, and gives its rows and its log", { timeout: 300_000 }, async () => {
    await submit("sharegrpo-follow", 0.1);
    const rows: JobRow[] = [];
    const lines: string[] = [];
    const end = await followJob(jobs, {
      ...{ id: "sharegrpo-follow", everyMs: 500 },
      onRow: (row) => void rows.push(row),
      onLine: (line) => void lines.push(line),
    });
    expect(end).toBe("SUCCEEDED");
    expect(rows.map(({ step, values }) => [step, values["reward/overall"]])).toEqual([
      [1, 0.1],
      [2, 0.2],
      [3, 0.3],
    ]);
    expect(lines.join("\n")).toContain("settings steps: 3 sharegrpo-follow");
  });

  it("merges the checkpoints of a job by another, and gives the model", { timeout: 300_000 }, async () => {
    const checkpoints = join(await temporaryFolder(), "checkpoints");
    const support = (name: string) => fileURLToPath(new URL(`../../support/${name}`, import.meta.url));
    const zip = zipBytes([{ path: "main.py", bytes: await readFile(support("easyR1Job.py")) }]);
    await jobs.submit({
      ...{ id: "sharegrpo-train", folder: await jobs.upload(zip), environment: {}, metadata: {}, cpus: 0 },
      entrypoint: `python3 main.py ${checkpoints}`,
    });
    const rows: JobRow[] = [];
    const onRow = (row: JobRow) => void rows.push(row);
    expect(await followJob(jobs, { id: "sharegrpo-train", everyMs: 500, onRow })).toBe("SUCCEEDED");
    expect(rows.map(({ step }) => step)).toEqual([1, 2]);
    const out = join(await temporaryFolder(), "model");
    const merger = support("modelMerger.py");
    expect(await fetchModel({ jobs, checkpoints, merger, out, everyMs: 500 })).toEqual({ step: 2, files: 2 });
    expect(await readFile(join(out, "model.safetensors"), "utf8")).toBe("step 2 rank 0;step 2 rank 1;");
  });

  it("answers nobody without its token, and says where it is kept", async () => {
    for (const token of [undefined, "0".repeat(64)]) {
      const words = /status 40[13]: .*; set SHAREGRPO_ENGINE_KEY .*~\/\.ray\/auth_token/;
      await expect(connectRay({ url: head.url, token })).rejects.toThrow(words);
    }
    vi.stubEnv("SHAREGRPO_ENGINE_KEY", head.token);
    const [server] = await examineAddress({ url: head.url });
    vi.unstubAllEnvs();
    expect(server).toMatchObject({ isFine: true, note: expect.stringContaining(`Ray ${RAY_API.ray}`) });
  });

  it("refuses an id that is taken, and Node's fetch", { timeout: 120_000 }, async () => {
    await expect(submit("sharegrpo-follow", 0.1)).rejects.toThrow(/status 500: .*already exists/);
    const { status } = await fetch(`${head.url}/api/packages/gcs/_ray_pkg_1.zip`, {
      method: "PUT",
      headers: { authorization: `Bearer ${head.token}` },
      body: "x",
    });
    expect(status).toBe(405);
    expect(await jobs.status("nobody")).toBeUndefined();
  });

  it("stops a job, and a job that fails gives the end of its log", { timeout: 300_000 }, async () => {
    await submit("sharegrpo-stop", 60);
    const seen: number[] = [];
    const end = followJob(jobs, {
      ...{ id: "sharegrpo-stop", everyMs: 500 },
      async onRow({ step }) {
        seen.push(step);
        await jobs.stop("sharegrpo-stop");
      },
    });
    expect(await end).toBe("STOPPED");
    expect(seen).toEqual([1]);
    await submit("sharegrpo-fail", Number.NaN);
    const failed = followJob(jobs, { id: "sharegrpo-fail", everyMs: 500, onRow: () => undefined });
    await expect(failed).rejects.toThrow(/job sharegrpo-fail failed: (.*\n)*.*ValueError/);
  });
});
