import { afterEach, describe, expect, it } from "vitest";
import { zipBytes } from "../../../src/core/files/zip.js";
import { followJob, type JobRow, readRow } from "../../../src/engine/ray/follow.js";
import { connectRay, parseRayUrl, type RayJob } from "../../../src/engine/ray/jobs.js";
import { type RayHead, type ScriptedJob, startRayHead } from "../../support/rayHead.js";
import { unzip } from "../../support/unzip.js";

const open: RayHead[] = [];
afterEach(async () => {
  for (const head of open.splice(0)) await head.close();
});

const QUIET: ScriptedJob = { states: ["SUCCEEDED"], logs: [""] };

async function headOf(script: ScriptedJob = QUIET, version?: string): Promise<RayHead> {
  const head = await startRayHead(script, version);
  open.push(head);
  return head;
}

const JOB: RayJob = {
  ...{ entrypoint: "python3 main.py", id: "sharegrpo-1", folder: "gcs://_ray_pkg_1.zip" },
  ...{ environment: { A: "1" }, metadata: { run: "r1" }, cpus: 1 },
};

describe("zipBytes", () => {
  it("is read back file by file, names in UTF-8", () => {
    const entries = [
      { path: "run.yaml", bytes: Buffer.from("a: 1\n".repeat(100)) },
      { path: "Ordner/ä.txt", bytes: Buffer.from("ä") },
      { path: "empty", bytes: new Uint8Array() },
    ];
    const found = unzip(zipBytes(entries));
    expect([...found.keys()]).toEqual(entries.map(({ path }) => path));
    for (const { path, bytes } of entries) expect(found.get(path)?.equals(bytes)).toBe(true);
  });

  it("of the same files is the same bytes, and of none an empty archive", () => {
    const entries = [{ path: "x", bytes: Buffer.from("x") }];
    expect(zipBytes(entries)).toEqual(zipBytes(entries));
    expect(unzip(zipBytes([])).size).toBe(0);
  });
});

describe("connectRay", () => {
  it("uploads a folder once, submits, and says how the job stands", async () => {
    const head = await headOf();
    const jobs = await connectRay({ url: head.url });
    expect(jobs.rayVersion).toBe("2.60.0");
    const zip = zipBytes([{ path: "main.py", bytes: Buffer.from("print(1)") }]);
    const folder = await jobs.upload(zip);
    expect(folder).toMatch(/^gcs:\/\/_ray_pkg_[0-9a-f]{16}\.zip$/);
    expect(await jobs.upload(zip)).toBe(folder);
    expect(head.packages.size).toBe(1);
    await jobs.submit({ ...JOB, folder });
    expect(head.jobs.get(JOB.id)).toEqual({
      ...{ entrypoint: "python3 main.py", submission_id: "sharegrpo-1", metadata: { run: "r1" } },
      ...{ runtime_env: { working_dir: folder, env_vars: { A: "1" } }, entrypoint_num_cpus: 1 },
    });
    expect(await jobs.status(JOB.id)).toEqual({ state: "SUCCEEDED", message: "" });
    expect(await jobs.status("other")).toBeUndefined();
  });

  it("is not taken for a browser, as Node's fetch is", async () => {
    const head = await headOf();
    const { status } = await fetch(`${head.url}/api/packages/gcs/_ray_pkg_1.zip`, {
      method: "PUT",
      body: "x",
    });
    expect(status).toBe(405);
    const jobs = await connectRay({ url: head.url });
    expect(await jobs.upload(Buffer.from("x"))).toMatch(/^gcs:/);
  });

  it("refuses another API version, naming both", async () => {
    const head = await headOf(QUIET, "5");
    await expect(connectRay({ url: head.url })).rejects.toThrow(
      /Jobs API has version 5 \(Ray 2\.60\.0\), this was written for version 4 \(Ray 2\.60\.0\)/,
    );
  });

  it("shows the last line of a traceback, not all of it", async () => {
    const head = await headOf();
    const jobs = await connectRay({ url: head.url });
    await jobs.submit(JOB);
    await expect(jobs.submit(JOB)).rejects.toThrow(
      /status 500: ValueError: Job with submission_id sharegrpo-1 already exists; see the log/,
    );
  });

  it("says when something else answers at the address", async () => {
    await expect(connectRay({ url: "http://127.0.0.1:9" })).rejects.toThrow(/cannot be reached/);
    expect(parseRayUrl("ray://head:8265").href).toBe("http://head:8265/");
    expect(() => parseRayUrl("head")).toThrow("engine.url: not an address: head: write http://head:8265");
  });
});

describe("readRow", () => {
  it.each<[string, JobRow | undefined]>([
    ['SHAREGRPO {"step": 3, "reward/overall": 0.5}', { step: 3, values: { "reward/overall": 0.5 } }],
    ['\u001b[36m(Runner pid=1)\u001b[0m SHAREGRPO {"step": 1, "x": "y"}', { step: 1, values: {} }],
    ["SHAREGRPO {broken", undefined],
    ["SHAREGRPO 5", undefined],
    ["Step 3", undefined],
  ])("of %j", (line, row) => {
    expect(readRow(line)).toEqual(row);
  });
});

describe("followJob", () => {
  const follow = async (script: ScriptedJob, signal?: AbortSignal) => {
    const head = await headOf(script);
    const jobs = await connectRay({ url: head.url });
    await jobs.submit(JOB);
    const seen = { rows: [] as JobRow[], lines: [] as string[], states: [] as string[] };
    const end = followJob(jobs, {
      id: JOB.id,
      everyMs: 5,
      onRow: (row) => void seen.rows.push(row),
      onLine: (line) => void seen.lines.push(line),
      onState: (state) => void seen.states.push(state),
      ...(signal ? { signal } : {}),
    });
    return { end, seen, jobs, head };
  };

  it("gives rows and lines once, though the whole log comes each time, and waits for whole lines", async () => {
    const one = 'loading\nSHAREGRPO {"step": 1, "a": 1}\n';
    const { end, seen } = await follow({
      states: ["PENDING", "RUNNING", "RUNNING", "SUCCEEDED"],
      logs: [one, `${one}SHAREGRPO {"step": 2, `, `${one}SHAREGRPO {"step": 2, "a": 2}\ndone`],
    });
    expect(await end).toBe("SUCCEEDED");
    expect(seen.rows.map(({ step, values }) => [step, values["a"]])).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(seen.lines).toEqual(["loading", "done"]);
    expect(seen.states).toEqual(["PENDING", "RUNNING", "SUCCEEDED"]);
  });

  it("of a job that fails gives the end of its log", async () => {
    const logs = [`${Array.from({ length: 30 }, (_, at) => `line ${at}`).join("\n")}\nNo GPU\n`];
    const { end } = await follow({ states: ["RUNNING", "FAILED"], logs, message: "exit code 1" });
    const message = await end.catch((error: Error) => error.message);
    expect(message).toMatch(/job sharegrpo-1 failed: exit code 1\nline 19\n(.*\n)*No GPU$/);
  });

  it("ends when the job is stopped, and when following is", async () => {
    const first = await follow({ states: ["RUNNING"], logs: [""] });
    await first.jobs.stop(JOB.id);
    expect(await first.end).toBe("STOPPED");
    const controller = new AbortController();
    const second = await follow({ states: ["RUNNING"], logs: [""] }, controller.signal);
    controller.abort(new Error("interrupted"));
    await expect(second.end).rejects.toThrow("interrupted");
    expect(second.head.stopped).toEqual([]);
  });
});
