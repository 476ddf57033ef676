/**
 * @module What the page can ask: runs, one run, runs compared, samples, pictures. Only runs that were found can be named.
 */
import { type FileHandle, open } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { DataError } from "../core/errors.js";
import { pathInside } from "../core/files/inside.js";
import { imageType } from "../report/images.js";
import type { Shade } from "../report/theme.js";
import { answerSamples } from "./answerSamples.js";
import { compareRuns, type PairedTest } from "./compare.js";
import { drawn, evaluationDetail, trainingDetail } from "./detail.js";
import {
  type Comparison,
  MARKS,
  type RunDetail,
  type RunSummary,
  type SampleDetail,
  type SamplePage,
} from "./records.js";
import { rolloutSamples } from "./rolloutSamples.js";
import { createSampleReader, type SampleQuery, type SampleReader } from "./samples.js";
import { createRunLister, runVersion } from "./summary.js";

const LONGEST_PAGE = 200;
/** What a picture is known by stands in these. */
const HEAD_BYTES = 16;
/** Sets whose indices are kept in memory. */
const MOST_SETS = 12;

/** A picture on disk; whoever gets it closes it. */
export interface ViewedImage {
  readonly type: string;
  readonly file: FileHandle;
  readonly bytes: number;
}

export interface Api {
  runs(): Promise<RunSummary[]>;
  /** @param known the version that the page has; undefined is answered when nothing changed */
  run(params: URLSearchParams): Promise<RunDetail | undefined>;
  compare(params: URLSearchParams): Promise<Comparison | undefined>;
  samples(params: URLSearchParams): Promise<SamplePage>;
  sample(params: URLSearchParams): Promise<SampleDetail | undefined>;
  image(params: URLSearchParams): Promise<ViewedImage | undefined>;
}

function shadeOf(params: URLSearchParams): Shade {
  return params.get("shade") === "dark" ? "dark" : "light";
}

function wholeNumber(params: URLSearchParams, name: string): number | undefined {
  const value = Number(params.get(name) ?? Number.NaN);
  return Number.isInteger(value) && value >= 0 ? value : undefined;
}

function nameOf(params: URLSearchParams, name: string): string {
  const value = params.get(name);
  if (value === null) throw new DataError(`view: missing parameter: ${name}`);
  return value;
}

type FindRun = (id: string) => Promise<RunSummary>;

/** Opens sets of samples and keeps those that were used last: their indices took time to make. */
function createReaders(runNamed: FindRun): (params: URLSearchParams) => Promise<SampleReader> {
  const readers = new Map<string, SampleReader>();
  const source = ({ id: dir, model }: RunSummary) => ({ dir, model: `${model} (${dir})` });
  return async (params) => {
    const [id, set, against] = [nameOf(params, "run"), nameOf(params, "set"), params.get("against") ?? ""];
    const key = JSON.stringify([id, set, against]);
    const kept = readers.get(key);
    if (kept) return kept;
    const run = await runNamed(id);
    const other = against === "" ? undefined : await runNamed(against);
    // A set is a file's name: only letters that cannot lead out of the folder.
    if (!/^[\w.-]+$/.test(set) || set.startsWith(".")) throw new DataError(`view: unknown set: ${set}`);
    const samples =
      run.kind === "training"
        ? rolloutSamples(run.id)
        : answerSamples(set, source(run), other && source(other));
    const reader = createSampleReader(samples);
    readers.set(key, reader);
    const [oldest] = readers.keys();
    if (readers.size > MOST_SETS && oldest !== undefined) readers.delete(oldest);
    return reader;
  };
}

function sampleQuery(params: URLSearchParams): SampleQuery {
  const [category, step, words] = [params.get("category"), wholeNumber(params, "step"), params.get("q")];
  return {
    marks: MARKS.filter((mark) => params.getAll("mark").includes(mark)),
    ...(category ? { category } : {}),
    ...(step === undefined ? {} : { step }),
    ...(words ? { words } : {}),
    offset: wholeNumber(params, "offset") ?? 0,
    limit: Math.min(LONGEST_PAGE, wholeNumber(params, "limit") ?? LONGEST_PAGE),
  };
}

/** A picture that a run names. Benchmarks' pictures may lie in the data folder; what is no picture is shown from nowhere. */
async function pictureOf(run: RunSummary, name: string): Promise<ViewedImage | undefined> {
  const isElsewhere = run.kind === "evaluation" && isAbsolute(name);
  const path = isElsewhere ? name : pathInside(run.id, name);
  const file = path === undefined ? undefined : await open(path, "r").catch(() => undefined);
  if (!file) return undefined;
  const head = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0).catch(() => undefined); // a folder has none
  const type = head && imageType(head.buffer.subarray(0, head.bytesRead));
  if (type) return { type, file, bytes: (await file.stat()).size };
  await file.close();
  return undefined;
}

/** @param test of two runs on the same questions */
export function createApi(folders: readonly string[], test: PairedTest): Api {
  const lister = createRunLister(folders);
  const runNamed: FindRun = async (id) => {
    const found = (await lister.list()).find((run) => run.id === id);
    if (!found) throw new DataError(`view: unknown run: ${id}`);
    return found;
  };
  const openSet = createReaders(runNamed);
  const newestOf = async ({ id }: RunSummary) => {
    const reader = await openSet(new URLSearchParams({ run: id, set: "rollouts" }));
    const { all } = await reader.page({ marks: [], offset: 0, limit: 0 });
    const sample = all === 0 ? undefined : await reader.read(all - 1);
    return sample?.kind === "rollout" ? { newest: sample.rollout } : {};
  };

  return {
    runs: () => lister.list(),
    async run(params) {
      const summary = await runNamed(nameOf(params, "run"));
      const { version } = await runVersion(summary.id);
      if (params.get("known") === version) return undefined;
      const context = { summary, version, shade: shadeOf(params) };
      if (summary.kind === "evaluation") return evaluationDetail(context);
      return trainingDetail({ ...context, ...(await newestOf(summary)) });
    },
    async compare(params) {
      const runs = await Promise.all(params.getAll("run").map(runNamed));
      const versions = await Promise.all(runs.map(async ({ id }) => (await runVersion(id)).version));
      const version = versions.join("+");
      if (params.get("known") === version) return undefined;
      const { figures, ...compared } = await compareRuns(runs, test);
      return { version, ...compared, figures: figures.map((figure) => drawn(figure, shadeOf(params))) };
    },
    samples: async (params) => (await openSet(params)).page(sampleQuery(params)),
    async sample(params) {
      const reader = await openSet(params);
      await reader.page({ marks: [], offset: 0, limit: 0 });
      return reader.read(wholeNumber(params, "at") ?? 0);
    },
    image: async (params) => pictureOf(await runNamed(nameOf(params, "run")), nameOf(params, "name")),
  };
}
