/**
 * @module `sharegrpo doctor`: what this machine has, one line each, with a cure for what is missing.
 */
import { existsSync } from "node:fs";
import { availableParallelism, freemem, totalmem } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import { listBackends } from "../compile/backends.js";
import { cureOf, shortProblem, tryDevices } from "../compile/runtime/devices.js";
import type { Trial } from "../compile/runtime/trial.js";
import { examineAddress } from "../engine/examine.js";
import { type Finding, notebookFindings } from "../kernel/setup.js";
import { modelFolder } from "../model/load.js";
import { formatBytes } from "../report/table.js";
import { wholeNumber } from "./arguments.js";
import type { CommandContext } from "./context.js";

const OLDEST_NODE = [20, 19] as const;

function nodeFinding(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isFine = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  const cure = isFine ? "" : `; install Node ${OLDEST_NODE.join(".")} or newer`;
  return { name: "node", isFine, note: `${process.versions.node}${cure}` };
}

function memoryFinding(): Finding {
  const isFine = freemem() > 2 * 2 ** 30;
  const cure = isFine ? "" : "; training wants 2 GB free: close other programs or lower rollout.maxRows";
  return {
    name: "memory",
    isFine,
    note: `${formatBytes(freemem())} free of ${formatBytes(totalmem())}${cure}`,
  };
}

function modelFinding(): Finding {
  const path = join(modelFolder("tiny"), "model.safetensors");
  const isFine = existsSync(path);
  return {
    name: "tiny policy",
    isFine,
    note: isFine ? path : `missing; make it with: sharegrpo warmup --out ${modelFolder("tiny")}`,
  };
}

/** A device that was tried. The CPU works through the npm binding, too, but slower. */
function deviceFinding(trial: Trial): Finding {
  const { device, runtime, problem } = trial;
  const name = `graphs on: ${device}`;
  if (problem === undefined) return { name, isFine: true, note: `tried; ${runtime}` };
  const said = runtime === undefined ? shortProblem(problem) : `only through the ${runtime}: ${problem}`;
  return { name, isFine: runtime !== undefined, note: `${said}; ${cureOf(trial)}` };
}

/** Everything there is to say about this machine. */
export async function findings(): Promise<Finding[]> {
  return [
    nodeFinding(),
    { name: "cores", isFine: true, note: String(availableParallelism()) },
    memoryFinding(),
    modelFinding(),
    ...notebookFindings(),
    ...listBackends().map(({ name, isAvailable, note }) => ({
      name: `TensorFlow.js: ${name}`,
      isFine: isAvailable,
      note,
    })),
    ...(await tryDevices()).map(deviceFinding),
  ];
}

interface DoctorFlags {
  readonly json?: boolean;
  readonly engine?: string;
  readonly model?: string;
  readonly rank: number;
}

export function addDoctor(program: Command, { print, exitWith }: CommandContext): void {
  program
    .command("doctor")
    .description(
      "list what this machine has and try a graph on each device, or with --engine what works on a server",
    )
    .option("--engine <url>", "a Tinker-wire server, a Ray head, or an OpenAI-compatible server")
    .option("--model <name>", "with --engine: the model to try, where several are served")
    .option("--rank <n>", "with --engine: rank of the adapter that is tried", wholeNumber, 8)
    .option("--json", "one JSON document")
    .action(async ({ json, engine, model, rank }: DoctorFlags) => {
      const found =
        engine === undefined
          ? await findings()
          : await examineAddress({ url: engine, rank, ...(model === undefined ? {} : { model }) });
      if (engine !== undefined && found[0]?.isFine !== true) exitWith(1);
      if (json) return print(JSON.stringify(found, undefined, 2));
      const width = Math.max(...found.map(({ name }) => name.length));
      for (const { name, isFine, note } of found)
        print(`${isFine ? "✓" : "–"} ${name.padEnd(width)}  ${note}`);
    });
}
