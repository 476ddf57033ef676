/**
 * @module Rows answered by OpenAI-compatible servers. One row's failure is its own; a run stops when no server answers
 * any more, so that a dead server does not fail three thousand rows.
 */
import pLimit from "p-limit";
import type { ChatMessage, ChatParams, ChatReply } from "../../src/core/chat/chat.js";
import type { ChatClient } from "../../src/core/chat/openai.js";
import { BenchmarkError, DataError, ServerError } from "../../src/core/errors.js";
import type { ImageLimits } from "../../src/data/pixels.js";
import type { MessageItem } from "../records.js";
import { type Answer, type AnswerEngine, type Asked, type Decoding, failure } from "./engine.js";

export interface ServerEngineOptions {
  readonly client: ChatClient;
  readonly decoding: Decoding;
  readonly pixels: ImageLimits;
  /** Rows under way at once: what the client was made with. */
  readonly concurrency: number;
}

/** Failures in a row, with no answer between them, after which the servers count as gone: a full round of them. */
const LEAST_FAILURES = 3;

/** Faults of the server or of how it is addressed, whichever row is asked. */
const SERVERS_FAULTS: readonly string[] = ["unreachable", "timeout", "busy", "broken", "garbled"];

/**
 * The message as servers take it: a list of parts, empty texts left out (several servers refuse them); without images
 * one text, its pieces on lines of their own.
 */
export function chatMessage(items: readonly MessageItem[]): ChatMessage {
  if (items.some(({ kind }) => kind === "image")) {
    return { role: "user", content: items.filter((item) => item.kind === "image" || item.text !== "") };
  }
  const texts = items.flatMap((item) => (item.kind === "text" ? [item.text] : []));
  return { role: "user", content: texts.join("\n") };
}

/** Fields that only some servers know are sent only when they are asked for. */
export function chatParams(decoding: Decoding, pixels: ImageLimits, sample: number): ChatParams {
  const { temperature, topP, topK, repetitionPenalty, maxTokens, seed } = decoding;
  const limits = {
    ...(pixels.minPixels === null ? {} : { min_pixels: pixels.minPixels }),
    ...(pixels.maxPixels === null ? {} : { max_pixels: pixels.maxPixels }),
  };
  const extra = {
    ...(topK === null ? {} : { top_k: topK }),
    ...(repetitionPenalty === null ? {} : { repetition_penalty: repetitionPenalty }),
    ...(Object.keys(limits).length === 0 ? {} : { mm_processor_kwargs: limits }),
  };
  return {
    temperature,
    maxTokens,
    ...(topP === null ? {} : { topP }),
    ...(temperature > 0 ? { seed: seed + sample } : {}),
    extra,
    sample,
  };
}

/** An empty answer that was not cut short says nothing: it is asked again on the next run, as VLMEvalKit does. */
export function answerOf({ text, reasoning, finishReason, usage, latencyMs }: ChatReply): Answer {
  const isTruncated = finishReason === "length" || finishReason === "max_tokens";
  const prediction = text.trim();
  if (prediction === "" && !isTruncated) {
    return failure(`the server answered with an empty text (finish reason ${finishReason})`, latencyMs);
  }
  return {
    prediction,
    ...(reasoning === undefined ? {} : { thinking: reasoning }),
    status: isTruncated ? "truncated" : "finished",
    promptTokens: usage.promptTokens,
    tokens: usage.completionTokens,
    latencyMs,
  };
}

/** An engine on a chat client; retries, several servers and waiting are the client's business. */
export function createServerEngine(options: ServerEngineOptions): AnswerEngine {
  const { client, decoding, pixels, concurrency } = options;

  /** @throws ServerError for the caller to judge */
  const answerOne = async ({ items, sample }: Asked, signal: AbortSignal): Promise<Answer> => {
    try {
      const params = chatParams(decoding, pixels, sample);
      return answerOf(await client.complete([chatMessage(items)], params, signal));
    } catch (error) {
      if (error instanceof DataError) return failure(error.message);
      throw error;
    }
  };

  return {
    kind: "openai-compatible server",
    async answerAll(asked, onAnswer, signal) {
      const limit = pLimit(concurrency);
      const stop = new AbortController();
      const ending = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
      let failuresInARow = 0;
      const judge = (error: ServerError) => {
        const { kind } = error.details;
        failuresInARow = SERVERS_FAULTS.includes(kind) ? failuresInARow + 1 : 0;
        const isGone = failuresInARow >= Math.max(LEAST_FAILURES, concurrency);
        if (!isGone && kind !== "refused") return;
        stop.abort(
          new BenchmarkError(`${error.message}; answers so far are kept: continue with --resume`, {
            cause: error,
          }),
        );
      };
      const askOne = async (row: Asked): Promise<void> => {
        ending.throwIfAborted();
        try {
          const answer = await answerOne(row, ending);
          failuresInARow = 0;
          await onAnswer(row, answer);
        } catch (error) {
          if (!(error instanceof ServerError)) throw error;
          await onAnswer(row, failure(error.message));
          judge(error);
        }
      };
      const settled = await Promise.allSettled(asked.map((row) => limit(askOne, row)));
      ending.throwIfAborted();
      const broken = settled.find((each) => each.status === "rejected");
      if (broken) throw broken.reason;
    },
  };
}
