/**
 * @module Processes of this project's side: each does jobs until one of them takes it along or takes too long; then
 * another process does the rest.
 */
import { fork } from "node:child_process";
import { compiledProgram } from "../../../src/core/files/compiledProgram.js";
import type { Failed, Job, Measured, OwnRequest } from "./jobs.js";

/** Seconds that a job may take: loading and compiling, and three times what its rounds have. */
export const limitOf = ({ series }: Pick<Job, "series">): number => 60 + 3 * series.seconds;

/** Starts a process for jobs. @returns what it found, and why it did not go on where it did not */
function attempt(request: OwnRequest): Promise<{ found: (Measured | Failed)[]; problem?: string }> {
  return new Promise((resolve) => {
    const found: (Measured | Failed)[] = [];
    const child = fork(compiledProgram("benchmarks/measured/gpu/program.js"), {
      execArgv: ["--enable-source-maps"],
      serialization: "advanced",
    });
    let problem: string | undefined;
    let timer: NodeJS.Timeout | undefined;
    const allow = () => {
      clearTimeout(timer);
      const job = request.jobs[found.length];
      if (!job) return;
      timer = setTimeout(() => {
        problem = `took longer than ${limitOf(job)} s`;
        child.kill("SIGKILL");
      }, 1000 * limitOf(job));
    };
    child.on("message", (message) => {
      found.push(message as Measured | Failed);
      allow();
    });
    child.on("error", ({ message }) => {
      problem ??= message;
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      problem ??= `its process ended (${signal ?? code})`;
      resolve(found.length < request.jobs.length ? { found, problem } : { found });
    });
    child.send(request);
    allow();
  });
}

/** Does all jobs, in as few processes as it takes. Never throws. */
export async function doApart(request: OwnRequest): Promise<(Measured | Failed)[]> {
  const done: (Measured | Failed)[] = [];
  while (done.length < request.jobs.length) {
    const { found, problem } = await attempt({ ...request, jobs: request.jobs.slice(done.length) });
    done.push(...found);
    const lost = request.jobs[done.length];
    if (lost)
      done.push({ part: lost.part, precision: lost.precision, error: problem ?? "nothing was found" });
  }
  return done;
}
