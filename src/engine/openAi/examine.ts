/**
 * @module What an OpenAI-compatible server can do for a trainer: its models, whether it takes and gives tokens, and
 * whether it tells log-probs. Tested against llama.cpp (`xllamacpp` 2026.10.11549).
 */
import { z } from "zod";
import { besideApi, endpoint, headersOf } from "../../core/chat/chatServer.js";
import { exchange, shownUrl } from "../../core/chat/http.js";
import { ServerError } from "../../core/errors.js";
import type { EngineFinding } from "../tinker/examine.js";
import {
  askJson,
  isOlder,
  SERVERS,
  type Server,
  type ServerAddress,
  TIMEOUT_MS,
  whoAnswers,
} from "./server.js";

const modelsSchema = z.object({ data: z.array(z.object({ id: z.string() })) });
const completionSchema = z.object({
  choices: z.array(
    z.object({
      text: z.string().nullish(),
      token_ids: z.array(z.number()).nullish(),
      prompt_token_ids: z.array(z.number()).nullish(),
      logprobs: z.unknown().optional(),
    }),
  ),
});

export interface ExamineOptions extends ServerAddress {
  readonly model?: string;
}

/** Prompt as tokens, two tokens of answer. */
const PROMPT = [1, 2, 3];

async function examineTokens(options: ExamineOptions, model: string): Promise<EngineFinding[]> {
  const body = {
    ...{ model, prompt: PROMPT, max_tokens: 2, temperature: 1, seed: 1, logprobs: 1, return_token_ids: true },
  };
  const answer = await askJson(options, endpoint(options.base, "/completions"), completionSchema, body);
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

const swapFinding = (swaps: boolean, flags: string): EngineFinding => ({
  ...{ name: "adapter swap", isFine: swaps },
  note: swaps
    ? "yes: rollout.server samples with an adapter that is trained here"
    : `no: start it with ${flags}`,
});

/** What a server of a known kind and version does beside chats. */
async function examineServer(options: ExamineOptions, server: Server): Promise<EngineFinding[]> {
  const { name, known } = SERVERS[server.kind];
  const isKnown = !isOlder(server);
  const found: EngineFinding[] = [
    {
      name: "version",
      isFine: isKnown,
      note: `${name} ${server.version}${isKnown ? "" : `: its token route is that of ${known}`}`,
    },
  ];
  if (server.kind === "llama") {
    found.push({ name: "tokens", isFine: true, note: "taken and given by /completion, without images" });
  } else if (server.kind === "sglang") {
    const { hasAdapters = false, isDeterministic } = server;
    found.push(
      { name: "tokens", isFine: isKnown, note: "taken and given by /generate, images included" },
      swapFinding(hasAdapters, "--enable-lora"),
      {
        name: "seeds",
        isFine: isDeterministic === true,
        note: isDeterministic
          ? "kept: the same seed draws the same response"
          : "not looked at: start it with --enable-deterministic-inference for responses that can be drawn again",
      },
    );
  } else {
    const has = async (path: string) => {
      const url = besideApi(options.base, path);
      const reply = await exchange({
        ...{ url, method: "POST", headers: headersOf(options.key), body: "{}", timeoutMs: TIMEOUT_MS },
      });
      return reply.status !== 404 && reply.status !== 405;
    };
    const [takesTokens, swaps] = [await has("/inference/v1/generate"), await has("/v1/load_lora_adapter")];
    found.push(
      {
        name: "tokens",
        isFine: takesTokens && isKnown,
        note: takesTokens
          ? "taken and given by /inference/v1/generate, images included"
          : "not taken: start it with --enable-scale-out",
      },
      swapFinding(swaps, "--enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=1"),
    );
  }
  return found;
}

const openApiSchema = z.object({ paths: z.record(z.string(), z.unknown()) });

/** A server without routes for tokens that is known all the same: `transformers serve` (5.24.0) by its own paths. */
async function examineOther(options: ExamineOptions): Promise<EngineFinding[]> {
  const api = await askJson(options, besideApi(options.base, "/openapi.json"), openApiSchema);
  if (!api || !("/load_model" in api.paths)) return [];
  const note = "transformers serve: chats with images; no tokens, no log-probs, no adapters";
  return [{ name: "program", isFine: true, note }];
}

/** Examines a server; undefined: nothing at the address speaks this protocol. */
export async function examineOpenAi(options: ExamineOptions): Promise<EngineFinding[] | undefined> {
  try {
    const models = await askJson(options, endpoint(options.base, "/models"), modelsSchema);
    if (!models) return undefined;
    const server = await whoAnswers(options);
    const names = models.data.map(({ id }) => id);
    const model = options.model ?? names[0];
    return [
      { name: "server", isFine: true, note: `${shownUrl(options.base)}, OpenAI-compatible` },
      { name: "models", isFine: names.length > 0, note: names.join(", ") || "none" },
      ...(server ? await examineServer(options, server) : await examineOther(options)),
      ...(model === undefined ? [] : await examineTokens(options, model)),
    ];
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return [{ name: "server", isFine: false, note: error.message }];
  }
}
