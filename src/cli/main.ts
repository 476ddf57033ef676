#!/usr/bin/env node
/**
 * @module The command line. One file per command; errors made on purpose are one line, others keep their stack.
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { Command, CommanderError } from "commander";
import { ConfigError, SharegrpoError } from "../core/errors.js";
import { addBench } from "./bench.js";
import type { CommandContext } from "./context.js";
import { addDoctor } from "./doctor.js";
import { addEvaluate } from "./evaluate.js";
import { addExpand } from "./expand.js";
import { addGrade } from "./grade.js";
import { addInspect } from "./inspect.js";
import { addLab } from "./lab.js";
import { addNotebook } from "./notebook.js";
import { addQuickstart } from "./quickstart.js";
import { addReport } from "./report.js";
import { addScore } from "./score.js";
import { addTrain } from "./train.js";
import { createTerminal } from "./ui.js";
import { addWarmup } from "./warmup.js";

const COMMANDS = [
  addQuickstart,
  addTrain,
  addEvaluate,
  addExpand,
  addInspect,
  addReport,
  addScore,
  addGrade,
  addDoctor,
  addBench,
  addLab,
  addNotebook,
  addWarmup,
];

function interruptSignal(line: (text: string) => void): AbortSignal {
  const controller = new AbortController();
  process.once("SIGINT", () => {
    line("stopping after this step (Ctrl-C again to stop at once)");
    controller.abort();
    process.once("SIGINT", () => process.exit(130));
  });
  return controller.signal;
}

function createContext(): CommandContext {
  const isColoured = process.stderr.isTTY === true && !process.env["NO_COLOR"];
  const terminal = createTerminal({ screen: process.stderr, now: () => performance.now(), isColoured });
  return {
    terminal,
    signal: () => interruptSignal(terminal.line),
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

async function main(): Promise<void> {
  const context = createContext();
  const program = new Command("sharegrpo")
    .description("Share-GRPO training and evaluation of vision-language models")
    .version(version())
    .showHelpAfterError()
    .exitOverride();
  for (const add of COMMANDS) add(program, context);
  try {
    await program.parseAsync();
  } catch (error) {
    context.terminal.finish();
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    if (!(error instanceof SharegrpoError)) throw error;
    process.stderr.write(`sharegrpo: ${error.message}\n`);
    process.exitCode = error instanceof ConfigError ? 2 : 1;
  }
}

await main();
