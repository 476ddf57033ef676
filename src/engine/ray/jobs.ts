/**
 * @module Ray's Jobs API over plain HTTP: upload a folder, submit, follow, stop.
 *
 * Source: Ray 2.60.0, API version 4, as recorded. Ray refuses requests that look like a browser's, and Node's own
 * `fetch` does; so this goes through `node:http`, which adds no such headers.
 */
import { z } from "zod";
import { ENGINE_KEY_CURE } from "../../config/load.js";
import {
  exchange,
  type HttpReply,
  type HttpRequest,
  isLocked,
  shownUrl,
  withoutKey,
  withoutLogin,
} from "../../core/chat/http.js";
import { ConfigError, ServerError } from "../../core/errors.js";
import { sha256 } from "../../core/files/digest.js";

/** What this was written against; the version of the API, and of a Ray that has it. */
export const RAY_API = { version: "4", ray: "2.60.0" } as const;

export const JOB_STATES = ["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "STOPPED"] as const;
export type JobState = (typeof JOB_STATES)[number];

const versionSchema = z.object({ version: z.string(), ray_version: z.string() });
const submittedSchema = z.object({ submission_id: z.string() });
const logsSchema = z.object({ logs: z.string() });
const stoppedSchema = z.object({ stopped: z.boolean() });
const statusSchema = z.object({
  status: z.enum(JOB_STATES),
  message: z.string().nullish(),
  error_type: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
});

export interface JobStatus {
  readonly state: JobState;
  /** What Ray says of it. */
  readonly message: string;
}

export interface RayJob {
  /** Shell command, run in the folder that was uploaded. */
  readonly entrypoint: string;
  readonly id: string;
  /** From `upload`. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Of the entry program, not of the workers that it starts. */
  readonly cpus: number;
}

/** The jobs of a Ray head. */
export interface RayJobs {
  /** The address as it may be shown. */
  readonly server: string;
  readonly rayVersion: string;
  /** @returns where the folder's bytes are, `gcs://…`; the same bytes are sent once */
  upload(zip: Uint8Array): Promise<string>;
  submit(job: RayJob): Promise<void>;
  /** undefined: there is no such job. */
  status(id: string): Promise<JobStatus | undefined>;
  /** All that it printed so far. */
  logs(id: string): Promise<string>;
  stop(id: string): Promise<void>;
}

/** Where a Ray head is. */
export interface RayOptions {
  /** The dashboard's: `http://head:8265`. */
  readonly url: string;
  /** Of Ray's token authentication; never shown. */
  readonly token?: string | undefined;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

const TIMEOUT_MS = 60_000;
const MOST_SHOWN = 300;
/** Which address. */
const WHICH = "(the dashboard's, port 8265)";

/** @throws ConfigError when it is no address of a dashboard */
export function parseRayUrl(text: string): URL {
  const http = text.replace(/^ray:\/\//, "http://");
  const url = URL.canParse(http) ? new URL(http) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw new ConfigError(`engine.url: not an address: ${withoutLogin(text)}: write http://head:8265`);
  }
  url.pathname = url.pathname.replace(/\/+$/, "");
  return url;
}

/** The error of a Python traceback, or the beginning of anything else. */
function wordsOf({ text }: HttpReply): string {
  const lines = text.trim().split("\n");
  const raised = lines.findLast((line) => /^\w+(\.\w+)*(Error|Exception): /.test(line));
  const words = raised ?? lines.join(" ");
  return words.length > MOST_SHOWN ? `${words.slice(0, MOST_SHOWN)}…` : words;
}

function errorOf(url: URL, reply: HttpReply): ServerError {
  const shown = shownUrl(url);
  const { status } = reply;
  const isRefused = isLocked(status) || status === 404 || status === 405;
  const failed = isRefused ? `check engine.url ${WHICH}` : "see the log of Ray's dashboard on the head";
  const cure = isLocked(status)
    ? `${ENGINE_KEY_CURE} ${WHICH}; a head keeps its token in ~/.ray/auth_token`
    : failed;
  return new ServerError(`${shown}: status ${status}: ${wordsOf(reply)}; ${cure}`, {
    kind: isRefused ? "refused" : status >= 500 ? "broken" : "rejected",
    url: shown,
    status,
  });
}

interface Ask extends Pick<HttpRequest, "method"> {
  readonly path: string;
  readonly body?: string | Uint8Array;
}

/** One request to the dashboard, whatever it answers. */
function createAsk({ url, token, timeoutMs = TIMEOUT_MS, signal }: RayOptions) {
  const base = parseRayUrl(url);
  return async ({ method, path, body }: Ask): Promise<{ readonly url: URL; readonly reply: HttpReply }> => {
    const target = new URL(base);
    target.pathname = `${base.pathname.replace(/\/$/, "")}${path}`;
    const type = typeof body === "string" ? "application/json" : "application/octet-stream";
    const reply = await exchange({
      ...{ url: target, method, timeoutMs, signal },
      headers: {
        ...(body === undefined ? {} : { "content-type": type }),
        ...(token ? { authorization: `Bearer ${token}` } : {}),
      },
      ...(body === undefined ? {} : { body }),
      maxBytes: 1024 ** 3,
    });
    // What an error quotes of an answer must not hold the token.
    return { url: target, reply: { ...reply, text: withoutKey(reply.text, token) } };
  };
}

function readJson<Answer>(url: URL, reply: HttpReply, schema: z.ZodType<Answer>): Answer {
  let json: unknown;
  try {
    json = JSON.parse(reply.text);
  } catch {
    json = undefined;
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const shown = shownUrl(url);
  const message = `${shown}: the answer is not one of Ray's: ${wordsOf(reply)}; check engine.url: it is the dashboard's, port 8265`;
  throw new ServerError(message, { kind: "garbled", url: shown, status: reply.status });
}

function requireVersion(shown: string, { version, ray_version }: z.output<typeof versionSchema>): void {
  if (version === RAY_API.version) return;
  const message = `${shown}: its Jobs API has version ${version} (Ray ${ray_version}), this was written for version ${RAY_API.version} (Ray ${RAY_API.ray})`;
  throw new ServerError(message, { kind: "refused", url: shown });
}

/**
 * Finds the Jobs API of a Ray head.
 * @throws ConfigError when the address is none; ServerError when nobody answers there, or Ray has another API version
 */
export async function connectRay(options: RayOptions): Promise<RayJobs> {
  const ask = createAsk(options);
  const server = shownUrl(parseRayUrl(options.url)).replace(/\/$/, "");
  const good = async <Answer>(request: Ask, schema: z.ZodType<Answer>): Promise<Answer> => {
    const { url, reply } = await ask(request);
    if (reply.status !== 200) throw errorOf(url, reply);
    return readJson(url, reply, schema);
  };
  const found = await good({ method: "GET", path: "/api/version" }, versionSchema);
  requireVersion(server, found);
  const jobPath = (id: string) => `/api/jobs/${encodeURIComponent(id)}`;
  return {
    server,
    rayVersion: found.ray_version,
    async upload(zip) {
      const name = `_ray_pkg_${sha256(zip).slice(0, 16)}.zip`;
      const path = `/api/packages/gcs/${name}`;
      const known = await ask({ method: "GET", path });
      if (known.reply.status === 200) return `gcs://${name}`;
      if (known.reply.status !== 404) throw errorOf(known.url, known.reply);
      const { url, reply } = await ask({ method: "PUT", path, body: zip });
      if (reply.status !== 200) throw errorOf(url, reply);
      return `gcs://${name}`;
    },
    async submit({ entrypoint, id, folder, environment, metadata, cpus }) {
      const runtime = { working_dir: folder, env_vars: environment };
      const body = JSON.stringify({
        ...{ entrypoint, submission_id: id, runtime_env: runtime, metadata, entrypoint_num_cpus: cpus },
      });
      await good({ method: "POST", path: "/api/jobs/", body }, submittedSchema);
    },
    async status(id) {
      const { url, reply } = await ask({ method: "GET", path: jobPath(id) });
      if (reply.status === 404) return undefined;
      if (reply.status !== 200) throw errorOf(url, reply);
      const { status, message } = readJson(url, reply, statusSchema);
      return { state: status, message: message ?? "" };
    },
    async logs(id) {
      return (await good({ method: "GET", path: `${jobPath(id)}/logs` }, logsSchema)).logs;
    },
    async stop(id) {
      await good({ method: "POST", path: `${jobPath(id)}/stop` }, stoppedSchema);
    },
  };
}
