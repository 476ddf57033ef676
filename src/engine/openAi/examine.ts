/**
 * @module What an OpenAI-compatible server can do for a trainer: its models, whether it takes and gives tokens, and
 * whether it tells log-probs. Tested against llama.cpp (`xllamacpp` 2026.10.11549).
 */
import { z } from "zod";
import { exchange, shownUrl } from "../../core/chat/http.js";
import { ServerError } from "../../core/errors.js";
import type { EngineFinding } from "../tinker/examine.js";

const TIMEOUT_MS = 30_000;

const modelsSchema = z.object({ data: z.array(z.object({ id: z.string() })) });
const completionSchema = z.object({
  choices: z.array(
    z.object({
      text: z.string().nullish(),
      token_ids: z.array(z.number()).nullish(),
      prompt_token_ids: z.array(z.number()).nullish(),
      logprobs: z.unknown(),
    }),
  ),
});

export interface ExamineOptions {
  /** With `/v1`. */
  readonly base: URL;
  readonly key?: string | undefined;
  readonly model?: string;
}

/** JSON of an answer with status 200; undefined: another status, or no JSON of this shape. */
async function ask<Answer>(
  { base, key }: ExamineOptions,
  path: string,
  schema: z.ZodType<Answer>,
  body?: object,
): Promise<Answer | undefined> {
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/+$/, "")}${path}`;
  const headers = { "content-type": "application/json", ...(key ? { authorization: `Bearer ${key}` } : {}) };
  const method = body === undefined ? "GET" : "POST";
  const reply = await exchange({
    ...{ url, method, headers, timeoutMs: TIMEOUT_MS },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (reply.status !== 200) return undefined;
  try {
    return schema.safeParse(JSON.parse(reply.text)).data;
  } catch {
    return undefined;
  }
}

/** Prompt as tokens, two tokens of answer. */
const PROMPT = [1, 2, 3];

async function examineTokens(options: ExamineOptions, model: string): Promise<EngineFinding[]> {
  const body = {
    ...{ model, prompt: PROMPT, max_tokens: 2, temperature: 1, seed: 1, logprobs: 1, return_token_ids: true },
  };
  const answer = await ask(options, "/completions", completionSchema, body);
  const [choice] = answer?.choices ?? [];
  if (!choice) {
    const note = "not taken by /completions: good for evaluate, expand and a judge, not for rollouts";
    return [{ name: "token prompts", isFine: false, note }];
  }
  const given = choice.prompt_token_ids;
  const isKept = given === null || given === undefined ? undefined : given.join() === PROMPT.join();
  return [
    { name: "token prompts", isFine: true, note: "taken by /completions" },
    {
      name: "prompt read back",
      isFine: isKept === true,
      note:
        isKept === undefined
          ? "the server does not say which tokens it read: a wrong template would go unnoticed"
          : isKept
            ? "the very tokens that were sent"
            : `sent ${PROMPT.join(" ")}, read ${given?.join(" ")}: it adds tokens of its own`,
    },
    {
      name: "token answers",
      isFine: Boolean(choice.token_ids),
      note: choice.token_ids ? "as tokens" : "as text only: start vLLM 0.33 or newer for rollouts",
    },
    {
      name: "log-probs",
      isFine: Boolean(choice.logprobs),
      note: choice.logprobs
        ? "told; vLLM needs --logprobs-mode processed_logprobs for those of the sampling distribution"
        : "not told",
    },
  ];
}

/** Examines a server; undefined: nothing at the address speaks this protocol. */
export async function examineOpenAi(options: ExamineOptions): Promise<EngineFinding[] | undefined> {
  try {
    const models = await ask(options, "/models", modelsSchema);
    if (!models) return undefined;
    const names = models.data.map(({ id }) => id);
    const model = options.model ?? names[0];
    return [
      { name: "server", isFine: true, note: `${shownUrl(options.base)}, OpenAI-compatible` },
      { name: "models", isFine: names.length > 0, note: names.join(", ") || "none" },
      ...(model === undefined ? [] : await examineTokens(options, model)),
    ];
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return [{ name: "server", isFine: false, note: error.message }];
  }
}
