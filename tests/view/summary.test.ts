import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { whileHolding } from "../../src/core/files/folderLock.js";
import { ownIdentity } from "../../src/core/files/processIdentity.js";
import { createRunLister, summarise, withDifferences } from "../../src/view/summary.js";
import { evaluationRecord, finishedRun, jsonl } from "../report/fixtures.js";
import { evaluationRun } from "./evaluation.js";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "runs-"));
});

/** A training below the root. */
async function placed(name: string, steps = 4): Promise<string> {
  const dir = join(root, name);
  await mkdir(join(dir, ".."), { recursive: true });
  await rename(await finishedRun(steps), dir);
  return dir;
}

const list = () => createRunLister([root]).list();

describe("createRunLister", () => {
  it("finds trainings and evaluations at any depth, and not what they keep inside", async () => {
    await placed("a/share");
    await rename(await evaluationRun("tiny", [{ text: "A", isRight: true }]), join(root, "six"));
    await mkdir(join(root, "a/share/checkpoints/step-1"), { recursive: true });
    await writeFile(join(root, "a/share/checkpoints/step-1/config.yaml"), "model: tiny");
    await writeFile(join(root, "a/share/checkpoints/step-1/metrics.jsonl"), "");
    expect((await list()).map(({ id, kind }) => [id.slice(root.length + 1), kind])).toEqual([
      ["a/share", "training"],
      ["six", "evaluation"],
    ]);
  });

  it("says what a training came to", async () => {
    await placed("share");
    const [run] = await list();
    const { total, correct } = evaluationRecord("after", 4);
    expect(run).toMatchObject({
      state: "finished",
      model: "tiny",
      algorithm: "share-grpo",
      step: 4,
      steps: 60,
    });
    expect(run?.rewards).toHaveLength(4);
    expect(run?.scores[0]).toMatchObject({ total, accuracy: { value: correct / total } });
  });

  it("tells runs that finished, stopped, work and died apart", async () => {
    await placed("finished");
    const evaluations = "evaluations.jsonl";
    const stopped = await placed("stopped");
    await writeFile(join(stopped, evaluations), jsonl([evaluationRecord("before", 0)]));
    const died = await placed("died");
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "exit");
    const dead = { ...ownIdentity(), pid: child.pid, birth: "1" };
    await writeFile(join(died, "running.json"), JSON.stringify({ task: "train", since: "2026", ...dead }));
    const running = await placed("running");
    await rm(join(running, evaluations));
    const states = await whileHolding(running, "train", async () => {
      const runs = await list();
      return Object.fromEntries(runs.map(({ id, state }) => [id.slice(root.length + 1), state]));
    });
    expect(states).toEqual({ finished: "finished", stopped: "stopped", died: "died", running: "running" });
  });

  it("reckons the time left from the last steps, while it runs", async () => {
    const dir = await placed("running");
    const steps = [1, 2].map((step) => ({ step, "timing_s/step": 3 }));
    await writeFile(join(dir, "metrics.jsonl"), jsonl(steps));
    const [run] = await whileHolding(dir, "train", list);
    expect(run?.secondsLeft).toBe(3 * 58); // 60 steps asked for, 2 done
    expect((await list())[0]).not.toHaveProperty("secondsLeft");
  });

  it.each<readonly [ids: readonly string[], names: readonly string[]]>([
    [
      ["runs/a", "runs/b"],
      ["a", "b"],
    ],
    [
      ["runs/share-1", "runs/share-2/again"],
      ["share-1", "share-2/again"],
    ],
    [
      ["runs/a", "runs/a/again"],
      ["a", "a/again"],
    ],
    [["runs/a/"], ["a/"]],
    [
      ["C:\\runs\\a", "C:\\runs\\b"],
      ["a", "b"],
    ],
    [
      ["/runs/a", "/data/b"],
      ["/runs/a", "/data/b"],
    ],
    [
      ["a", "b/c"],
      ["a", "b/c"],
    ],
    [[], []],
  ])("names runs %j by what they do not share: %j", async (ids, names) => {
    const run = await summarise({ dir: join(root, "nowhere"), kind: "training" });
    expect(withDifferences(ids.map((id) => ({ ...run, id }))).map(({ name }) => name)).toEqual(names);
  });

  it("names only the settings in which runs of one kind differ", async () => {
    await placed("a");
    const b = await placed("b");
    await writeFile(join(b, "config.yaml"), "seed: 2\nmodel: tiny\n");
    await rename(await evaluationRun("tiny", [{ text: "A", isRight: true }]), join(root, "six"));
    const [first, second, six] = await list();
    expect(first?.differing).toMatchObject({ seed: "1", "train.steps": "60" });
    expect(second?.differing).toMatchObject({ seed: "2", "train.steps": "–" });
    expect(first?.differing).not.toHaveProperty("model");
    expect(six?.differing).toEqual({});
  });

  it("lists a run that cannot be read, with the reason", async () => {
    const dir = await placed("broken");
    await writeFile(join(dir, "metrics.jsonl"), '{"step": "one"}\n');
    const [run] = await list();
    expect(run?.problem).toMatch(/metrics\.jsonl: invalid rows: row 1: step/);
  });

  it("reads a run again only when its files have changed", async () => {
    const dir = await placed("share");
    const lister = createRunLister([root]);
    const [first] = await lister.list();
    expect((await lister.list())[0]?.rewards).toBe(first?.rewards);
    await writeFile(join(dir, "metrics.jsonl"), jsonl([{ step: 9, "reward/overall": 1 }]));
    expect((await lister.list())[0]?.step).toBe(9);
  });
});
