#!/usr/bin/env node
/**
 * @module The command line. One file per command; errors made on purpose are one line, others keep their stack.
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { Command, CommanderError } from "commander";
import { ConfigError, SharegrpoError } from "../core/errors.js";
import { addBench } from "./bench.js";
import { addCompletion } from "./completion.js";
import type { CommandContext } from "./context.js";
import { addDoctor } from "./doctor.js";
import { addEvaluate } from "./evaluate.js";
import { addExpand } from "./expand.js";
import { addFetch } from "./fetch.js";
import { addGrade } from "./grade.js";
import { addInspect } from "./inspect.js";
import { addInstallCuda } from "./installCuda.js";
import { addInstallTensorflow } from "./installTensorflow.js";
import { addLab } from "./lab.js";
import { addMerge } from "./merge.js";
import { addNotebook } from "./notebook.js";
import { addPush } from "./push.js";
import { addQuickstart } from "./quickstart.js";
import { addReport } from "./report.js";
import { addRuns } from "./runs.js";
import { addScore } from "./score.js";
import { addServe } from "./serve.js";
import { addSettings } from "./settings.js";
import { addTrain } from "./train.js";
import { createTerminal, type Loudness, screenOf } from "./ui.js";
import { missTheMissingLast, usageLine } from "./usage.js";
import { addVariants } from "./variants.js";
import { addView } from "./view.js";
import { addWarmup } from "./warmup.js";

const COMMANDS = [
  addQuickstart,
  addTrain,
  addSettings,
  addEvaluate,
  addExpand,
  addInspect,
  addVariants,
  addReport,
  addView,
  addRuns,
  addMerge,
  addFetch,
  addPush,
  addServe,
  addScore,
  addGrade,
  addDoctor,
  addInstallCuda,
  addInstallTensorflow,
  addBench,
  addLab,
  addNotebook,
  addCompletion,
  addWarmup,
];

/** Ctrl-C, and what a scheduler sends before it takes the machine away. */
const STOP_SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** npm passes Ctrl-C on to a process that the terminal has told already: that is one wish, not two. */
const SAME_WISH_MS = 300;

function interruptSignal(line: (text: string) => void, notice: string): AbortSignal {
  const controller = new AbortController();
  let wishedMs = 0;
  const stop = () => {
    if (!controller.signal.aborted) {
      wishedMs = performance.now();
      controller.abort();
      if (notice !== "") line(notice);
    } else if (performance.now() - wishedMs > SAME_WISH_MS) process.exit(130);
  };
  for (const signal of STOP_SIGNALS) process.on(signal, stop);
  return controller.signal;
}

/**
 * A reader that has gone (`| head`) ends what is printed for it, without complaint. Progress that nobody sees is no
 * reason to stop: in `2>&1 | tee log`, Ctrl-C ends tee first, and the step is still to be saved.
 */
function outliveReaders(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") process.stderr.write(`sharegrpo: standard output: ${error.message}\n`);
    process.exit(process.exitCode ?? 1);
  });
  process.stderr.on("error", () => undefined);
}

/** What the operating system refused: a file, a folder, a port. Its message says all, its stack nothing. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "code" in error;
}

function createContext(loudness: Loudness): CommandContext {
  const shown = screenOf(process.stderr, process.env);
  const terminal = createTerminal({ ...shown, now: () => performance.now(), loudness });
  return {
    terminal,
    signal: (notice = "stopping after this step (Ctrl-C again to stop at once)") =>
      interruptSignal(terminal.line, notice),
    print: (text) => {
      process.stdout.write(`${text}\n`);
    },
    exitWith: (code) => {
      process.exitCode = code;
    },
  };
}

function version(): string {
  const file = new URL("../../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

function createProgram(context: CommandContext): Command {
  const program = new Command("sharegrpo")
    .description("Share-GRPO training and evaluation of vision-language models")
    .version(version())
    .option("--quiet", "results and errors only")
    .option("--verbose", "every retry, progress every 5 s also in a log, errors with their stack")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => undefined }) // said below, in one line
    .exitOverride();
  for (const add of COMMANDS) add(program, context);
  missTheMissingLast(program);
  return program;
}

/** Asked for before the flags are read: what reads them reports already. */
function loudnessOf(args: readonly string[]): Loudness {
  if (args.includes("--quiet")) return "quiet";
  return args.includes("--verbose") ? "verbose" : "normal";
}

/** Says what went wrong. @returns the exit status @throws what nobody foresaw */
function explain(error: unknown, program: Command, loudness: Loudness): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    if (error.code !== "commander.help") {
      process.stderr.write(`${usageLine(program, process.argv.slice(2), error)}\n`);
    }
    return 2;
  }
  if (!(error instanceof SharegrpoError) && !isSystemError(error)) throw error;
  process.stderr.write(`sharegrpo: ${error.message}\n`);
  if (loudness === "verbose") process.stderr.write(`${error.stack}\n`);
  return error instanceof ConfigError ? 2 : 1;
}

async function main(): Promise<void> {
  outliveReaders();
  const loudness = loudnessOf(process.argv);
  const context = createContext(loudness);
  const program = createProgram(context);
  try {
    await program.parseAsync();
  } catch (error) {
    context.terminal.finish();
    process.exitCode = explain(error, program, loudness);
  }
}

await main();
