/**
 * @module `sharegrpo expand`: rewrites the questions of a data file with any OpenAI-compatible server.
 */
import process from "node:process";
import type { Command } from "commander";
import { openCallCache, withCache } from "../core/chat/callCache.js";
import { type ChatClient, createChatClient } from "../core/chat/openai.js";
import { ServerError } from "../core/errors.js";
import { writeFileAtomic } from "../core/files/atomic.js";
import { QUESTION_KEYS } from "../data/question.js";
import { openRows } from "../data/rows.js";
import { refuseBadLines } from "../expand/jsonlColumn.js";
import { type RewriteReport, type RewrittenFile, rewriteFile } from "../expand/rewriteFile.js";
import { rewriteRequest } from "../expand/rewritePrompt.js";
import { fileKind, writeTable } from "../expand/writeTable.js";
import { extractBoxed } from "../reward/boxed.js";
import { GRADERS } from "../reward/graders.js";
import { positiveInteger, positiveNumber, timeLimit } from "./arguments.js";
import type { CommandContext } from "./context.js";
import { PROCESSOR_FLAG, tokenWireFor } from "./tokenServers.js";

interface ExpandFlags {
  readonly in: string;
  readonly out: string;
  readonly llm: readonly string[];
  readonly model: string;
  readonly processor?: string;
  readonly variants: number;
  readonly rounds: number;
  readonly verify?: number;
  readonly images?: boolean;
  readonly replace?: boolean;
  readonly limit?: number;
  readonly temperature: number;
  readonly maxTokens: number;
  readonly concurrency: number;
  readonly timeout: number;
  readonly retries: number;
  readonly cache?: string;
  readonly imageDir?: string;
  readonly promptKey: string;
  readonly answerKey: string;
  readonly imageKey: string;
  readonly rewritesKey: string;
  readonly idKey: string;
  readonly json?: boolean;
}

/** Files beside the output. */
function besides({ out, cache }: ExpandFlags) {
  return {
    cache: cache ?? `${out}.calls.jsonl`,
    report: `${out}.report.json`,
    rejected: `${out}.rejected.jsonl`,
  };
}

/** Whether a response's last box holds the gold answer. */
function isGold(response: string, gold: string): boolean {
  const answer = extractBoxed(response);
  return answer.kind === "answer" && GRADERS.math(answer.text, gold).correct;
}

async function clientOf(flags: ExpandFlags, context: CommandContext): Promise<ChatClient> {
  const { llm, model, processor, concurrency, retries, timeout } = flags;
  // Read from the environment, so that it stands in no shell history.
  const key = process.env["OPENAI_API_KEY"];
  return createChatClient(
    {
      ...{ baseUrls: llm, model, concurrency, retries, timeoutMs: timeout * 1000, apiKey: key },
      onRetry: ({ details, message }) => context.terminal.retried(details.kind, message),
    },
    await tokenWireFor({ urls: llm, processor, key }, context),
  );
}

async function rewriteAll(flags: ExpandFlags, context: CommandContext, signal: AbortSignal) {
  const { terminal } = context;
  fileKind(flags.out);
  if (fileKind(flags.in) === "jsonl") await refuseBadLines(flags.in);
  const source = await openRows(flags.in);
  const client = await clientOf(flags, context);
  for (const { problem } of await client.check(signal)) if (problem) terminal.line(problem);
  const cache = await openCallCache(besides(flags).cache);
  if (cache.size > 0) terminal.line(`${cache.size} answers are known already: ${besides(flags).cache}`);
  try {
    const rewritten = await rewriteFile(source, withCache(client, cache), {
      keys: {
        ...QUESTION_KEYS,
        promptKey: flags.promptKey,
        answerKey: flags.answerKey,
        imageKey: flags.imageKey,
        rewritesKey: flags.rewritesKey,
        idKey: flags.idKey,
      },
      imageDir: flags.imageDir,
      count: flags.variants - 1,
      rounds: flags.rounds,
      showsImages: flags.images === true,
      answers: flags.verify ?? 0,
      params: { temperature: flags.temperature, maxTokens: flags.maxTokens },
      isGold,
      concurrency: flags.concurrency,
      limit: flags.limit,
      replaces: flags.replace === true,
      onProgress: terminal.onProgress,
      signal,
    });
    terminal.finish();
    await writeTable(flags.out, source, { name: flags.rewritesKey, listOf: rewritten.listOf });
    return rewritten;
  } finally {
    await cache.close();
  }
}

/** What is written beside the output: the settings, so that it can be made again, and what came of them. */
function reportFile(
  { variants, rounds, verify = 0, images = false, temperature, ...flags }: ExpandFlags,
  report: RewriteReport,
) {
  const { model, llm } = flags;
  const prompt = rewriteRequest({ words: "{question}", gold: "{answer}" }, variants - 1);
  const settings = { model, llm, variants, rounds, verify, images, temperature, maxTokens: flags.maxTokens };
  return { version: 1, in: flags.in, out: flags.out, settings, prompt, ...report };
}

