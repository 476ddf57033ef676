/**
 * What each command says to arguments that it cannot use: before anything is read, downloaded or written.
 */
import { mkdir, mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Command, CommanderError } from "commander";
import { beforeEach, describe, expect, it } from "vitest";
import { addBench } from "../../src/cli/bench.js";
import { addCompletion } from "../../src/cli/completion.js";
import type { CommandContext } from "../../src/cli/context.js";
import { addDoctor } from "../../src/cli/doctor.js";
import { addEvaluate } from "../../src/cli/evaluate.js";
import { addExpand } from "../../src/cli/expand.js";
import { addFetch } from "../../src/cli/fetch.js";
import { addGrade } from "../../src/cli/grade.js";
import { addInspect } from "../../src/cli/inspect.js";
import { addInstallCuda } from "../../src/cli/installCuda.js";
import { addLab } from "../../src/cli/lab.js";
import { addMerge } from "../../src/cli/merge.js";
import { addNotebook } from "../../src/cli/notebook.js";
import { addPush } from "../../src/cli/push.js";
import { addQuickstart } from "../../src/cli/quickstart.js";
import { addReport } from "../../src/cli/report.js";
import { addRuns } from "../../src/cli/runs.js";
import { addScore } from "../../src/cli/score.js";
import { addServe } from "../../src/cli/serve.js";
import { addSettings } from "../../src/cli/settings.js";
import { addTrain } from "../../src/cli/train.js";
import { missTheMissingLast } from "../../src/cli/usage.js";
import { addView } from "../../src/cli/view.js";
import { addWarmup } from "../../src/cli/warmup.js";
import { SharegrpoError } from "../../src/core/errors.js";
import { runCommand } from "../helpers/command.js";

type Add = (program: Command, context: CommandContext) => void;

const COMMANDS: Readonly<Record<string, Add>> = {
  bench: addBench,
  completion: addCompletion,
  doctor: addDoctor,
  evaluate: addEvaluate,
  expand: addExpand,
  fetch: addFetch,
  grade: addGrade,
  inspect: addInspect,
  "install-cuda": addInstallCuda,
  lab: addLab,
  merge: addMerge,
  notebook: addNotebook,
  push: addPush,
  quickstart: addQuickstart,
  report: addReport,
  runs: addRuns,
  score: addScore,
  serve: addServe,
  settings: addSettings,
  train: addTrain,
  view: addView,
  warmup: addWarmup,
};

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "usage-"));
});

/** `DIR` stands for an empty folder, `FILE` for this file. */
async function refusalOf(words: readonly string[]): Promise<Error> {
  const [name = "", ...args] = words.map((word) =>
    word.replace("DIR", dir).replace("FILE", import.meta.filename),
  );
  const add = COMMANDS[name];
  if (!add) throw new Error(`${name}: no such command`);
  return runCommand(add, name, ...args).then(
    ({ printed }) => Promise.reject(new Error(`not refused: ${printed}`)),
    (error: Error) => error,
  );
}

describe("a flag that does not exist", () => {
  // As the whole program asks: for what is unknown first (`usage.ts`).
  it.each(Object.entries(COMMANDS))("is refused by %s, by name", async (name, add) => {
    const lenient: Add = (program, context) => {
      add(program, context);
      missTheMissingLast(program);
    };
    const error = await runCommand(lenient, name, "--no-such-flag").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CommanderError);
    expect((error as Error).message).toContain("unknown option '--no-such-flag'");
  });
});

