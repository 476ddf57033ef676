/**
 * @module The flags of a judge, the same for every command that scores.
 */
import process from "node:process";
import type { Command } from "commander";
import { type OpenJudge, openJudge } from "../../benchmarks/scoring/judge.js";
import { JUDGE_PROMPTS, readJudgePrompts, vlmEvalKitPrompts } from "../../benchmarks/scoring/judgePrompts.js";
import { ConfigError } from "../core/errors.js";
import { given } from "../core/given.js";
import type { CommandContext } from "./context.js";
import { tokenWireFor } from "./tokenServers.js";

export interface JudgeFlags {
  readonly judge?: string;
  readonly judgeModel?: string;
  readonly judgeProcessor?: string;
  readonly judgePrompts?: string;
  readonly judgeCache?: string;
}

/** Where answers are kept when no file is named: they are paid for once. */
const DEFAULT_CACHE = "judge-cache.jsonl";

export function addJudgeOptions(command: Command): Command {
  return command
    .option(
      "--judge <url>",
      "OpenAI-compatible server that reads what the rules cannot (key: OPENAI_API_KEY)",
    )
    .option("--judge-model <name>", "model to ask there; part of every score it has a share in")
    .option("--judge-processor <dir>", "the judge's folder or owner/name: as --processor")
    .option("--judge-prompts <dir>", "folder of prompts in place of the built-in ones")
    .option("--judge-cache <file>", "its answers, kept and never paid for twice", DEFAULT_CACHE);
}

/** The judge the flags ask for, and what to say of it; undefined without `--judge`. @throws ConfigError */
export async function judgeFrom(
  { judge, judgeModel, judgeProcessor, judgePrompts, judgeCache = DEFAULT_CACHE }: JudgeFlags,
  { signal, ...context }: { readonly signal: AbortSignal } & Pick<CommandContext, "terminal">,
): Promise<{ readonly judge: OpenJudge; readonly note: string } | undefined> {
  if (judge === undefined) return undefined;
  if (judgeModel === undefined) {
    throw new ConfigError("--judge: missing --judge-model: scores by different judges are not comparable");
  }
  const apiKey = process.env["OPENAI_API_KEY"];
  const prompts = judgePrompts === undefined ? JUDGE_PROMPTS : await readJudgePrompts(judgePrompts);
  const published = vlmEvalKitPrompts(prompts);
  const kind = published.length > 0 ? `VLMEvalKit's (${published.join(", ")})` : judgePrompts;
  const baseUrls = judge.split(",");
  const wire = await tokenWireFor({ urls: baseUrls, processor: judgeProcessor, key: apiKey }, context);
  const open = await openJudge({
    baseUrls,
    model: judgeModel,
    cachePath: judgeCache,
    prompts,
    signal,
    ...given({ apiKey, wire }),
  });
  return { judge: open, note: `judge prompts: ${kind ?? "built in"}` };
}
