/**
 * The page as it runs in a browser, in jsdom before a real server: what it asks, shows and keeps in its address. How it
 * looks is for Chromium to say (`view.slow.ts`).
 */
import { appendFile, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { JSDOM } from "jsdom";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { comparePaired } from "../../../benchmarks/tables/statistics.js";
import { ownIdentity } from "../../../src/core/files/processIdentity.js";
import { Rng } from "../../../src/core/rng.js";
import { type OpenView, startView } from "../../../src/view/server.js";
import { finishedRun, jsonl, rolloutRecord } from "../../report/fixtures.js";
import { fourRuns, HOSTILE } from "../evaluation.js";

const PAGE = new URL("../../../src/view/page/main.tsx", import.meta.url).pathname;
const PATIENCE = { timeout: 15_000, interval: 30 };

let root: string;
let view: OpenView;
let window: JSDOM["window"];
/** Paths that the page asked the server for, oldest first. */
const asked: string[] = [];
/** What Plotly was given to draw. */
const drawn: { readonly data: readonly { readonly name?: string }[]; readonly layout: object }[] = [];
let isDark = false;

const id = (name: string) => join(root, name);

beforeAll(async () => {
  root = await fourRuns(30);
  view = await startView({ folders: [root], test: comparePaired });
  const { origin, searchParams } = new URL(view.url);
  ({ window } = new JSDOM("<!doctype html><body></body>", { url: `${origin}/`, pretendToBeVisual: true }));
  const headers = { authorization: `Bearer ${searchParams.get("token")}` };
  const realFetch = fetch;
  const names = ["document", "location", "history", "localStorage", "HTMLInputElement", "HTMLSelectElement"];
  const events = [
    "HashChangeEvent",
    "KeyboardEvent",
    "Event",
    "requestAnimationFrame",
    "cancelAnimationFrame",
  ];
  for (const name of [...names, ...events]) vi.stubGlobal(name, Reflect.get(window, name));
  vi.stubGlobal("window", window);
  vi.stubGlobal("fetch", (path: string, init: RequestInit = {}) => {
    asked.push(path);
    return realFetch(new URL(path, origin), { ...init, headers });
  });
  vi.stubGlobal("Plotly", {
    react: (_: object, data: (typeof drawn)[number]["data"], layout: object) => drawn.push({ data, layout }),
    purge: () => undefined,
  });
  Object.assign(window, {
    matchMedia: () => ({
      get matches() {
        return isDark;
      },
      addEventListener: () => undefined,
      removeEventListener: () => undefined,
    }),
  });
  await import(PAGE);
});
afterAll(async () => {
  await go("");
  await view.close();
});
beforeEach(() => {
  asked.length = 0;
  drawn.length = 0;
});

const query = (params: Readonly<Record<string, string>>) => new URLSearchParams(params).toString();

async function go(hash: string): Promise<void> {
  window.location.hash = hash;
  await tick();
}

const text = () => (window.document.body.textContent ?? "").replaceAll("\u00a0", " ");
const all = (selector: string) => [...window.document.querySelectorAll<HTMLElement>(selector)];
const one = (selector: string): HTMLElement => {
  const element = window.document.querySelector<HTMLElement>(selector);
  if (!element) throw new Error(`${selector}: not there: ${text()}`);
  return element;
};
/** The page draws between two events of a person. */
const tick = () => new Promise((resolve) => setTimeout(resolve, 0));
const comes = (words: string) => expect.poll(text, PATIENCE).toContain(words);

function write(label: string, value: string, event = "input"): void {
  const field = one(`[aria-label="${label}"]`) as HTMLInputElement;
  field.value = value;
  field.dispatchEvent(new window.Event(event, { bubbles: true }));
}

async function press(key: string, on: EventTarget = window.document.body): Promise<void> {
  on.dispatchEvent(new window.KeyboardEvent("keydown", { key, bubbles: true }));
  await tick();
}

async function click(element: HTMLElement | null | undefined): Promise<void> {
  element?.click();
  await tick();
}

describe("the list of runs", () => {
  it("has a line a run: model, algorithm, step, reward, accuracy with interval, valid share, state", async () => {
    await go("#/");
    await expect.poll(() => all("tbody tr").length, PATIENCE).toBe(4);
    const cells = all(`[data-run="${id("share")}"] td`).map((cell) => (cell.textContent ?? "").trim());
    expect(cells.slice(1, 6)).toEqual(["share", "✓ finished", "tiny", "share-grpo", "30/60"]);
    expect(cells[6]).toMatch(/^0\.\d{3}$/);
    expect(cells[7]).toMatch(/^66\.0\s% \[61\.3, 70\.3\]$/);
    expect(cells[8]).toMatch(/^\d+\.\d\s%$/);
    expect(one(`[data-run="${id("first")}"]`).textContent).toContain("evaluation");
  });

  it("says once which folder all are in, and a model's folder by its own name", async () => {
    const config = await readFile(join(id("grpo"), "config.yaml"), "utf8");
    await writeFile(join(id("grpo"), "config.yaml"), config.replace("model: tiny", "model: /models/mine"));
    await comes("mine");
    const cells = all(`[data-run="${id("grpo")}"] td`).map((cell) => cell.textContent);
    expect(text()).toContain(`in ${root}/`);
    expect([cells[1], cells[3]]).toEqual(["grpo", "mine"]);
    expect(one(`[data-run="${id("grpo")}"] a`).title).toBe(id("grpo"));
    await writeFile(join(id("grpo"), "config.yaml"), config);
  });

  it("keeps what is filtered and chosen in its address", async () => {
    write("filter runs", "SHARE-GRPO finished");
    await expect.poll(() => all("tbody tr").length, PATIENCE).toBe(2);
    for (const name of ["share", "grpo"]) await click(one(`[aria-label="compare ${id(name)}"]`));
    await comes("compare 2");
    const { searchParams } = new URL(window.location.hash.slice(2), "http://x");
    expect(searchParams.get("q")).toBe("SHARE-GRPO finished");
    expect(searchParams.getAll("run")).toEqual([id("share"), id("grpo")]);
    await click(one(`[aria-label="compare ${id("grpo")}"]`));
    await comes("choose two or more");
  });

  it("shows a run that cannot be read, with the reason", async () => {
    await rename(await finishedRun(2), id("broken"));
    await writeFile(join(id("broken"), "metrics.jsonl"), '{"step":"one"}\n');
    await go("#/");
    await comes("metrics.jsonl: invalid rows: row 1: step");
    await rename(id("broken"), `${root}-broken`);
  });
});

describe("a run's page", () => {
  it("has tiles, tables, curves and the newest sample", async () => {
    await go(`#/run?${query({ run: id("share") })}`);
    await comes("Before and after");
    expect(text()).toContain("30 of 60");
    const curves = () => drawn.flatMap(({ data }) => data.map(({ name }) => name));
    await expect
      .poll(curves, PATIENCE)
      .toEqual(expect.arrayContaining(["overall", "pooled", "before", "after"]));
    expect(text()).toContain("Newest sample, step 28");
    for (const words of ["extracted", "verdict", "advantage", "gold", "rewrite 3", "rotate 90cw"])
      expect(text()).toContain(words);
    expect(all(".thought").length).toBeGreaterThan(0);
    expect(all(".variant .pictures img")[0]?.getAttribute("src")).toMatch(/^\/api\/image\?run=/);
    const [link] = all("a.button").filter((each) => each.textContent === "all of step 28");
    expect(link?.getAttribute("href")).toContain("step=28");
  });

  it("asks again only for news, and shows them when they come", async () => {
    await expect.poll(() => asked.some((path) => path.includes("known=")), PATIENCE).toBe(true);
    const rollout = await rolloutRecord(id("share"), 29, Rng.fromSeed(1));
    await appendFile(join(id("share"), "rollouts.jsonl"), jsonl([rollout]));
    await comes("Newest sample, step 29");
  });

  it("says of a killed training that it died, and how to go on", async () => {
    const dead = { task: "train", since: "2026", ...ownIdentity(), pid: 2 ** 30, birth: "1" };
    await writeFile(join(id("grpo"), "running.json"), JSON.stringify(dead));
    await go(`#/run?${query({ run: id("grpo") })}`);
    await comes(`Its process was killed: sharegrpo train --out ${id("grpo")} --resume`);
    expect(one(".state").className).toContain("died");
    await rename(join(id("grpo"), "running.json"), `${root}-running.json`);
    await comes("✓ finished");
  });

  it("says what is wrong with an address", async () => {
    await go(`#/run?${query({ run: "/nowhere" })}`);
    await comes("view: unknown run: /nowhere");
    await go("#/elsewhere");
    await comes("There is no such page.");
    expect(text()).not.toContain("Error");
  });
});

describe("runs beside each other", () => {
  it("have their curves over each other, their tests and settings in tables", async () => {
    await go(`#/compare?${query({ run: id("share") })}&${query({ run: id("grpo") })}`);
    await comes("Settings that differ");
    const curves = () => drawn.at(-1)?.data.map(({ name }) => name);
    await expect.poll(curves, PATIENCE).toEqual(["share", "grpo"]);
  });

  it("lead to the rows that two models answer differently", async () => {
    await go(`#/compare?${query({ run: id("first") })}&${query({ run: id("second") })}`);
    await comes("Answered differently");
    const link = all("a.button").find((each) => each.textContent === "MMStar");
    window.location.hash = link?.getAttribute("href") ?? "";
    await comes("2 of 4");
    const titles = () => all(".line .title").map((each) => each.textContent);
    await expect.poll(titles, PATIENCE).toEqual(["✗ number 1", "✓ number 2"]);
    await expect.poll(() => all(".said").length, PATIENCE).toBe(2);
    expect(all(".said").map((each) => each.textContent)).toEqual([HOSTILE, HOSTILE]);
    expect(all("script, [onerror]")).toEqual([]);
  });
});

describe("the sample browser", () => {
  const shown = () => all(".line.chosen .title")[0]?.textContent;

  it("moves by keys, and not while somebody types", async () => {
    await go(`#/samples?${query({ run: id("first"), set: "MMStar" })}`);
    await comes("4 of 4");
    await expect.poll(shown, PATIENCE).toBe("✓ number 0");
    for (const key of ["j", "ArrowDown", "ArrowRight"]) await press(key);
    await expect.poll(shown, PATIENCE).toBe("✗ number 3");
    await press("j"); // there is no next one
    await press("k");
    await expect.poll(shown, PATIENCE).toBe("✓ number 2");
    await press("k", one('[aria-label="search"]'));
    expect(shown()).toBe("✓ number 2");
    expect(window.location.hash).toContain("place=2");
    await comes("Row 2");
  });

  it("filters by mark, category and words; each in the address", async () => {
    await go(`#/samples?${query({ run: id("first"), set: "MMStar" })}`);
    await comes("4 of 4");
    const wrong = all(".filters label").find((label) => label.textContent?.startsWith("wrong"));
    await click(wrong?.querySelector("input"));
    await comes("2 of 4");
    write("category", "kind 1", "change");
    await comes("2 of 4");
    const field = one('[aria-label="search"]');
    write("search", "number 3");
    await comes("1 of 4");
    await expect.poll(shown, PATIENCE).toBe("✗ number 3");
    expect(one('[aria-label="search"]')).toBe(field); // who types goes on typing
    for (const part of ["mark=wrong", "category=kind+1", "q=number+3"])
      expect(window.location.hash).toContain(part);
    write("search", "nowhere");
    await comes("No sample is like that.");
  });

  it("shows rollouts by step", async () => {
    await go(`#/samples?${query({ run: id("share"), set: "rollouts" })}`);
    await comes("11 of 11");
    write("step", "28");
    await comes("Step 28");
    expect(text()).toMatch(/(?<!\d)1 of 11/);
  });

  it("asks for a page of the list once, however often the place changes", async () => {
    await go("#/");
    await comes("Runs");
    asked.length = 0;
    await go(`#/samples?${query({ run: id("share"), set: "rollouts" })}`);
    await comes("11 of 11");
    await expect.poll(() => asked.some((path) => path.includes("limit=100")), PATIENCE).toBe(true);
    asked.length = 0;
    for (let at = 0; at < 5; at++) await press("j");
    await expect.poll(() => window.location.hash, PATIENCE).toContain("place=5");
    expect(asked.filter((path) => path.includes("limit=100"))).toEqual([]);
  });
});

describe("hostile names and words", () => {
  const NAME = `<b onclick="window.broken=1">`;

  it("stay words on every page, of a run and of what is in it", async () => {
    const dir = id(NAME);
    await rename(await finishedRun(3), dir);
    const [config = "", row = "{}"] = await Promise.all(
      ["config.yaml", "rollouts.jsonl"].map((name) => readFile(join(dir, name), "utf8")),
    );
    const hostile = config.replace("model: tiny", `model: ${JSON.stringify(HOSTILE)}`);
    await writeFile(join(dir, "config.yaml"), hostile);
    const rollout = {
      ...JSON.parse(row.split("\n")[0] ?? "{}"),
      category: HOSTILE,
      question: HOSTILE,
      gold: HOSTILE,
    };
    await writeFile(join(dir, "rollouts.jsonl"), jsonl([rollout]));
    const other = query({ run: id("share") });
    for (const [hash, words] of [
      ["#/", NAME],
      [`#/?${query({ q: HOSTILE })}`, "Runs"],
      [`#/run?${query({ run: dir })}`, `gold ${HOSTILE}`],
      [`#/compare?${query({ run: dir })}&${other}`, HOSTILE],
      [`#/samples?${query({ run: dir, set: "rollouts" })}`, `${HOSTILE} · gold ${HOSTILE}`],
      [`#/samples?${query({ run: dir, set: HOSTILE })}`, HOSTILE],
      [`#/run?${query({ run: HOSTILE })}`, `view: unknown run: ${HOSTILE}`],
    ] as const) {
      await go(hash);
      await comes(words);
      expect(all("script, b[onclick], [onerror]"), hash).toEqual([]);
      expect(Reflect.get(window, "broken"), hash).toBeUndefined();
    }
    await rename(dir, `${root}-hostile`);
  });
});

describe("light and dark", () => {
  it("are turned by the button, kept, and told to the server that colours the figures", async () => {
    await go(`#/run?${query({ run: id("share") })}`);
    await expect.poll(() => drawn.length, PATIENCE).toBeGreaterThan(0);
    const button = () => one("header button");
    expect(button().getAttribute("aria-label")).toBe("change to dark");
    button().click();
    await expect.poll(() => window.document.documentElement.dataset["shade"], PATIENCE).toBe("dark");
    expect(window.localStorage.getItem("shade")).toBe("dark");
    await expect.poll(() => asked.some((path) => path.includes("shade=dark")), PATIENCE).toBe(true);
    isDark = true; // the system's wish does not count any more
    button().click();
    await expect.poll(() => window.document.documentElement.dataset["shade"], PATIENCE).toBe("light");
  });
});
