import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { addInspect } from "../../src/cli/inspect.js";
import { ConfigError, DataError, SharegrpoError } from "../../src/core/errors.js";
import { runCommand } from "../helpers/command.js";
import { temporaryFolder } from "../support/fakeModel.js";

let dir: string;
let good: string;
let mixed: string;

const row = (fields: object) => `${JSON.stringify({ images: ["red.png"], ...fields })}\n`;

beforeAll(async () => {
  dir = await temporaryFolder();
  await sharp({ create: { width: 112, height: 56, channels: 3, background: "red" } })
    .png()
    .toFile(join(dir, "red.png"));
  good = join(dir, "good.jsonl");
  await writeFile(
    good,
    row({ problem: "<image>How many?", answer: "4" }) +
      row({ problem: "<image>Which <b>colour</b>?", answer: "red" }),
  );
  mixed = join(dir, "mixed.jsonl");
  await writeFile(
    mixed,
    row({ problem: "<image>How many?", answer: "4" }) +
      row({ images: ["none.png"], problem: "<image>What?", answer: "1" }) +
      row({ problem: "<image>What?" }),
  );
});

const inspect = (...args: string[]) => runCommand(addInspect, "inspect", ...args);
const document = async (...args: string[]) => JSON.parse((await inspect(...args, "--json")).printed);

describe("sharegrpo inspect", () => {
  it("says what a file holds, what a step needs, and shows the first question as it is asked", async () => {
    const { printed, code } = await inspect(good);
    expect(code).toBe(0);
    expect(printed).toContain("1 files, 2 rows, 2 usable, 0 bad");
    expect(printed).toContain("Predicted peak memory of a training step:");
    expect(printed).toContain("Question row-0, answer 4");
    // 112 × 56 pixels in patches of 14, merged two by two: 4 × 2 tokens.
    expect(printed).toContain("image: 112 × 56 pixels, 8 tokens");
    expect(printed).toContain("<|image_pad|>×8");
    expect(printed).toContain("How many?");
  });

  it("shows the question that --row names, of the usable ones", async () => {
    expect((await inspect(good, "--row", "2")).printed).toContain("Question row-1, answer red");
    await expect(inspect(good, "--row", "3")).rejects.toThrow(DataError);
    await expect(inspect(good, "--row", "3")).rejects.toThrow("--row 3: there are 2 usable questions");
  });

  it("prints one JSON document that holds the same", async () => {
    const found = await document(good);
    expect(found).toMatchObject({ rows: 2, usable: 2, bad: { count: 0 } });
    expect(found.question).toMatchObject({
      id: "row-0",
      answer: "4",
      images: ["112 × 56 pixels, 8 tokens"],
      prompt: expect.stringContaining("How many?"),
    });
    expect(found.memory).toEqual(expect.objectContaining({ total: expect.any(Number) }));
  });

  it("names the rows that cannot be used, and ends with 1 also where it prints JSON", async () => {
    const { printed, code } = await inspect(mixed);
    expect(code).toBe(1);
    expect(printed).toContain("1 files, 3 rows, 1 usable, 2 bad");
    expect(printed).toMatch(/none\.png/);
    const { code: jsonCode } = await inspect(mixed, "--json");
    expect([jsonCode, (await document(mixed)).bad.count]).toEqual([1, 2]);
  });

  it("has nothing to show of a file without a usable row", async () => {
    const lost = join(dir, "lost.jsonl");
    await writeFile(lost, row({ images: ["none.png"], problem: "<image>What?", answer: "1" }));
    const { printed, code } = await inspect(lost);
    expect(code).toBe(1);
    expect(printed).toContain("1 rows, 0 usable, 1 bad");
    expect(printed).not.toContain("Question ");
    expect((await document(lost)).question).toBeUndefined();
  });

  it("computes with the settings of a training", async () => {
    const memory = async (...settings: string[]) =>
      (await document(good, ...settings)).memory.total as number;
    expect(await memory("rollout.responses=16")).toBeGreaterThan(await memory("rollout.responses=2"));
    // GRPO has one prompt per question where Share-GRPO has its variants.
    expect(await memory("update.algorithm=grpo")).toBeLessThan(await memory("expand.variants=6"));
    // The processor cuts micro-batches into smaller graphs, a card takes them whole.
    const large = ["update.microBatchUnits=8", "rollout.maxResponseLength=512"];
    expect(await memory(...large, "engine.device=cuda")).toBeGreaterThan(await memory(...large));
    // First down to 3,136 pixels, 79 × 39, then up to the model's own least, 84 × 56: 3 × 2 tokens.
    const { question } = await document(good, "data.maxPixels=3136");
    expect(question.images).toEqual(["112 × 56 pixels, 6 tokens"]);
  });

  it("writes a page on which data stays text", async () => {
    const page = join(dir, "page.html");
    const { printed, said } = await inspect(good, "--row", "2", "--html", page);
    expect(printed).toContain("Question row-1");
    expect(said).toContain(`page  ${page}`);
    const text = await readFile(page, "utf8");
    expect(text).toContain("&lt;b&gt;colour&lt;/b&gt;");
    expect(text).not.toContain("<b>colour");
    expect(text).toContain("data:image/png;base64,");
  });

  it.each<[string, string[], string]>([
    ["a folder without data", ["DIR/empty"], "empty"],
    ["a file of another kind", ["DIR/red.png"], "red.png"],
    ["a misspelt setting", ["DIR/good.jsonl", "data.promptKye=q"], "did you mean data.promptKey?"],
    ["a setting of another type", ["DIR/good.jsonl", "rollout.responses=many"], "rollout.responses: "],
    ["a key that no row has", ["DIR/good.jsonl", "data.promptKey=question"], "question"],
    ["a model that is none", ["DIR/good.jsonl", "--model", "DIR"], "tokenizer.json: missing file"],
    [
      "a page in a folder that is a file",
      ["DIR/good.jsonl", "--html", "DIR/red.png/page"],
      "cannot write page",
    ],
  ])("refuses %s by name", async (_, args, message) => {
    await mkdir(join(dir, "empty"), { recursive: true });
    const error = await inspect(...args.map((arg) => arg.replace("DIR", dir))).then(
      ({ printed, code }) => ({ message: printed, code }),
      (reason: unknown) => reason,
    );
    // A key that no row has makes every row bad, which is said in the report.
    if (!(error as { code?: number }).code) expect(error).toBeInstanceOf(SharegrpoError);
    expect((error as Error).message).toContain(message);
  });

  it("asks for settings before it looks at the data", async () => {
    await expect(inspect("/nowhere", "seed=x")).rejects.toThrow(ConfigError);
  });
});