describe("arguments that cannot be used", () => {
  it.each<readonly [words: readonly string[], message: string]>([
    [["bench", "speed", "--parts", "attenton"], "expected some of"],
    [["bench", "speed", "--repetitions", "0"], "expected a whole number from 1"],
    [["bench", "engine", "--threads", "2"], "unknown option '--threads'"],
    // before minutes of measuring
    [["bench", "kernel", "--out", "FILE/results"], "a file is in the folder's place: choose another --out"],
    [["completion"], "missing required argument 'shell'"],
    [["completion", "tcsh"], "Allowed choices are bash, zsh, fish"],
    [["doctor", "--rank", "-1"], "expected a whole number from 0"],
    [["evaluate", "--benchmarks", "MMStar"], "evaluate: --out is missing: name a run folder"],
    [["evaluate", "--benchmarks", "MMStar", "--out", "DIR/run"], "evaluate: --model is missing"],
    // before the model is looked for
    [
      ["evaluate", "--benchmarks", "MMStar,MMStarr", "--model", "DIR/none", "--out", "DIR/run"],
      "unknown benchmark: MMStarr: choose from MathVista, MMStar, ",
    ],
    [
      ["evaluate", "--benchmarks", "", "--model", "DIR/none", "--out", "DIR/run"],
      "unknown benchmark: : choose",
    ],
    [
      ["evaluate", "--benchmarks", "MMStar", "--model", "tiny", "--out", "DIR/run", "--resume"],
      "nothing to resume: no evaluation was begun there",
    ],
    [
      ["evaluate", "--benchmarks", "MMStar", "--model", "http://127.0.0.1:9", "--out", "DIR/run"],
      "evaluate: --model-name is missing: a server may serve several models",
    ],
    [
      ["evaluate", "--benchmarks", "MMStar", "--model", "tiny,http://127.0.0.1:9", "--out", "DIR/run"],
      "evaluate: --model: give one checkpoint folder",
    ],
    [
      [
        "evaluate",
        "--benchmarks",
        "MMStar",
        "--model",
        "tiny",
        "--out",
        "DIR/run",
        "--judge",
        "http://127.0.0.1:9",
      ],
      "--judge: missing --judge-model",
    ],
    [["expand", "--out", "DIR/out.jsonl", "--llm", "x", "--model", "y"], "required option '--in <"],
    [["grade", "--grader", "exact"], "Allowed choices are"],
    [["grade", "--symbolic"], "--symbolic goes with --grader math"],
    [["inspect"], "missing required argument 'data'"],
    [["inspect", "DIR/none.jsonl"], "none.jsonl"],
    [["inspect", "DIR/none.jsonl", "--row", "0"], "expected a whole number from 1"],
    [["lab", "--port", "http"], "expected a whole number from 1"],
    [["fetch", "DIR", "--out", "DIR/m"], "no run was begun there: name a training's folder"],
    [["install-cuda", "--from", "DIR/ort.whl"], "--from: expected a wheel of onnxruntime-gpu"],
    [["merge", "--checkpoint", "DIR"], "required option '--out <dir>'"],
    [
      ["merge", "--checkpoint", "DIR", "--out", "DIR/m", "--dtype", "int4"],
      "Allowed choices are bf16, f16, f32",
    ],
    [["notebook", "run"], "missing required argument 'files'"],
    [["notebook", "run", "a.ipynb", "--timeout", "0"], "expected a number above 0"],
    [["push", "DIR"], "missing required argument 'repository'"],
    [["push", "DIR", "mine"], "push: mine: not a repository: write owner/name"],
    [["push", "DIR", "../mine"], "not a repository"],
    [["push", "DIR/none", "me/mine"], "none: no such folder: give a training's, a checkpoint or"],
    [["push", "DIR", "me/mine"], "missing weights: give a checkpoint or another model folder"], // before the token
    [["quickstart", "--out", ""], "expected a path"],
    [["quickstart", "--out", "DIR/q", "steps"], "steps: not a setting: write key=value"],
    [["report"], "missing required argument"],
    [["report", "DIR/none"], "none: missing config.yaml"],
    [["report", "DIR/none", "--format", "pdf"], "Allowed choices are"],
    [["runs", "DIR/none", "DIR", "DIR/neither"], "none, "],
    [["score", "--data", "x.tsv", "--predictions", "p.jsonl"], "required option '--benchmark"],
    [["serve"], "serve: missing protocol: write `sharegrpo serve --tinker`"],
    [["serve", "--tinker", "--port", "-1"], "expected a whole number from 0"],
    [["settings", "--preset", "tinny"], "unknown preset: tinny: choose one of tiny"],
    [["train"], "train: give either --preset or --config"],
    [["train", "--preset", "tiny", "--config", "DIR/x.yaml"], "train: give either --preset or --config"],
    [["train", "--preset", "tinny", "--out", "DIR/run"], "unknown preset: tinny"],
    [["train", "--config", "DIR/x.yaml", "--out", "DIR/run"], "x.yaml: cannot read the config"],
    [["train", "--preset", "tiny", "--out", "DIR/run", "train.stepps=3"], "did you mean train.steps?"],
    [["train", "--preset", "tiny", "--out", "DIR/run", "train.steps=three"], "train.steps: "],
    [["train", "--preset", "tiny", "--out", "DIR/run", "train.steps"], "train.steps: not a setting"],
    [["train", "--out", "DIR/run", "--resume"], "nothing to resume: no run was begun there"],
    [["train", "--preset", "tiny", "--out", "DIR/run", "model=DIR/none"], "none"],
    [["view", "DIR/none"], "none: no such folder: name folders with runs"],
    [["view", "DIR", "--port", "0"], "expected a whole number from 1"],
    [["warmup"], "required option '--out <dir>'"],
    [["warmup", "--out", "DIR/w", "--seed", "0"], "expected a whole number from 1"],
  ])("%j: %s", async (words, message) => {
    const error = await refusalOf(words);
    expect(error instanceof SharegrpoError || error instanceof CommanderError, String(error.stack)).toBe(
      true,
    );
    expect(error.message).toContain(message);
    expect(await readdir(dir)).toEqual([]);
  });

  it("push: a checkpoint without weights gets no card", async () => {
    const checkpoint = join(dir, "checkpoints", "step-000001");
    await mkdir(checkpoint, { recursive: true });
    await writeFile(join(dir, "config.yaml"), "seed: 1\n");
    const error = await refusalOf(["push", "DIR", "me/mine"]);
    expect(error.message).toBe(`${checkpoint}: missing weights: give a checkpoint or another model folder`);
    expect(await readdir(checkpoint)).toEqual([]);
  });

  it("push: a training without a checkpoint has nothing to send", async () => {
    await writeFile(join(dir, "config.yaml"), "seed: 1\n");
    const error = await refusalOf(["push", "DIR", "me/mine"]);
    expect(error.message).toBe(`${dir}: no checkpoint yet: train further, then push`);
  });
});
