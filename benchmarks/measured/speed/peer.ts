/**
 * @module The Python process that runs PyTorch's side: one JSON request a line, one JSON answer a line.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { BenchmarkError } from "../../../src/core/errors.js";
import { packageRoot } from "../../../src/core/files/packageRoot.js";
import { given } from "../../../src/core/given.js";

const greetingSchema = z.object({
  missing: z.string().optional(),
  python: z.string(),
  torch: z.string().optional(),
  transformers: z.string().optional(),
  trl: z.string().optional(),
});

const answerSchema = z.looseObject({ error: z.string().optional() });

export interface Peer {
  /** For example `PyTorch 2.15.0, transformers 5.23.0, Python 3.12.3`. */
  readonly versions: string;
  /** @throws BenchmarkError with what Python said */
  call<Answer>(request: Readonly<Record<string, unknown>>, answer: z.ZodType<Answer>): Promise<Answer>;
  /** A measured piece of work: milliseconds. */
  time(request: Readonly<Record<string, unknown>>): Promise<number>;
  close(): void;
  /** Ends the process whatever it does; a call that waits is refused. */
  kill(): void;
  hasEnded(): boolean;
  readonly has: { readonly transformers: boolean; readonly trl: boolean };
}

/** Answers of a process, one line each, in order; `undefined` once it has ended. */
function lineReader(input: NodeJS.ReadableStream): () => Promise<string | undefined> {
  const lines = createInterface({ input })[Symbol.asyncIterator]();
  return async () => {
    const { value, done } = await lines.next();
    return done ? undefined : value;
  };
}

/** A script of peers, in a folder of `benchmarks/measured`, and what it is told at the start. */
export interface PeerScript {
  readonly folder: "speed" | "gpu";
  readonly args: readonly string[];
}

/**
 * Starts the peer.
 * @returns the peer, or why there is none
 */
export async function startPeer(
  python: string,
  { folder, args }: PeerScript,
): Promise<Peer | { readonly missing: string }> {
  const script = join(packageRoot(), "benchmarks", "measured", folder, "peers", "peer.py");
  if (!existsSync(script)) return { missing: `${script} is not part of the installed package` };
  const child = spawn(python, [script, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const failed = new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(`${python} does not start (${error.message})`));
  });
  // That it has ended is said by the answer that does not come.
  child.stdin.on("error", () => undefined);
  const next = lineReader(child.stdout);
  const first = await Promise.race([next(), failed.then((missing) => JSON.stringify({ missing, python }))]);
  if (first === undefined) return { missing: `${python} ended at once` };
  const greeting = greetingSchema.parse(JSON.parse(first));
  if (greeting.missing !== undefined) return { missing: greeting.missing };
  // Its output ends a little before Node hears of its end.
  let isOver = false;
  const call: Peer["call"] = async (request, schema) => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    const line = await next();
    if (line === undefined) {
      isOver = true;
      throw new BenchmarkError(`peer: ended during ${String(request["op"])}`);
    }
    const answer = answerSchema.parse(JSON.parse(line));
    if (answer.error !== undefined)
      throw new BenchmarkError(`peer: ${String(request["op"])}: ${answer.error}`);
    return schema.parse(answer);
  };
  const { torch, transformers, trl } = greeting;
  const named = { PyTorch: torch, transformers, TRL: trl, Python: greeting.python };
  return {
    versions: Object.entries(given(named))
      .map((each) => each.join(" "))
      .join(", "),
    has: { transformers: transformers !== undefined, trl: trl !== undefined },
    call,
    time: async (request) => (await call(request, z.object({ ms: z.number() }))).ms,
    close: () => {
      child.stdin.end();
    },
    kill: () => {
      child.kill("SIGKILL");
    },
    hasEnded: () => isOver || child.exitCode !== null || child.signalCode !== null,
  };
}
