import { once } from "node:events";
import { readdir, readlink, symlink, truncate, writeFile } from "node:fs/promises";
import { get as getHttp, type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { comparePaired } from "../../benchmarks/tables/statistics.js";
import type { Comparison, RunDetail, RunSummary, SampleDetail, SamplePage } from "../../src/view/records.js";
import { type OpenView, startView } from "../../src/view/server.js";
import { fourRuns, HOSTILE } from "./evaluation.js";

let root: string;
let view: OpenView;
let base: URL;
let token: string;

const id = (name: string) => join(root, name);

beforeAll(async () => {
  root = await fourRuns(30);
  view = await startView({ folders: [root], test: comparePaired });
  base = new URL(view.url);
  token = base.searchParams.get("token") ?? "";
});
afterAll(() => view.close());

type Params = Readonly<Record<string, string | number | readonly string[] | undefined>>;

function query(params: Params): string {
  const pairs = Object.entries(params).flatMap(([name, value]) =>
    (typeof value === "object" ? value : [value]).map((each) => [name, String(each)]),
  );
  return new URLSearchParams(pairs).toString();
}

interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
}

async function ask(path: string, { headers = {}, method = "GET" }: Asked = {}) {
  const outgoing = request(new URL(path, base), { method, headers }).end();
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces) };
}

const bearer = () => ({ authorization: `Bearer ${token}` });

async function api<T>(name: string, params: Params = {}): Promise<T> {
  const { status, body } = await ask(`/api/${name}?${query(params)}`, { headers: bearer() });
  if (status === 204) return undefined as T;
  if (status !== 200) throw new Error(`${status}: ${body}`);
  return JSON.parse(body.toString()) as T;
}

