import { mkdtemp, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modelFolder } from "../../src/model/load.js";
import { COMMIT, type HubFile, type HubServer, startHub } from "../helpers/hubServer.js";
import { runProgram } from "../helpers/program.js";

let hub: HubServer;
let cwd: string;
let env: Record<string, string>;

beforeAll(async () => {
  const tiny = modelFolder("tiny");
  const files: Record<string, HubFile> = {};
  for (const name of await readdir(tiny)) {
    files[name] = { content: await readFile(join(tiny, name)), isLarge: name.endsWith(".safetensors") };
  }
  hub = await startHub(files);
  cwd = await mkdtemp(join(tmpdir(), "named-"));
  env = { HF_ENDPOINT: hub.url, HF_HUB_CACHE: join(cwd, "hub"), HF_TOKEN: "hf_mine" };
});
afterAll(() => hub.close());

const SHORT = ["rollout.maxResponseLength=8", "rollout.responses=2", "reward.preflight=off"];

describe("a model by its name on a hub", () => {
  it("is trained, keeps its commit, goes on without the hub, and is sent with its card", {
    timeout: 120_000,
  }, async () => {
    const settings = ["train.questionsPerStep=2", "train.evaluateQuestions=0", "train.saveEvery=1", ...SHORT];
    const train = (...args: string[]) => runProgram(["train", "--out", "run", ...args], { cwd, env });
    const first = await train("--preset", "tiny", "model=someone/model", "train.steps=1", ...settings);
    expect(first.stderr).toContain(`someone/model@${COMMIT.slice(0, 8)}`);
    expect(first.code).toBe(0);
    expect(await readFile(join(cwd, "run", "config.yaml"), "utf8")).toContain(
      `model: someone/model@${COMMIT}\n`,
    );

    hub.commit = COMMIT.replace(/^0/, "f"); // the branch moves on; the run does not
    const asked = hub.requests.length;
    expect((await train("--resume", "train.steps=2")).code).toBe(0);
    expect(hub.requests).toHaveLength(asked);

    const card = await readFile(join(cwd, "run", "checkpoints", "step-000002", "README.md"), "utf8");
    expect(card).toContain("base_model: someone/model\n");
    const push = await runProgram(["push", "run", "me/mine"], { cwd, env });
    expect(push.stdout).toContain(`${hub.url}/me/mine`);
    expect(Object.keys(hub.commits[0]?.files ?? {})).toEqual(
      expect.arrayContaining(["README.md", "config.json", "model.safetensors", "tokenizer.json"]),
    );
    expect(Object.keys(hub.commits[0]?.files ?? {})).not.toContain("optimizer.safetensors");
  });

  it("is graded", { timeout: 60_000 }, async () => {
    const args = ["--model", `someone/model@${COMMIT}`, "--benchmarks", "MMStar", "--data", "samples"];
    const flags = [...args, "--limit", "1", "--max-tokens", "8", "--out", "scores", "--json"];
    const { stdout } = await runProgram(["evaluate", ...flags], {
      cwd,
      env: { ...env, HF_HUB_OFFLINE: "1" },
    });
    expect(JSON.parse(stdout).model.name).toBe("someone/model");
  });
});
