/**
 * @module The viewer as a person uses it, in headless Chromium: a training that grows and is killed under it, runs
 * compared, a hundred thousand samples walked through. Skipped where Chromium is missing.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { comparePaired } from "../../benchmarks/tables/statistics.js";
import type { RolloutRecord } from "../../src/core/files/runRecords.js";
import { type OpenView, startView } from "../../src/view/server.js";
import { PROGRAM } from "../helpers/program.js";
import { finishedRun, jsonl } from "../report/fixtures.js";
import { chromiumPath, PICTURES } from "../support/jupyterLab.js";
import { fourRuns, HOSTILE } from "./evaluation.js";

const path = chromiumPath();
const MANY = 100_000;
/** A machine that does other things too must not fail a test. */
const PATIENCE = { timeout: 30_000 };

let root: string;
let view: OpenView;
let browser: Browser;

/** As many rollouts as asked for, each a copy of one under another number. */
async function manyRollouts(dir: string, count: number): Promise<void> {
  const file = join(dir, "rollouts.jsonl");
  const [line = "{}"] = (await readFile(file, "utf8")).split("\n");
  const rollout = JSON.parse(line);
  await rm(file);
  for (let first = 0; first < count; first += 5000) {
    const lines = Array.from({ length: 5000 }, (_, at) => {
      const number = first + at;
      const step = 1 + Math.floor(number / 100);
      return `${JSON.stringify({ ...rollout, step, question: `question number ${number}` })}\n`;
    });
    await appendFile(file, lines.join(""));
  }
}

const problemsOf = new Map<Page, readonly string[]>();

/** Closes a page that ought to have had nothing to complain of. */
async function leave(page: Page): Promise<void> {
  await page.close();
  expect(problemsOf.get(page)).toEqual([]);
}

/** Rewrites rollouts so that each mark is there: one question of no advantage, one whose variants disagree. */
async function markedRollouts(dir: string): Promise<void> {
  const file = join(dir, "rollouts.jsonl");
  const rows = (await readFile(file, "utf8")).trim().split("\n");
  const [zero, disagree, ...others] = rows.map((row) => JSON.parse(row) as RolloutRecord);
  const graded = (
    rollout: RolloutRecord | undefined,
    isRight: (j: number) => boolean,
    advantage: number,
  ) => ({
    ...rollout,
    responses: (rollout?.responses ?? []).map((response) => ({
      ...{ ...response, advantageGlobal: advantage, advantageLocal: 0, extracted: { text: "3" } },
      ...{ stopReason: "eos", reward: { ...response.reward, accuracy: isRight(response.j) ? 1 : 0 } },
    })),
  });
  const none = { ...graded(zero, () => true, 0), category: "zero advantage" };
  const apart = { ...graded(disagree, (j) => j === 0, 1), category: "variants disagree" };
  await writeFile(file, jsonl([none, apart, ...others]));
}

async function open(hash: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1300, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE.timeout);
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  problemsOf.set(page, problems);
  await page.goto(`${view.url}${hash}`);
  return page;
}

async function picture(page: Page, name: string): Promise<void> {
  await mkdir(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `view-${name}.png`) });
}

const address = (name: string, params: Readonly<Record<string, string>>) =>
  `#/${name}?${new URLSearchParams(params)}`;

