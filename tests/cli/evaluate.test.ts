import { readFileSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { samplesFolder } from "../../benchmarks/data/locate.js";
import { addEvaluate } from "../../src/cli/evaluate.js";
import { addScore } from "../../src/cli/score.js";
import { ConfigError } from "../../src/core/errors.js";
import { type ChatServer, type ChatServerScript, startChatServer } from "../helpers/chatServer.js";
import { runCommand } from "../helpers/command.js";

let server: ChatServer | undefined;
afterEach(async () => {
  await server?.close();
});

const evaluate = (...flags: readonly string[]) => runCommand(addEvaluate, "evaluate", ...flags);
const newFolder = () => mkdtemp(join(tmpdir(), "evaluate-cli-"));

async function serve(answer: ChatServerScript["answer"]): Promise<readonly string[]> {
  server = await startChatServer({ answer });
  return ["--model", server.url, "--model-name", "test-model", "--data", "samples"];
}

describe("sharegrpo evaluate", () => {
  it("names what is run, asks a server, and shows scores, rates and where the files are", async () => {
    const out = await newFolder();
    const model = await serve(({ call }) => {
      if (call === 0) return { kind: "reply", text: "no end", finishReason: "length" };
      return call === 1
        ? { kind: "status", status: 400, body: "\u001b[31mtoo long" }
        : "The answer is \\boxed{A}.";
    });
    const { printed, said } = await evaluate(
      "--benchmarks",
      "MMStar,AI2D_TEST,mmstar",
      ...model,
      "--concurrency",
      "1",
      "--out",
      out,
    );
    expect(said.split("\n").map((line) => line.split(",")[0])).toEqual([
      "MMStar (samples): 15 rows",
      "AI2D_TEST (samples): 13 rows",
    ]);
    expect(printed).toMatch(/^MMStar +15 .* 6\.7 % +6\.7 % +\d+$/m);
    expect(printed).toContain("rules 2026-08, judge none");
    expect(printed).toContain("1 rows failed and count as wrong");
    expect(printed).not.toContain("\u001b");
    expect(readFileSync(join(out, "scores.txt"), "utf8")).toContain("MMStar, fixed");
    const { datasets } = JSON.parse(readFileSync(join(out, "result.json"), "utf8"));
    expect(datasets[0].statuses).toEqual({ finished: 13, truncated: 1, failed: 1 });
  });

  it("asks the R1 prompt as R1-ShareVL did, or with other words once", async () => {
    const model = [...(await serve(() => "A")), "--concurrency", "1"];
    await evaluate("--benchmarks", "MMMU", "--limit", "2", ...model, "--out", await newFolder());
    expect(server?.requests[1]?.prompt.match(/You FIRST think/g)?.length).toBe(3);
    const words = ["--prompt", "r1-once", "--prompt-text", "Think."];
    await evaluate("--benchmarks", "MMMU", "--limit", "1", ...model, ...words, "--out", await newFolder());
    expect(server?.requests.at(-1)?.prompt).toMatch(/options above\. \n Think\.$/);
  });

  it("makes a file for MMMU's server of the split whose answers are not published", async () => {
    const [data, out] = [await newFolder(), await newFolder()];
    const image = readFileSync(join(samplesFolder(), "MMStar.tsv"), "utf8").split("\n")[1]?.split("\t")[2];
    const columns = ["index", "id", "question", "image", "A", "B"];
    const rows = [columns, ["1", "test_Art_1", "<image 1> Which?", image, "cat", "dog"]];
    await writeFile(join(data, "MMMU_TEST.tsv"), rows.map((cells) => `${cells.join("\t")}\n`).join(""));
    const model = await serve(() => "\\boxed{B}");
    const flags = ["--benchmarks", "MMMU_TEST", ...model, "--data", data];
    const { printed } = await evaluate(...flags, "--out", out);
    expect(printed).toMatch(/^MMMU_TEST +1 +answers hidden/m);
    const path = join(out, "submission-MMMU_TEST.json");
    expect(printed).toContain(`for MMMU's server  ${path}`);
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ test_Art_1: "B" });

    const tsv = ["--benchmark", "MMMU_TEST", "--data", join(data, "MMMU_TEST.tsv")];
    const kept = join(out, "predictions", "MMMU_TEST.jsonl");
    const rescored = await runCommand(addScore, "score", ...tsv, "--predictions", kept);
    expect(JSON.parse(rescored.printed)).toEqual({ test_Art_1: "B" });
    expect(rescored.said).toBe("MMMU_TEST: answers are not published; this is for its server");
  });

  it("shows prompts without a model, a folder or a question asked", async () => {
    const flags = ["--benchmarks", "MathVista", "--data", "samples", "--prompt", "none"];
    const { printed } = await evaluate(...flags, "--show-prompts", "1");
    expect(printed).toMatch(
      /^--- MathVista_MINI, index 1, 1 images\n\[image 1\]\n⏐ Hint: Please answer.*\nQuestion: /,
    );
  });

  it("shows prompts of a file without the columns that scores need", async () => {
    const data = await newFolder();
    const image = readFileSync(join(samplesFolder(), "MMStar.tsv"), "utf8").split("\n")[1]?.split("\t")[2];
    const rows = [
      ["index", "question", "question_for_eval", "image"],
      ["1", "Find x.", "Find x.", image],
    ];
    await writeFile(join(data, "MathVerse_MINI.tsv"), rows.map((cells) => `${cells.join("\t")}\n`).join(""));
    const flags = ["--benchmarks", "MathVerse", "--data", data];
    const { printed } = await evaluate(...flags, "--prompt", "none", "--show-prompts", "1");
    expect(printed).toContain("⏐ Find x.");
    const model = await serve(() => "5");
    const scored = evaluate(...model, ...flags, "--out", await newFolder());
    await expect(scored).rejects.toThrow(/missing columns: answer, question_type, problem_version/);
  });

  it("refuses what cannot be meant, before anything is asked", async () => {
    const out = ["--benchmarks", "MMStar", "--data", "samples", "--out", await newFolder()];
    const cases: readonly (readonly [flags: readonly string[], message: string])[] = [
      [["--benchmarks", "MMStar"], "--out is missing"],
      [out, "--model is missing"],
      [[...out, "--model", "http://127.0.0.1:9"], "--model-name is missing"],
      [[...out, "--model", "tiny,http://127.0.0.1:9"], "give one checkpoint folder"],
      [[...out, "--model", "tiny", "--samples", "4"], "--samples needs --temperature above 0"],
      [[...out, "--model", "tiny", "--judge", "http://127.0.0.1:9"], "missing --judge-model"],
    ];
    for (const [flags, message] of cases) {
      const refused = evaluate(...flags);
      await expect(refused).rejects.toThrow(message);
      await expect(refused).rejects.toBeInstanceOf(ConfigError);
    }
    await expect(evaluate(...out, "--temperature", "warm")).rejects.toThrow("expected a number from 0");
    await expect(evaluate(...out, "--model", "/nowhere")).rejects.toThrow("/nowhere");
  });
});