function summary({ report }: RewrittenFile, flags: ExpandFlags): string {
  const { questions, whole, partial, none, rewrites, rejected, invalid, failed, cost } = report;
  const refused = Object.entries(rejected).filter(([, count]) => count > 0);
  const first = (rows: RewriteReport["failed"]) => `${rows[0]?.place}: ${rows[0]?.why}`;
  return [
    `${rewrites} rewrites of ${questions} questions: ${whole} with all ${flags.variants - 1}, ${partial} with fewer, ${none} with none`,
    ...refused.map(([kind, count]) => `  refused ${count}: ${kind}`),
    ...(invalid.length > 0 ? [`${invalid.length} rows are no questions; first ${first(invalid)}`] : []),
    ...(failed.length > 0
      ? [`${failed.length} questions failed, the same command asks them again; first ${first(failed)}`]
      : []),
    `${cost.calls} calls, ${cost.cached} of them known already; ${cost.promptTokens} + ${cost.completionTokens} tokens`,
    `output   ${flags.out}`,
    `refused  ${besides(flags).rejected}`,
    `report   ${besides(flags).report}`,
  ].join("\n");
}

async function expand(flags: ExpandFlags, context: CommandContext): Promise<void> {
  const rewritten = await rewriteAll(flags, context, context.signal());
  const { report, rejections } = rewritten;
  const files = besides(flags);
  const whole = reportFile(flags, report);
  await writeFileAtomic(
    files.rejected,
    rejections.map((rejection) => `${JSON.stringify(rejection)}\n`).join(""),
  );
  await writeFileAtomic(files.report, `${JSON.stringify(whole, undefined, 2)}\n`);
  context.print(flags.json ? JSON.stringify(whole) : summary(rewritten, flags));
  if (report.failed.length > 0) context.exitWith(1);
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

export function addExpand(program: Command, context: CommandContext): void {
  program
    .command("expand")
    .description("write each question of a data file in other words, with a language model, and check them")
    .requiredOption(
      "--in <file>",
      "questions, .jsonl or .parquet, with R1-ShareVL-52K's columns or the keys below",
    )
    .requiredOption(
      "--out <file>",
      "the same rows with rewrites, .jsonl or .parquet; answers are kept beside it",
    )
    .requiredOption("--llm <url...>", "OpenAI-compatible servers that share the work; key: OPENAI_API_KEY")
    .requiredOption("--model <name>", "the model's name on the servers")
    .option(...PROCESSOR_FLAG)
    .option(
      "--variants <m>",
      "variants per question, the original included: m − 1 rewrites",
      positiveInteger,
      5,
    )
    .option("--rounds <n>", "times a question is asked about until all rewrites pass", positiveInteger, 3)
    .option(
      "--verify <n>",
      "the model answers each rewrite up to n times and must reach the answer",
      positiveInteger,
    )
    .option("--images", "show the images to the model that rewrites")
    .option("--replace", "drop the rewrites in the file; else they are kept if they pass the checks")
    .option("--limit <n>", "only the first n questions", positiveInteger)
    .option("--temperature <t>", "of the rewriting", positiveNumber, 0.8)
    .option("--max-tokens <n>", "most tokens per answer", positiveInteger, 4096)
    .option("--concurrency <n>", "requests under way at once", positiveInteger, 8)
    .option("--timeout <seconds>", "for one answer", timeLimit, 600)
    .option("--retries <n>", "further attempts when a server fails", positiveInteger, 6)
    .option("--cache <file>", "answers paid for so far (default: <out>.calls.jsonl)")
    .option("--image-dir <dir>", "folder that image paths are relative to (default: the file's)")
    .option("--prompt-key <name>", "column of the question", QUESTION_KEYS.promptKey)
    .option("--answer-key <name>", "column of the answer", QUESTION_KEYS.answerKey)
    .option("--image-key <name>", "column of the images", QUESTION_KEYS.imageKey)
    .option("--rewrites-key <name>", "column of the rewrites", QUESTION_KEYS.rewritesKey)
    .option("--id-key <name>", "column of the id", QUESTION_KEYS.idKey)
    .option("--json", "print the report as JSON")
    .action(async (flags: ExpandFlags) => {
      try {
        await expand(flags, context);
      } catch (error) {
        context.terminal.finish();
        const isOutage = error instanceof ServerError;
        if (!isAbort(error) && !isOutage) throw error;
        context.terminal.line(
          `answers so far are kept in ${besides(flags).cache}; the same command continues`,
        );
        if (isOutage) throw error;
        context.exitWith(130);
      }
    });
}
