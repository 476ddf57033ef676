/**
 * @module `sharegrpo doctor`: what this machine has, one line each, with a cure for what is missing.
 */
import { existsSync } from "node:fs";
import { availableParallelism, freemem, totalmem } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import { listBackends } from "../compile/backends.js";
import { placedProvider } from "../compile/runtime/cudaProvider.js";
import { cardMemory, cureOf, findDevice, shortProblem, tryDevices } from "../compile/runtime/devices.js";
import type { Trial } from "../compile/runtime/trial.js";
import { resolveConfig, withOverride } from "../config/load.js";
import { given } from "../core/given.js";
import { machineMemory } from "../core/machineMemory.js";
import { locateModel } from "../data/hubModel.js";
import { examineAddress } from "../engine/examine.js";
import { nearestFit, planOf, planTable } from "../engine/local/planSettings.js";
import { type Finding, notebookFindings } from "../kernel/setup.js";
import { loadNetwork, modelFolder } from "../model/load.js";
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
  const speed = device === "webgpu" ? "; slow: every array is carried to the card and back" : "";
  if (problem === undefined) return { name, isFine: true, note: `tried; ${runtime}${speed}` };
  const said = runtime === undefined ? shortProblem(problem) : `only through the ${runtime}: ${problem}`;
  const placed = device === "cuda" ? placedProvider() : undefined;
  const provider = placed === undefined ? "" : `provider ${placed.version} is placed; `;
  return { name, isFine: runtime !== undefined, note: `${provider}${said}; ${cureOf(trial)}` };
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

/** Words of a question and its format prompt, tokens. */
const QUESTION_TOKENS = 100;

interface PlanFlags {
  readonly pixels: number;
  readonly json?: boolean;
}

/** What a model needs with settings of `train`. */
async function printPlan(
  model: string,
  settings: readonly string[],
  { pixels, json }: PlanFlags,
  { print, terminal }: CommandContext,
): Promise<void> {
  const asked = resolveConfig(settings.reduce(withOverride, {}), "doctor");
  const { device: wanted } = asked.engine;
  const { device, card } =
    wanted === "auto" ? await findDevice(wanted) : { device: wanted, card: await cardMemory(wanted) };
  const config = { ...asked, engine: { ...asked.engine, device } };
  const { onProgress, line: onNote } = terminal;
  const { folder } = await locateModel(model, { onProgress, onNote });
  const network = await loadNetwork(folder);
  const { patchSize, spatialMergeSize } = network.config.vision;
  const side = patchSize * spatialMergeSize;
  const tokens = Math.ceil(pixels / side ** 2);
  const prompts = {
    promptTokens: QUESTION_TOKENS + tokens,
    images: 1,
    patchesPerImage: tokens * spatialMergeSize ** 2,
  };
  const plan = planOf(config, { network, prompts });
  const machine = { ...(await machineMemory()), ...given({ card }) };
  if (json === true) return print(JSON.stringify({ plan, machine, prompts }, undefined, 2));
  print(planTable(plan, machine));
  const fit = nearestFit(config, { network, prompts }, machine);
  if (fit === undefined) print("No training fits.");
  else if (fit.length > 0) print(`Training fits with ${fit.join(" ")}`);
}

interface DoctorFlags {
  readonly json?: boolean;
  readonly pixels: number;
  readonly engine?: string;
  readonly model?: string;
  readonly rank: number;
}

export function addDoctor(program: Command, context: CommandContext): void {
  const { print, exitWith } = context;
  program
    .command("doctor")
    .description(
      "list what this machine has and try a graph on each device; with --model what that needs of it, with --engine what works on a server",
    )
    .argument("[settings...]", "with --model: settings of train as key=value: lengths, batches, lora.rank")
    .option("--engine <url>", "a Tinker-wire server, a Ray head, or an OpenAI-compatible server")
    .option("--model <name>", "a model whose memory is planned; with --engine: the one to try of several")
    .option("--pixels <n>", "with --model: pixels of a question's picture", wholeNumber, 448 * 448)
    .option("--rank <n>", "with --engine: rank of the adapter that is tried", wholeNumber, 8)
    .option("--json", "one JSON document")
    .action(async (settings: string[], { json, engine, model, rank, pixels }: DoctorFlags) => {
      if (engine === undefined && model !== undefined)
        return printPlan(model, settings, { pixels, ...given({ json }) }, context);
      const found =
        engine === undefined
          ? await findings()
          : await examineAddress({ url: engine, rank, ...given({ model }) });
      if (engine !== undefined && found[0]?.isFine !== true) exitWith(1);
      if (json) return print(JSON.stringify(found, undefined, 2));
      const width = Math.max(...found.map(({ name }) => name.length));
      for (const { name, isFine, note } of found)
        print(`${isFine ? "✓" : "–"} ${name.padEnd(width)}  ${note}`);
    });
}
