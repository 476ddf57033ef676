/**
 * @module The rewrites of one question: asked of a language model, checked, and asked again for those that failed, a
 * bounded number of times.
 */

import type { ChatMessage, ChatParams, ChatReply } from "../core/chat/chat.js";
import type { ChatClient } from "../core/chat/openai.js";
import { countMarkers, IMAGE_MARKER } from "../model/prompt.js";
import type { ImageSource } from "../records.js";
import { checkRewrite, type Rejection, type RejectionKind } from "./checkRewrite.js";
import { splitLeadingMarkers } from "./givens.js";
import { readList } from "./readList.js";
import { ANSWER_PROMPT, askAgain, rewriteRequest } from "./rewritePrompt.js";

/** A question to rewrite. */
export interface RewriteInput {
  readonly id: string;
  /** With one `<image>` marker per image. */
  readonly text: string;
  readonly gold: string;
  readonly images: readonly ImageSource[];
  /** Rewrites it has already; they are kept if they pass the checks. */
  readonly rewrites: readonly string[];
}

export interface RewriteOptions {
  /** Rewrites wanted per question: m − 1. */
  readonly count: number;
  /** Times a question is asked about, the first included. */
  readonly rounds: number;
  /** Whether the rewriting model is shown the images. */
  readonly showsImages: boolean;
  /** Answers to a rewrite of which one must be the gold; 0: rewrites are not answered. */
  readonly answers: number;
  readonly params: ChatParams;
  /** Whether a response's final answer is the gold one. */
  readonly isGold: (response: string, gold: string) => boolean;
}

/** A rewrite that was refused. */
export interface RejectedRewrite {
  readonly id: string;
  readonly round: number;
  /** Empty where the reply was no list. */
  readonly rewrite: string;
  readonly kind: RejectionKind;
  readonly why: string;
}

/** What asking cost. */
export interface RewriteCost {
  readonly calls: number;
  /** Of the calls, those a cache answered. */
  readonly cached: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export interface RewriteResult extends RewriteCost {
  /** At most as many as wanted; those the question had come first. */
  readonly rewrites: readonly string[];
  readonly rejected: readonly RejectedRewrite[];
}

/** Nothing was asked. */
export const NO_COST: RewriteCost = { calls: 0, cached: 0, promptTokens: 0, completionTokens: 0 };

/** Costs added up. */
export function addCost(a: RewriteCost, b: RewriteCost): RewriteCost {
  return {
    calls: a.calls + b.calls,
    cached: a.cached + b.cached,
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
  };
}

function costOf({ attempts, usage }: ChatReply): RewriteCost {
  if (attempts === 0) return { ...NO_COST, calls: 1, cached: 1 };
  const { promptTokens, completionTokens } = usage;
  return {
    calls: 1,
    cached: 0,
    promptTokens: promptTokens ?? 0,
    completionTokens: completionTokens ?? 0,
  };
}

/** Text with `<image>` markers as parts with the images in their places. */
function withImages(text: string, images: readonly ImageSource[]): ChatMessage["content"] {
  if (images.length === 0) return text;
  return text.split(IMAGE_MARKER).flatMap((segment, at) => {
    const image = at === 0 ? undefined : images[at - 1];
    const shown = image ? [{ kind: "image", image } as const] : [];
    return segment.trim() === "" ? shown : [...shown, { kind: "text", text: segment } as const];
  });
}

/** Puts the markers back that stand before the question's words, unless the model has kept them. */
function withMarkers(rewrite: string, { text }: RewriteInput): string {
  const bare = rewrite.replace(/^\s*(?:\d+[.)]|[-*•])\s+/, "").trim();
  if (countMarkers(bare) === countMarkers(text)) return bare;
  const { markers } = splitLeadingMarkers(text);
  return `${markers}${bare}`;
}

/** A rewrite that was refused, within its round. */
type Refusal = Omit<RejectedRewrite, "id" | "round">;

/** What came of one reply. */
interface Judged {
  readonly accepted: readonly string[];
  readonly refused: readonly Refusal[];
  readonly cost: RewriteCost;
}

const NOT_ANSWERABLE: Rejection = {
  kind: "not answerable",
  why: "answering it does not lead to the answer",
};

