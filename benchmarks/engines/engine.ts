/**
 * @module What answers benchmark rows: a server or a local policy, behind one function.
 */
import type { MessageItem, Prediction } from "../records.js";

/** A row to ask, as often as there are samples of it. */
export interface Asked {
  readonly dataset: string;
  readonly index: string;
  /** From 0. */
  readonly sample: number;
  /** The user's message, thinking prompt included. */
  readonly items: readonly MessageItem[];
}

/** What an engine knows of an answer. */
export type Answer = Pick<
  Prediction,
  "prediction" | "thinking" | "status" | "error" | "promptTokens" | "tokens" | "latencyMs"
>;

/** How answers are drawn. What is null is left to the model's own settings. */
export interface Decoding {
  /** 0: the most likely token every time. */
  readonly temperature: number;
  readonly topP: number | null;
  readonly topK: number | null;
  readonly repetitionPenalty: number | null;
  /** Response tokens at most. */
  readonly maxTokens: number;
  /** Of sampling; unused at temperature 0. */
  readonly seed: number;
}

export interface AnswerEngine {
  /** For the result file: "openai-compatible server" or "local". */
  readonly kind: string;
  /**
   * Answers every row once, in any order.
   * @param onAnswer is awaited before that place is free again: a row is on disk before the next one starts
   * @throws BenchmarkError when going on makes no sense (no server answers); rows answered by then were reported
   */
  answerAll(
    asked: readonly Asked[],
    onAnswer: (row: Asked, answer: Answer) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<void>;
}

/** An answer that is none. */
export function failure(error: string, latencyMs: number | null = null): Answer {
  return { prediction: "", status: "failed", error, promptTokens: null, tokens: null, latencyMs };
}