describe.skipIf(path === undefined)("the viewer in Chromium", () => {
  beforeAll(async () => {
    root = await fourRuns(60);
    view = await startView({ folders: [root], test: comparePaired });
    browser = await chromium.launch({
      ...(path === undefined ? {} : { executablePath: path }),
      args: ["--no-sandbox", "--disable-gpu"],
    });
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await view.close();
  });

  it("lists runs, filters them, compares those that are chosen, and goes back", async () => {
    const page = await open("#/");
    await page.locator(`[data-run="${join(root, "share")}"]`).waitFor();
    await page.getByLabel("filter runs").fill("share-grpo finished");
    await expect.poll(() => page.locator("tbody tr").count(), PATIENCE).toBe(2);
    await picture(page, "list");
    for (const name of ["share", "grpo"]) await page.getByLabel(`compare ${join(root, name)}`).check();
    await page.getByRole("link", { name: "compare 2" }).click();
    await page.locator(".plot .legend").first().waitFor();
    expect(await page.locator(".plot").count()).toBeGreaterThan(4);
    await picture(page, "compare");
    await page.goBack();
    expect(await page.getByLabel(`compare ${join(root, "grpo")}`).isChecked()).toBe(true);
    await leave(page);
  });

  it("shows hostile text as text, beside another model's", async () => {
    const page = await open(
      address("samples", {
        run: join(root, "first"),
        set: "MMStar",
        against: join(root, "second"),
        mark: "differs",
      }),
    );
    await page.locator(".said").first().waitFor();
    expect(await page.locator(".said").first().textContent()).toBe(HOSTILE);
    expect(await page.locator(".response").count()).toBe(2);
    expect(await page.evaluate("window.broken")).toBeUndefined();
    await page.locator(".pictures img").first().evaluate("image => image.decode()");
    await picture(page, "answers");
    await leave(page);
  });

  it("follows the system's shade until another is chosen, and keeps that", async () => {
    const page = await open(address("run", { run: join(root, "share") }), { colorScheme: "dark" });
    await page.locator(".plot .main-svg").first().waitFor();
    const paper = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    expect(await paper()).toBe("rgb(21, 24, 28)");
    await picture(page, "run-dark");
    await page.getByRole("button", { name: "change to light" }).click();
    expect(await paper()).toBe("rgb(255, 255, 255)");
    await page.reload();
    expect(await paper()).toBe("rgb(255, 255, 255)");
    await leave(page);
  });

  it("shows, under each filter, the samples that it names", async () => {
    const dir = join(root, "marked");
    await rename(await finishedRun(60), dir);
    await markedRollouts(dir);
    const page = await open(address("samples", { run: dir, set: "rollouts" }), { colorScheme: "dark" });
    await page.getByText("20 of 20").waitFor();
    const chip = (name: string) => page.locator(".filters label", { hasText: name });
    for (const name of ["zero advantage", "variants disagree"]) {
      await chip(name).click();
      await page.locator(".about", { hasText: name }).waitFor();
      expect(page.url()).toContain("mark=");
      await chip(name).click();
      await page.getByText("20 of 20").waitFor();
    }
    for (const name of ["wrong", "truncated", "unparsed"]) {
      const count = Number(await chip(name).locator(".quiet").textContent());
      expect(count).toBeGreaterThan(0);
      await chip(name).click();
      await page.getByText(`${count} of 20`).waitFor();
      await page.locator(".shown .chip.wrong").first().waitFor();
      await chip(name).click();
    }
    await page.getByLabel("category").selectOption("zero advantage");
    await page.getByText("1 of 20").waitFor();
    await page.locator(".shown", { hasText: "6 of 6 responses correct" }).waitFor();
    await picture(page, "rollouts-dark");
    await leave(page);
  });

  it("shows an evaluation by category, and leads to its rows", async () => {
    const page = await open(address("run", { run: join(root, "first") }), { colorScheme: "dark" });
    await page.getByText("50.0 % [10.0, 90.0]").waitFor();
    await picture(page, "evaluation-dark");
    await page.getByRole("link", { name: "MMStar" }).click();
    await page.getByLabel("category").selectOption("kind 1");
    await page.getByText("2 of 4").waitFor();
    await leave(page);
  });

  it(`walks through ${MANY} samples without waiting, by keys, filters and search`, {
    timeout: 300_000,
  }, async () => {
    const dir = join(root, "many");
    await rename(await finishedRun(1), dir);
    await manyRollouts(dir, MANY);
    const page = await open(address("samples", { run: dir, set: "rollouts" }));
    await page.getByText("100,000 of 100,000").waitFor({ timeout: 200_000 });
    expect(await page.locator(".line").count()).toBeLessThan(60);
    const asked = new Set<string>();
    page.on("request", (request) => asked.add(new URL(request.url()).search));
    for (let press = 0; press < 20; press++) await page.keyboard.press("j");
    await page.locator(".line.chosen", { hasText: "question number 20" }).waitFor();
    await page.locator(".shown", { hasText: "question number 20" }).waitFor();
    // One question for each sample on the way, and now and then whether there is news: the list's page was there.
    expect([...asked].filter((search) => search.includes("limit=100"))).toEqual([]);
    expect([...asked].filter((search) => search.includes("at=")).length).toBeLessThanOrEqual(20);
    await page.getByLabel("step").fill("700");
    await page.getByText("100 of 100,000").waitFor();
    await page.getByLabel("search").fill("number 69950");
    await page.getByText(/(^|\D)1 of 100,000/).waitFor();
    expect(await page.evaluate("document.activeElement.type")).toBe("search"); // who types goes on typing
    const copy = await open(new URL(page.url()).hash); // the address holds the state
    await copy.locator(".shown", { hasText: "question number 69950" }).waitFor();
    await picture(copy, "many");
    await copy.close();
    await leave(page);
  });

  it("shows a training live, and as died when it was killed", { timeout: 240_000 }, async () => {
    const dir = join(root, "live");
    const settings = ["train.questionsPerStep=2", "train.evaluateQuestions=0", "train.steps=500"];
    const child = spawn(process.execPath, [PROGRAM, "train", "--preset", "tiny", "--out", dir, ...settings], {
      stdio: "ignore",
    });
    try {
      const page = await open("#/");
      await page.locator(`[data-run="${dir}"]`, { hasText: "running" }).waitFor({ timeout: 60_000 });
      await page.getByRole("link", { name: "live", exact: true }).click();
      const steps = async () => Number(await page.locator("progress").getAttribute("value"));
      await expect.poll(steps, { timeout: 120_000 }).toBeGreaterThan(0);
      const before = await steps();
      await expect.poll(steps, { timeout: 120_000 }).toBeGreaterThan(before);
      await page.getByText("left").first().waitFor();
      await page.getByText("Newest sample").waitFor();
      await page.locator(".pictures img").first().evaluate("image => image.decode()");
      await picture(page, "live");
      await page.locator(".sample").scrollIntoViewIfNeeded();
      await picture(page, "live-sample");
      child.kill("SIGKILL");
      await once(child, "exit");
      await page.locator(".state.died").waitFor({ timeout: 20_000 });
      await picture(page, "died");
      await leave(page);
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("fits on a telephone", async () => {
    const page = await open(address("run", { run: join(root, "share") }), {
      viewport: { width: 390, height: 800 },
    });
    await page.locator(".plot .main-svg").first().waitFor();
    const isWider = "document.documentElement.scrollWidth > document.documentElement.clientWidth";
    expect(await page.evaluate(isWider)).toBe(false);
    await picture(page, "telephone");
    await leave(page);
  });
});
