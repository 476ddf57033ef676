/**
 * @module Flags of `sharegrpo evaluate`, and what they mean.
 */
import { homedir } from "node:os";
import process from "node:process";
import { type Command, InvalidArgumentError, Option } from "commander";
import { dataRoot, samplesFolder } from "../../benchmarks/data/locate.js";
import type { Decoding } from "../../benchmarks/engines/engine.js";
import {
  PROMPT_FORMS,
  type PromptForm,
  type PromptStyle,
  THINKING_PROMPTS,
  type ThinkingPrompt,
} from "../../benchmarks/records.js";
import { DEVICE_CHOICES } from "../config/engine.js";
import type { RunConfig } from "../config/schema.js";
import { CHAT_DEFAULTS } from "../core/chat/openai.js";
import { ConfigError } from "../core/errors.js";
import type { ImageLimits } from "../data/pixels.js";
import { pathName, positiveInteger, positiveNumber, timeLimit, wholeNumber } from "./arguments.js";
import { addScoreFlags, type ScoreFlags } from "./scoreFlags.js";
import { PROCESSOR_FLAG } from "./tokenServers.js";

/** As commander gives them. */
export interface EvaluateFlags extends ScoreFlags {
  readonly model?: readonly string[];
  readonly modelName?: string;
  readonly processor?: string;
  readonly device: RunConfig["engine"]["device"];
  readonly benchmarks: readonly string[];
  readonly data?: string;
  readonly limit?: number;
  readonly samples: number;
  readonly prompt: ThinkingPrompt;
  readonly promptText?: string;
  readonly promptForm: PromptForm;
  readonly showPrompts?: number;
  readonly temperature: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly repetitionPenalty?: number;
  readonly maxTokens: number;
  readonly seed: number;
  readonly minPixels?: number;
  readonly maxPixels?: number;
  readonly concurrency: number;
  readonly timeout: number;
  readonly retries: number;
  readonly out?: string;
  readonly resume?: boolean;
  readonly json?: boolean;
}

const listOf = (text: string): string[] => text.split(",").map((name) => name.trim());

function temperature(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0)) throw new InvalidArgumentError("expected a number from 0.");
  return value;
}

function addModelFlags(command: Command): Command {
  return command
    .option(
      "--model <dir|url>",
      "checkpoint folder, `tiny`, owner/name[@revision] on a hub, or OpenAI-compatible server; several servers separated by commas share the load",
      listOf,
    )
    .addOption(
      new Option(
        "--device <name>",
        "a checkpoint folder: where its graphs run, as engine.device of a training",
      )
        .choices(DEVICE_CHOICES)
        .default("cpu"),
    )
    .option("--model-name <name>", "the name the server knows the model by")
    .option(...PROCESSOR_FLAG)
    .option("--temperature <x>", "0: the most likely token every time", temperature, 0)
    .option("--top-p <x>", "nucleus (default: the model's)", positiveNumber)
    .option("--top-k <n>", "most likely tokens kept (default: the model's)", positiveInteger)
    .option("--repetition-penalty <x>", "servers only", positiveNumber)
    .option("--max-tokens <n>", "response tokens at most", positiveInteger, 2048)
    .option("--seed <n>", "of sampling", wholeNumber, 1)
    .option("--min-pixels <n>", "images are enlarged to this (default: the model's)", positiveInteger)
    .option("--max-pixels <n>", "images are shrunk to this (default: the model's)", positiveInteger)
    .option("--concurrency <n>", "requests under way at once", positiveInteger, CHAT_DEFAULTS.concurrency)
    .option("--timeout <seconds>", "for one whole answer", timeLimit, CHAT_DEFAULTS.timeoutMs / 1000)
    .option("--retries <n>", "attempts after the first", wholeNumber, CHAT_DEFAULTS.retries);
}

function addRowFlags(command: Command): Command {
  return command
    .requiredOption("--benchmarks <names>", "benchmarks or datasets, separated by commas, or `all`", listOf)
    .option(
      "--data <dir>",
      "folder with <dataset>.tsv files, or `samples` (default: $LMUData or ~/LMUData, downloaded)",
    )
    .option("--limit <n>", "the first rows of each dataset only", positiveInteger)
    .option("--samples <n>", "answers per row", positiveInteger, 1)
    .addOption(
      new Option("--prompt <name>", "thinking prompt: after every text, once at the end, or none")
        .choices(THINKING_PROMPTS)
        .default("r1-sharevl"),
    )
    .option("--prompt-text <words>", "in place of the R1 thinking prompt's words")
    .addOption(
      new Option("--prompt-form <name>", "benchmark prompts").choices(PROMPT_FORMS).default("generic"),
    )
    .option("--show-prompts <n>", "show the first prompts of each dataset and stop", positiveInteger);
}

/** Adds every flag. */
export function addEvaluateFlags(command: Command): Command {
  return addScoreFlags(addModelFlags(addRowFlags(command)))
    .option("--out <dir>", "run folder", pathName)
    .option("--resume", "continue the run in --out: finished rows are kept, failed ones asked again")
    .option("--json", "print the result as one JSON document");
}

export function decodingOf(flags: EvaluateFlags): Decoding {
  const { samples, temperature, topP, topK, repetitionPenalty, maxTokens, seed } = flags;
  if (samples > 1 && temperature === 0) {
    throw new ConfigError("evaluate: --samples needs --temperature above 0: greedy answers are all the same");
  }
  return {
    temperature,
    topP: topP ?? null,
    topK: topK ?? null,
    repetitionPenalty: repetitionPenalty ?? null,
    maxTokens,
    seed,
  };
}

export function pixelsOf({ minPixels, maxPixels }: EvaluateFlags): ImageLimits {
  return { minPixels: minPixels ?? null, maxPixels: maxPixels ?? null };
}

export function promptStyleOf({ prompt, promptForm, promptText }: EvaluateFlags): PromptStyle {
  const style = { form: promptForm, thinking: prompt };
  return promptText === undefined ? style : { ...style, thinkingText: promptText };
}

/** Where data files are: a folder used as it is, or the data root that downloads go to. */
export type DataPlace =
  | { readonly kind: "folder"; readonly folder: string }
  | { readonly kind: "root"; readonly folder: string };

export function dataPlaceOf({ data }: EvaluateFlags): DataPlace {
  if (data === "samples") return { kind: "folder", folder: samplesFolder() };
  if (data !== undefined) return { kind: "folder", folder: data };
  return { kind: "root", folder: dataRoot(process.env["LMUData"], homedir()) };
}

/** Read from the environment, so that it stands in no shell history and no result. */
export function apiKey(): string | undefined {
  return process.env["OPENAI_API_KEY"];
}
