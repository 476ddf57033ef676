import { spawnSync } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { packageRoot } from "../../../src/core/files/packageRoot.js";
import { type FetchModelOptions, fetchModel } from "../../../src/engine/ray/fetchModel.js";
import { connectRay } from "../../../src/engine/ray/jobs.js";
import { temporaryFolder } from "../../support/fakeModel.js";
import { type RayHead, startRayHead } from "../../support/rayHead.js";

const support = (name: string) => fileURLToPath(new URL(`../../support/${name}`, import.meta.url));
const MERGER = support("modelMerger.py");
const hasPython = spawnSync("python3", ["--version"]).status === 0;
const heads: RayHead[] = [];
afterEach(async () => {
  for (const head of heads.splice(0)) await head.close();
});

function python(...given: string[]) {
  const cwd = join(packageRoot(), "src", "engine", "ray", "easyr1");
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
  return spawnSync("python3", given, { cwd, encoding: "utf8", env });
}

const merge = (checkpoints: string, ...more: string[]) =>
  python("-m", "sharegrpo_easyr1.merge", "--checkpoints", checkpoints, "--merger", MERGER, ...more);

/** Checkpoints of two steps, as a job leaves them. */
async function trained(): Promise<string> {
  const checkpoints = join(await temporaryFolder(), "checkpoints");
  expect(python(support("easyR1Job.py"), checkpoints).status).toBe(0);
  return checkpoints;
}

/** Fetches by a head whose job prints what the merge printed. */
async function fetched(log: string, options: Partial<FetchModelOptions>, state = "SUCCEEDED") {
  const head = await startRayHead({ states: ["RUNNING", state], logs: ["", log], message: "exit code 1" });
  heads.push(head);
  const jobs = await connectRay({ url: head.url });
  const out = join(await temporaryFolder(), "model");
  const lines: string[] = [];
  const onLine = (line: string) => void lines.push(line);
  const found = await fetchModel({ jobs, checkpoints: "/none", out, everyMs: 1, onLine, ...options });
  return { found, out, lines, head };
}

describe.skipIf(!hasPython)("the model of a run on a cluster", () => {
  it("is merged there and copied here: the newest step, or the one that is asked for", async () => {
    const checkpoints = await trained();
    for (const [step, ...flags] of [[2], [1, "--step", "1"]] as [number, ...string[]][]) {
      const { stdout, stderr, status } = merge(checkpoints, ...flags);
      expect(status, stderr).toBe(0);
      const { found, out, lines, head } = await fetched(`loading\n${stdout}`, { checkpoints, step });
      expect(found).toEqual({ step, files: 2 });
      expect(lines).toEqual(["loading"]);
      expect(await readdir(out)).toEqual(["config.json", "model.safetensors"]);
      expect(await readFile(join(out, "model.safetensors"), "utf8")).toBe(
        `step ${step} rank 0;step ${step} rank 1;`,
      );
      const [job] = [...head.jobs.values()];
      expect(job?.["entrypoint"]).toBe(
        `python3 -m sharegrpo_easyr1.merge --checkpoints '${checkpoints}' --step ${step}`,
      );
    }
  });

  it("is found where this machine has the storage, and a path is one word of the command", async () => {
    const checkpoints = await trained();
    const { stdout } = merge(checkpoints);
    const mounted = join(await temporaryFolder(), "mount");
    await cp(checkpoints, mounted, { recursive: true });
    await rm(checkpoints, { recursive: true });
    expect((await fetched(stdout, { checkpoints, mounted })).found.step).toBe(2);
    await expect(fetched(stdout, { checkpoints })).rejects.toThrow(
      /huggingface: not seen from here: .*give --mounted .*rsync/,
    );
    const odd = "/data/it's here; rm -rf x";
    const { head } = await fetched(stdout, { checkpoints: odd, mounted }).catch(() => ({
      head: heads.at(-1),
    }));
    expect([...(head?.jobs.values() ?? [])][0]?.["entrypoint"]).toContain(
      `--checkpoints '/data/it'\\''s here; rm -rf x'`,
    );
  });

  it("is refused where bytes differ, and nothing stays under its name", async () => {
    const checkpoints = await trained();
    const { stdout } = merge(checkpoints);
    await writeFile(join(checkpoints, "global_step_2", "actor", "huggingface", "config.json"), "{}");
    const out = join(await temporaryFolder(), "model");
    await expect(fetched(stdout, { checkpoints, out })).rejects.toThrow(/other bytes than the cluster has/);
    expect(await readdir(join(out, ".."))).toEqual([]);
    const evil = stdout.replace('"config.json"', '"../config.json"');
    await expect(fetched(evil, { checkpoints, out })).rejects.toThrow(/did not say what it merged/);
    await expect(fetched("", { checkpoints, out })).rejects.toThrow(/did not say what it merged/);
    await expect(fetched("boom", { checkpoints, out }, "FAILED")).rejects.toThrow(
      /failed: exit code 1\nboom/,
    );
    await expect(fetched("", { checkpoints: "checkpoints", out })).rejects.toThrow(
      /begins with \/ is needed/,
    );
  });

  it("leaves out steps whose shards are not all there, and merges again what was not finished", async () => {
    const checkpoints = await trained();
    const actor = (step: number) => join(checkpoints, `global_step_${step}`, "actor");
    await rm(join(actor(2), "model_world_size_2_rank_1.pt"));
    const { stdout } = merge(checkpoints);
    expect(JSON.parse(stdout.slice(stdout.indexOf("{")))).toMatchObject({ step: 1 });
    expect(merge(checkpoints, "--step", "2").stderr).toMatch(
      /no whole checkpoint of step 2; there are \[1\]/,
    );
    const weights = join(actor(1), "huggingface", "model.safetensors");
    await writeFile(weights, "altered");
    expect(merge(checkpoints).status).toBe(0);
    expect(await readFile(weights, "utf8")).toBe("altered");
    await rm(join(actor(1), "huggingface", ".sharegrpo-merged"));
    expect(merge(checkpoints).status).toBe(0);
    expect(await readFile(weights, "utf8")).toBe("step 1 rank 0;step 1 rank 1;");
    await mkdir(join(checkpoints, "empty"));
    expect(merge(join(checkpoints, "empty")).stderr).toMatch(/there are \[\]/);
    const { stderr } = python("-m", "sharegrpo_easyr1.merge", "--checkpoints", join(checkpoints, "none"));
    expect(stderr).toMatch(/no such folder where this job runs/);
  });
});
