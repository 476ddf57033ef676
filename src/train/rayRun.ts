/**
 * @module A run that a Ray cluster carries out: the job is written, submitted and followed, and its metrics become the
 * rows of a run folder. Weights and checkpoints stay where the cluster writes them.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { RunConfig } from "../config/schema.js";
import { CheckpointError, ConfigError } from "../core/errors.js";
import { writeFileAtomic } from "../core/files/atomic.js";
import { readJsonl } from "../core/files/jsonl.js";
import type { StepRecord } from "../core/files/runRecords.js";
import { given } from "../core/given.js";
import type { OnProgress } from "../core/progress.js";
import type { QuestionSource } from "../data/source.js";
import { followJob, type JobRow } from "../engine/ray/follow.js";
import { entrypointOf, type JobPlan, writeJobFolder, zipJobFolder } from "../engine/ray/jobFolder.js";
import { connectRay, type JobState, type RayJobs } from "../engine/ray/jobs.js";
import type { TrainOutcome } from "./loop.js";
import { ownRow } from "./run/easyR1Row.js";
import { METRICS, type StepMetrics } from "./run/metrics.js";
import { JOB, JOB_RECORD, type RunFolder } from "./run/runFolder.js";

export interface ClusterPlan extends Omit<JobPlan, "config" | "questions"> {
  /** The dashboard's address. */
  readonly url: string;
  readonly token?: string | undefined;
}

export interface RayRunOptions {
  readonly config: RunConfig;
  readonly run: RunFolder;
  readonly questions: QuestionSource;
  readonly cluster: ClusterPlan;
  readonly isResume: boolean;
  readonly onProgress?: OnProgress;
  /** Called once the cluster has the job. */
  readonly onBegin?: () => Promise<void>;
  /** Called after every step; what EasyR1 does not tell is NaN. */
  readonly onStep?: (step: number, metrics: StepMetrics) => void;
  /** Told of the job's states, in sentences. */
  readonly onNote?: (note: string) => void;
  /** Lines of the job's log. */
  readonly onLine?: (line: string) => void;
  /** Aborted: the job is stopped; a resume submits it again, from its last checkpoint. */
  readonly signal?: AbortSignal;
  /** Between two looks at the job, milliseconds. */
  readonly everyMs?: number;
}

const jobSchema = z.strictObject({ url: z.string(), id: z.string(), attempt: z.int() });
/** The job that a run folder belongs to. */
type JobRecord = z.output<typeof jobSchema>;

/** Every metric, not known. */
const UNTOLD = Object.fromEntries(Object.keys(METRICS).map((name) => [name, Number.NaN])) as StepMetrics;

/** @throws CheckpointError when the file is damaged */
async function readJob(dir: string): Promise<JobRecord | undefined> {
  const path = join(dir, JOB_RECORD);
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return jobSchema.parse(JSON.parse(text));
  } catch (cause) {
    const message = `${path}: not the record of a job: delete it to submit anew, or choose another --out`;
    throw new CheckpointError(message, { cause });
  }
}

/** The last step that the run folder has a row of; 0: none. */
async function lastStep(dir: string): Promise<number> {
  const path = join(dir, "metrics.jsonl");
  const { records } = await readJsonl(path).catch(() => ({ records: [] as object[] }));
  return Math.max(0, ...records.map((record) => (record as StepRecord).step));
}

/** Submits the run, or finds the job that runs it. */
async function startOrFind(jobs: RayJobs, options: RayRunOptions): Promise<JobRecord> {
  const { config, run, questions, cluster, isResume, onProgress, onNote } = options;
  const before = isResume ? await readJob(run.dir) : undefined;
  const state = before && (await jobs.status(before.id))?.state;
  if (before && (state === "PENDING" || state === "RUNNING" || state === "SUCCEEDED")) {
    onNote?.(`job ${before.id} is ${state} on ${jobs.server}`);
    return before;
  }
  const attempt = (before?.attempt ?? 0) + 1;
  const folder = join(run.dir, JOB);
  await writeJobFolder(folder, { ...cluster, config, questions }, onProgress);
  const zip = await zipJobFolder(folder, cluster.shared !== undefined);
  const record = { url: cluster.url, id: `sharegrpo-${run.configDigest.slice(0, 12)}-${attempt}`, attempt };
  const uploaded = await jobs.upload(zip);
  await jobs.submit({
    ...{ entrypoint: entrypointOf(config), id: record.id, folder: uploaded, cpus: 1 },
    environment: { PYTHONUNBUFFERED: "1" },
    metadata: { name: "sharegrpo", config: run.configDigest },
  });
  await writeFileAtomic(join(run.dir, JOB_RECORD), `${JSON.stringify(record, undefined, 2)}\n`);
  onNote?.(`job ${record.id} was submitted to ${jobs.server}`);
  return record;
}

/** A job has the number of steps that it was submitted with. */
function refuseOtherLength({ formerSteps, config }: RunFolder): void {
  if (formerSteps === undefined) return;
  const what = `train.steps was ${formerSteps}, now ${config.train.steps}`;
  throw new ConfigError(
    `engine.kind=ray: ${what}: a job keeps the number it was submitted with; start anew in another --out`,
  );
}

/**
 * Trains on a cluster, or goes on following a job there.
 * @throws ConfigError naming settings that the cluster cannot honour; ServerError when its head does not answer;
 *   ModelError with the end of the job's log when it failed
 */
export async function trainOnRay(options: RayRunOptions): Promise<TrainOutcome> {
  const { config, run, cluster, onStep, onNote, onLine, onProgress, signal, everyMs } = options;
  refuseOtherLength(run);
  const jobs = await connectRay({ url: cluster.url, token: cluster.token });
  const { id } = await startOrFind(jobs, options);
  await options.onBegin?.();
  let written = await lastStep(run.dir);
  let isFirst = true;
  const onRow = async ({ step, values }: JobRow) => {
    const metrics = ownRow(values);
    if (!("reward/overall" in metrics)) return;
    // A job that began anew from a checkpoint repeats steps: its rows replace the old ones.
    if (isFirst && step <= written) {
      await run.truncateAfter(step - 1);
      written = step - 1;
    }
    isFirst = false;
    if (step <= written) return;
    await run.appendStep(step, metrics, []);
    written = step;
    onStep?.(step, { ...UNTOLD, ...metrics });
    onProgress?.({ phase: "train", done: step, total: config.train.steps });
  };
  const stop = () => {
    onNote?.(`stopping job ${id}`);
    jobs.stop(id).catch((error: unknown) => onNote?.(`job ${id} could not be stopped: ${String(error)}`));
  };
  signal?.addEventListener("abort", stop, { once: true });
  try {
    if (signal?.aborted) stop();
    const onState = (state: JobState) => onNote?.(`job ${id}: ${state.toLowerCase()}`);
    const end = await followJob(jobs, {
      ...{ id, onRow, onState },
      ...given({ onLine, everyMs }),
    });
    return { step: written, isFinished: end === "SUCCEEDED" };
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}
