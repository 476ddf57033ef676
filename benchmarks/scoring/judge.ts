/**
 * @module The judge: a model that reads answers out of responses where the rules find none. Any OpenAI-compatible
 * server; every answer is kept on disk, so that scoring again costs nothing.
 */
import { type CallCache, openCallCache, withCache } from "../../src/core/chat/callCache.js";
import { type ChatClientOptions, type ChatWire, createChatClient } from "../../src/core/chat/openai.js";
import { BenchmarkError, ServerError } from "../../src/core/errors.js";
import type { Judge } from "../records.js";
import { FAILED_TEXT } from "./choices.js";
import { JUDGE_PROMPTS, type JudgePrompts } from "./judgePrompts.js";

export interface JudgeOptions extends ChatClientOptions {
  /** File of answers already paid for; none: nothing is kept. */
  readonly cachePath?: string;
  /** In place of this project's own words. */
  readonly prompts?: JudgePrompts;
  /** How requests are made; default: chat completions. */
  readonly wire?: ChatWire;
  readonly signal?: AbortSignal;
}

export interface OpenJudge extends Judge {
  /** Closes the file of kept answers. */
  close(): Promise<void>;
}

/**
 * A judge behind a server that was seen to answer.
 * @throws ServerError when the server cannot be used; DataError for a cache file that is none
 */
export async function openJudge({
  cachePath,
  prompts,
  wire,
  signal,
  ...options
}: JudgeOptions): Promise<OpenJudge> {
  const client = createChatClient(options, wire);
  await client.check(signal);
  const cache: CallCache | undefined = cachePath === undefined ? undefined : await openCallCache(cachePath);
  const asked = cache ? withCache(client, cache) : client;
  return {
    name: options.model,
    prompts: prompts ?? JUDGE_PROMPTS,
    async ask(prompt, { temperature, maxTokens, attempt }) {
      const params = { temperature, maxTokens, sample: attempt };
      try {
        const { text } = await asked.complete([{ role: "user", content: prompt }], params, signal);
        return text;
      } catch (error) {
        // A dead server or a full disk would fail every other row too: scores made then would be wrong, not low.
        if (!(error instanceof ServerError) || error.isOutage) throw error;
        throw new BenchmarkError(`judge ${options.model}: ${error.message}`, { cause: error });
      }
    },
    close: async () => cache?.close(),
  };
}

/** How often a judge is asked, and how. */
export interface Asking {
  /** One per attempt. */
  readonly temperatures: readonly number[];
  readonly maxTokens: number;
}

/** For options: three times the same. */
export const ASK_FOR_CHOICE: Asking = { temperatures: [0, 0, 0], maxTokens: 1024 };
/** For free answers: warmer each time. */
export const ASK_FOR_ANSWER: Asking = { temperatures: [0, 0.5, 1, 1.5, 2], maxTokens: 128 };

/**
 * Asks until a reply is accepted. An attempt that the server answers badly counts as one.
 * @param accept what the reply says, or undefined to ask again
 * @returns undefined when no attempt was accepted
 * @throws ServerError when the server is gone; CheckpointError when its answers cannot be kept
 */
export async function askJudge<T>(
  judge: Judge,
  prompt: string,
  { temperatures, maxTokens }: Asking,
  accept: (reply: string) => T | undefined,
): Promise<T | undefined> {
  for (const [attempt, temperature] of temperatures.entries()) {
    let reply: string;
    try {
      reply = await judge.ask(prompt, { temperature, maxTokens, attempt });
    } catch (error) {
      if (error instanceof BenchmarkError) continue;
      throw error;
    }
    const accepted = reply.includes(FAILED_TEXT) ? undefined : accept(reply);
    if (accepted !== undefined) return accepted;
  }
  return undefined;
}