describe("who may ask the viewer", () => {
  it("is whoever has the token: as a cookie after the printed address, or as a header", async () => {
    expect((await ask("/")).status).toBe(401);
    expect((await ask("/api/runs?token=0123")).status).toBe(401);
    const first = await ask(view.url);
    expect([first.status, first.headers.location]).toEqual([302, "/"]);
    const [cookie = ""] = first.headers["set-cookie"] ?? [];
    expect(cookie).toMatch(/^sharegrpo-\d+=\w{48}; HttpOnly; SameSite=Lax; Path=\/$/);
    expect((await ask("/", { headers: { cookie: cookie.split(";")[0] ?? "" } })).status).toBe(200);
    expect((await ask("/api/runs", { headers: bearer() })).status).toBe(200);
  });

  it.each([
    ["a name that was made to lead here", { host: "evil.example" }, 403],
    ["another page in the browser", { origin: "https://evil.example" }, 403],
    ["another server of this machine", { origin: "http://127.0.0.1:1" }, 403],
  ])("is not %s, even with the token", async (_, headers, status) => {
    expect((await ask("/api/runs", { headers: { ...bearer(), ...headers } })).status).toBe(status);
  });

  it("changes nothing: only reading is answered", async () => {
    expect((await ask("/api/runs", { method: "POST", headers: bearer() })).status).toBe(405);
  });

  it("is on this machine: nothing listens elsewhere", async () => {
    expect(base.hostname).toBe("127.0.0.1");
    const elsewhere = getHttp({ host: "127.0.0.2", port: base.port, timeout: 2000 });
    const [error] = (await once(elsewhere, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNREFUSED");
  });
});

describe("the viewer's page", () => {
  it("may run its own scripts only, and load from nowhere else", async () => {
    const { headers, body } = await ask("/", { headers: bearer() });
    const policy = String(headers["content-security-policy"]);
    expect(policy).toMatch(/^default-src 'none'; script-src 'self' 'sha256-[\w+/=]+'; /);
    expect(policy).not.toContain("unsafe-eval");
    expect(body.toString()).not.toMatch(/https?:/);
  });

  it.each([
    "/page/main.js",
    "/lib/preact.js",
    "/lib/hooks.js",
    "/lib/jsx.js",
    "/lib/plotly.js",
    "/style.css",
  ])("has %s", async (path) => {
    const { status, headers, body } = await ask(path, { headers: bearer() });
    expect(status).toBe(200);
    expect(headers["content-type"]).toMatch(/^text\/(javascript|css); charset=utf-8$/);
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(body.length).toBeGreaterThan(100);
  });

  it.each(["/page/../server.js", "/page/%2e%2e/server.js", "/package.json", "/api/nothing"])(
    "has no %s",
    async (path) => expect((await ask(path, { headers: bearer() })).status).toBe(404),
  );
});

describe("what the viewer tells of runs", () => {
  it("lists them", async () => {
    const runs = await api<RunSummary[]>("runs");
    expect(runs.map((run) => run.id)).toEqual(["first", "grpo", "second", "share"].map(id));
  });

  it("shows one with curves and the newest sample, and only news after that", async () => {
    const detail = await api<RunDetail>("run", { run: id("share"), shade: "dark" });
    expect(detail.figures.map((figure) => figure.id)).toContain("reward");
    expect(JSON.stringify(detail.figures)).toContain("#56B4E9"); // the blue of dark pages
    expect(detail.newest?.step).toBeGreaterThan(0);
    expect(await api("run", { run: id("share"), known: detail.version })).toBeUndefined();
  });

  it("shows an evaluation with its scores and datasets", async () => {
    const { tables, sets } = await api<RunDetail>("run", { run: id("first") });
    expect(sets).toEqual(["MMStar"]);
    expect(tables[0]?.rows[0]?.slice(0, 3)).toEqual(["MMStar (val)", "4", "50.0 % [10.0, 90.0]"]);
  });

  it("compares evaluations row by row", async () => {
    const { tables, disagreements } = await api<Comparison>("compare", { run: [id("first"), id("second")] });
    const paired = tables.find(({ title }) => title === "Paired tests");
    // of four rows one is right in the first only, one in the second only
    expect(paired?.rows[0]?.slice(2, 6)).toEqual(["MMStar", "4", "1", "1"]);
    expect(disagreements).toEqual([{ a: id("first"), b: id("second"), set: "MMStar" }]);
  });

  it("overlays trainings and says in what they differ", async () => {
    const { figures, tables } = await api<Comparison>("compare", { run: [id("share"), id("grpo")] });
    expect(figures[0]?.data).toHaveLength(2);
    expect(tables.find(({ title }) => title === "Paired tests")?.note).toContain("share no questions");
  });

  it.each([["run"], ["samples"], ["image"]])("refuses to %s a folder that it did not find", async (name) => {
    await expect(api(name, { run: tmpdir(), set: "rollouts", name: "x" })).rejects.toThrow(
      "400: view: unknown run",
    );
  });
});

describe("questions that the viewer cannot answer", () => {
  it.each<readonly [path: string, status: number, words: string]>([
    ["/api/run", 400, "view: missing parameter: run"],
    ["/api/samples?set=rollouts", 400, "view: missing parameter: run"],
    ["/api/samples?run=RUN", 400, "view: missing parameter: set"],
    ["/api/image?run=RUN", 400, "view: missing parameter: name"],
    ["/api/samples?run=RUN&set=.hidden", 400, "view: unknown set: .hidden"],
    ["/api/samples?run=RUN&set=a%2Fb", 400, "view: unknown set: a/b"],
    ["/api/samples?run=RUN&set=MMStar&against=/nowhere", 400, "view: unknown run: /nowhere"],
    ["/api/compare?run=RUN&run=/nowhere", 400, "view: unknown run: /nowhere"],
    ["/api/sample?run=RUN&set=MMStar&at=99", 204, ""],
    ["/api/image?run=RUN&name=images/none.png", 404, "not found"],
    ["/nowhere", 404, "not found"],
  ])("%s: %i %s", async (path, status, words) => {
    const { body, ...reply } = await ask(path.replace("RUN", encodeURIComponent(id("first"))), {
      headers: bearer(),
    });
    expect([reply.status, body.toString()]).toEqual([status, words]);
  });

  it("takes numbers that are none for not given, and gives no more than a page", async () => {
    const asked = { run: id("first"), set: "MMStar" };
    const { lines, offset } = await api<SamplePage>("samples", {
      ...asked,
      offset: -1,
      limit: "many",
      step: "x",
    });
    expect([lines.length, offset]).toEqual([4, 0]);
    expect((await api<SamplePage>("samples", { ...asked, limit: 0 })).lines).toEqual([]);
    expect((await api<SamplePage>("samples", { ...asked, mark: ["nonsense"] })).total).toBe(4);
  });
});

describe("startView", () => {
  it("says that a port is taken, and what to do", async () => {
    const taken = startView({ folders: [root], test: comparePaired, port: Number(base.port) });
    await expect(taken).rejects.toThrow(
      `view: port ${base.port} is taken: leave --port out for any free one`,
    );
  });

  it("has a token of its own each time, which opens no other viewer", async () => {
    const other = await startView({ folders: [root], test: comparePaired });
    try {
      const theirs = new URL(other.url).searchParams.get("token");
      expect(theirs).not.toBe(token);
      const { status } = await ask("/api/runs", { headers: { authorization: `Bearer ${theirs}` } });
      expect(status).toBe(401);
    } finally {
      await other.close();
    }
  });
});

describe("the viewer's samples", () => {
  const asked = (more: Params) => ({ run: id("first"), set: "MMStar", ...more });

  it("come a page at a time, filtered and searched", async () => {
    const whole = await api<SamplePage>("samples", asked({ limit: 3 }));
    expect(whole).toMatchObject({ total: 4, all: 4, known: 1, marks: { correct: 2, wrong: 2 } });
    expect(whole.lines).toHaveLength(3);
    const wrong = await api<SamplePage>("samples", asked({ mark: ["wrong"], category: "kind 1" }));
    expect(wrong.lines.map(({ title }) => title)).toEqual(["number 1", "number 3"]);
    expect((await api<SamplePage>("samples", asked({ q: "NUMBER 2" }))).lines.map(({ at }) => at)).toEqual([
      2,
    ]);
    expect((await api<SamplePage>("samples", asked({ q: "onerror" }))).total).toBe(4);
    expect((await api<SamplePage>("samples", asked({ q: "nowhere" }))).total).toBe(0);
  });

  it("stand beside another model's, and can be those answered differently", async () => {
    const against = id("second");
    const { lines } = await api<SamplePage>("samples", asked({ against, mark: ["differs"] }));
    expect(lines.map(({ at }) => at)).toEqual([1, 2]);
    const sample = await api<SampleDetail>("sample", asked({ against, at: 1 }));
    if (sample.kind !== "answer") throw new Error(sample.kind);
    expect(sample.answers.map(({ verdicts }) => verdicts["fixed"]?.outcome)).toEqual(["wrong", "correct"]);
    expect(sample.answers[0]?.prediction).toBe(HOSTILE);
  });

  it("are a training's rollouts, too", async () => {
    const { lines, steps } = await api<SamplePage>("samples", { run: id("share"), set: "rollouts" });
    expect(steps?.last).toBe(28);
    const sample = await api<SampleDetail>("sample", { run: id("share"), set: "rollouts", at: lines[0]?.at });
    expect(sample.kind === "rollout" && sample.rollout.variants.length).toBe(2);
  });

  it("are found below the run only", async () => {
    await expect(api("samples", asked({ set: "../../x" }))).rejects.toThrow("400: view: unknown set");
  });
});

describe("the viewer's pictures", () => {
  const picture = (name: string, run = id("first")) =>
    ask(`/api/image?${query({ run, name })}`, { headers: bearer() });

  it("are pictures by their bytes", async () => {
    const { status, headers } = await picture("images/a.png");
    expect([status, headers["content-type"]]).toEqual([200, "image/png"]);
    expect(headers["content-security-policy"]).toBe("default-src 'none'; sandbox");
  });

  it.skipIf(process.platform !== "linux")(
    "are read as fast as a browser takes them, and let go of when it is gone",
    async () => {
      // No bytes on disk, and more than Node reads into one array.
      const [name, bytes] = ["images/large.png", 3 * 2 ** 30];
      await writeFile(join(id("first"), name), Buffer.from([0x89, 0x50, 0x4e, 0x47]));
      await truncate(join(id("first"), name), bytes);
      const held = process.memoryUsage().arrayBuffers;
      const readers = await Promise.all(
        Array.from({ length: 8 }, async () => {
          const path = `/api/image?${query({ run: id("first"), name })}`;
          const outgoing = request(new URL(path, base), { headers: bearer() }).end();
          const [response] = (await once(outgoing, "response")) as [IncomingMessage];
          expect(response.headers["content-length"]).toBe(String(bytes));
          const [start] = (await once(response, "data")) as [Buffer];
          response.pause();
          expect(start.subarray(1, 4).toString()).toBe("PNG");
          return response;
        }),
      );
      expect(process.memoryUsage().arrayBuffers - held).toBeLessThan(2 ** 26);
      const isOpen = async () => {
        const files = await readdir("/proc/self/fd");
        const paths = await Promise.all(files.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")));
        return paths.filter((path) => path.endsWith(name)).length;
      };
      expect(await isOpen()).toBe(8);
      for (const reader of readers) reader.destroy();
      await expect.poll(isOpen, { timeout: 10_000 }).toBe(0);
      const { status, headers, body } = await ask(`/api/image?${query({ run: id("first"), name })}`, {
        headers: bearer(),
        method: "HEAD",
      });
      expect([status, headers["content-length"], body.length]).toEqual([200, String(bytes), 0]);
      expect(await isOpen()).toBe(0);
    },
  );

  it("are nothing else, whatever they are called", async () => {
    await writeFile(join(id("first"), "images", "page.png"), HOSTILE);
    await writeFile(join(id("first"), "images", "drawing.png"), "<svg xmlns='http://www.w3.org/2000/svg'/>");
    await symlink("/etc/hostname", join(id("share"), "link.png"));
    const found = await Promise.all([
      ...[
        picture("images/page.png"),
        picture("images/drawing.png"),
        picture("result.json"),
        picture("images"),
      ],
      ...[picture("link.png", id("share")), picture("/etc/hostname"), picture("../share/images")],
    ]);
    expect(found.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404, 404, 404]);
  });
});