/** Tells whether one of the model's answers to a rewrite is the gold one; true if none is wanted. */
function createAnswerCheck(client: ChatClient, { answers, params, isGold }: RewriteOptions) {
  const sampling = { ...params, temperature: answers === 1 ? 0 : 1 };
  return async (rewrite: string, input: RewriteInput, signal?: AbortSignal) => {
    const content = withImages(`${rewrite}\n${ANSWER_PROMPT}`, input.images);
    let cost = NO_COST;
    for (let sample = 0; sample < answers; sample++) {
      const reply = await client.complete([{ role: "user", content }], { ...sampling, sample }, signal);
      cost = addCost(cost, costOf(reply));
      if (isGold(reply.text, input.gold)) return { isRight: true, cost };
    }
    return { isRight: answers === 0, cost };
  };
}

/** Sorts the rewrites of a reply into those to use and those to refuse. */
function createJudge(client: ChatClient, options: RewriteOptions) {
  const answer = createAnswerCheck(client, options);
  /** @param taken rewrites that are in use already */
  return async (
    reply: ChatReply,
    input: RewriteInput,
    taken: readonly string[],
    signal?: AbortSignal,
  ): Promise<Judged> => {
    const list = readList(reply.text);
    if ("problem" in list) {
      const why = reply.finishReason === "length" ? "the reply was cut off" : list.problem;
      return { accepted: [], refused: [{ rewrite: "", kind: "not a list", why }], cost: NO_COST };
    }
    const accepted: string[] = [];
    const refused: Refusal[] = [];
    let cost = NO_COST;
    for (const item of list.items) {
      if (taken.length + accepted.length >= options.count) break;
      const rewrite = withMarkers(item, input);
      let rejection = checkRewrite(rewrite, input, [...taken, ...accepted]);
      if (!rejection) {
        const answered = await answer(rewrite, input, signal);
        cost = addCost(cost, answered.cost);
        if (!answered.isRight) rejection = NOT_ANSWERABLE;
      }
      if (rejection) refused.push({ rewrite, ...rejection });
      else accepted.push(rewrite);
    }
    return { accepted, refused, cost };
  };
}

/** Asks about questions through one client; if that has a cache, what was paid for is not asked again. */
export function createRewriter(client: ChatClient, options: RewriteOptions) {
  const judge = createJudge(client, options);
  /**
   * The rewrites of a question.
   * @throws ServerError when a call failed for good; DataError when an image cannot be read; the signal's reason
   */
  return async (input: RewriteInput, signal?: AbortSignal): Promise<RewriteResult> => {
    const kept = keepGood(input, options.count);
    const rewrites = [...kept.rewrites];
    const rejected = [...kept.rejected];
    let cost = NO_COST;
    let messages = firstMessages(input, options.count - rewrites.length, options.showsImages);
    for (let round = 1; round <= options.rounds && rewrites.length < options.count; round++) {
      const reply = await client.complete(messages, { ...options.params, sample: round }, signal);
      const { accepted, refused, cost: answering } = await judge(reply, input, rewrites, signal);
      cost = addCost(addCost(cost, costOf(reply)), answering);
      rewrites.push(...accepted);
      rejected.push(...refused.map((refusal) => ({ id: input.id, round, ...refusal })));
      messages = [...messages, ...askAgain(reply.text, refused, options.count - rewrites.length)];
    }
    return { rewrites, rejected, ...cost };
  };
}

/** The rewrites a question came with, as far as they pass the checks; round 0. */
function keepGood(input: RewriteInput, count: number): Pick<RewriteResult, "rewrites" | "rejected"> {
  const rewrites: string[] = [];
  const rejected: RejectedRewrite[] = [];
  for (const rewrite of input.rewrites) {
    const rejection = checkRewrite(rewrite, input, rewrites);
    if (rejection) rejected.push({ id: input.id, round: 0, rewrite, ...rejection });
    else if (rewrites.length < count) rewrites.push(rewrite);
  }
  return { rewrites, rejected };
}

function firstMessages(input: RewriteInput, count: number, showsImages: boolean): readonly ChatMessage[] {
  const { words } = splitLeadingMarkers(input.text);
  const messages = rewriteRequest({ words, gold: input.gold }, count);
  const last = messages.at(-1);
  if (!showsImages || !last || typeof last.content !== "string") return messages;
  // Markers inside the words stay text: the model must put them into its rewrites.
  const images = input.images.map((image) => ({ kind: "image", image }) as const);
  return [...messages.slice(0, -1), { ...last, content: [...images, { kind: "text", text: last.content }] }];
}
