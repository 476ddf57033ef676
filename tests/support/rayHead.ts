/**
 * @module A stand-in for the dashboard of a Ray head: packages, jobs that print what they are told to, and the refusal
 * of requests that look like a browser's. As Ray 2.60.0 answers.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** States in turn, one for each asking; the last stays. */
export interface ScriptedJob {
  readonly states: readonly string[];
  /** The whole log at each asking; the last stays. */
  readonly logs: readonly string[];
  readonly message?: string;
}

export interface RayHead {
  readonly url: string;
  readonly packages: ReadonlyMap<string, Buffer>;
  /** Bodies of submitted jobs. */
  readonly jobs: ReadonlyMap<string, Record<string, unknown>>;
  readonly stopped: readonly string[];
  close(): Promise<void>;
}

function looksLikeBrowser({ headers }: IncomingMessage): boolean {
  const names = Object.keys(headers);
  const isMozilla = (headers["user-agent"] ?? "").startsWith("Mozilla");
  return (
    isMozilla || names.some((name) => name.startsWith("sec-fetch-") || ["origin", "referer"].includes(name))
  );
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of request) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces);
}

export async function startRayHead(script: ScriptedJob, version = "4"): Promise<RayHead> {
  const packages = new Map<string, Buffer>();
  const jobs = new Map<string, Record<string, unknown>>();
  const stopped: string[] = [];
  const asked = new Map<string, number>();
  const json = (response: ServerResponse, body: unknown, status = 200) =>
    void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  const turn = (key: string, values: readonly string[]): string => {
    const at = asked.get(key) ?? 0;
    asked.set(key, at + 1);
    return values[Math.min(at, values.length - 1)] ?? "";
  };

  const answerJob = async (request: IncomingMessage, response: ServerResponse, path: string) => {
    if (request.method === "POST" && path === "/api/jobs/") {
      const body = JSON.parse((await bodyOf(request)).toString("utf8")) as Record<string, unknown>;
      const id = String(body["submission_id"]);
      if (jobs.has(id)) {
        const trace = `Traceback (most recent call last):\n  File "x.py"\nValueError: Job with submission_id ${id} already exists\n.`;
        return void response.writeHead(500).end(trace);
      }
      jobs.set(id, body);
      return json(response, { job_id: null, submission_id: id });
    }
    const [, , , id = "", action] = path.split("/");
    if (!jobs.has(id)) return void response.writeHead(404).end(`Job ${id} does not exist`);
    if (action === "stop") {
      stopped.push(id);
      return json(response, { stopped: true });
    }
    if (action === "logs") return json(response, { logs: turn(`${id} logs`, script.logs) });
    const status = stopped.includes(id) ? "STOPPED" : turn(id, script.states);
    return json(response, { type: "SUBMISSION", submission_id: id, status, message: script.message ?? "" });
  };

  const server = createServer(async (request, response) => {
    const path = request.url ?? "";
    if (request.method !== "GET" && looksLikeBrowser(request)) {
      return void response.writeHead(405).end("405: Method Not Allowed: browser traffic");
    }
    if (path === "/api/version") return json(response, { version, ray_version: "2.60.0", session_name: "s" });
    if (path.startsWith("/api/packages/gcs/")) {
      if (request.method === "PUT") packages.set(path, await bodyOf(request));
      return void response.writeHead(packages.has(path) ? 200 : 404).end();
    }
    if (path.startsWith("/api/jobs/")) return answerJob(request, response, path);
    return void response.writeHead(404).end("404: Not Found");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    ...{ url: `http://127.0.0.1:${port}`, packages, jobs, stopped },
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
