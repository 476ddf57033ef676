/**
 * @module What an OpenAI-compatible server can do for a trainer: its models, whether it takes and gives tokens, and
 * whether it tells log-probs. Tested against llama.cpp (`xllamacpp` 2026.10.11549).
 */
import { z } from "zod";
import { ENGINE_KEY_CURE } from "../../config/load.js";
import { besideApi, endpoint, headersOf } from "../../core/chat/chatServer.js";
import { exchange, isLocked, shownUrl } from "../../core/chat/http.js";
import { ServerError } from "../../core/errors.js";
import { flatImage, TRIAL_SIDE } from "../../core/image/flat.js";
import { type EngineFinding, tried } from "../tinker/examine.js";
import {
  ask,
  askJson,
  describeServer,
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

const chatSchema = z.object({ usage: z.object({ prompt_tokens: z.number() }).nullish() });

export interface ExamineOptions extends ServerAddress {
  readonly model?: string;
}

/** Prompt as tokens, two tokens of answer. */
const PROMPT = [1, 2, 3];

async function examineTokens(options: ExamineOptions, model: string): Promise<EngineFinding[]> {
  const body = {
    ...{ model, prompt: PROMPT, max_tokens: 2, temperature: 1, seed: 1, logprobs: 1, return_token_ids: true },
  };
  const { status, answer } = await ask(
    options,
    endpoint(options.base, "/completions"),
    completionSchema,
    body,
  );
  const [choice] = answer?.choices ?? [];
  if (!choice) {
    const note = isLocked(status)
      ? `status ${status} at /completions: ${ENGINE_KEY_CURE}`
      : "not taken by /completions: good for evaluate, expand and a judge, not for rollouts";
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

/** Whether a picture adds to what a chat reads. */
async function examineImages(options: ExamineOptions, model: string): Promise<EngineFinding> {
  const chat = (content: unknown) => {
    const body = { model, messages: [{ role: "user", content }], max_tokens: 1 };
    return ask(options, endpoint(options.base, "/chat/completions"), chatSchema, body);
  };
  const finding = (isFine: boolean, note: string) => ({ name: "images", isFine, note });
  const text = "What is this?";
  const plain = await chat(text);
  if (!plain.answer)
    return finding(false, `not tried: status ${plain.status} at /chat/completions, to words alone`);
  const url = `data:image/png;base64,${await flatImage(TRIAL_SIDE, TRIAL_SIDE, 0)}`;
  const shown = await chat([
    { type: "image_url", image_url: { url } },
    { type: "text", text },
  ]);
  if (!shown.answer) return finding(false, `refused: status ${shown.status} to a chat with a picture`);
  const [without, withOne] = [plain.answer.usage?.prompt_tokens, shown.answer.usage?.prompt_tokens];
  if (without === undefined || withOne === undefined)
    return finding(true, "taken; the server does not say what it read");
  return withOne > without
    ? finding(
        true,
        `taken by chats: one of ${TRIAL_SIDE} × ${TRIAL_SIDE} pixels adds ${withOne - without} tokens`,
      )
    : finding(false, "dropped in silence: a picture adds no tokens");
}

const swapFinding = (swaps: boolean, flags: string): EngineFinding => ({
  ...{ name: "adapter swap", isFine: swaps },
  note: swaps
    ? "yes: rollout.server samples with an adapter that is trained here"
    : `no: start it with ${flags}`,
});

/** What a server of a known kind and version does beside chats. */
async function examineServer(options: ExamineOptions, server: Server): Promise<EngineFinding[]> {
  const isKnown = !isOlder(server);
  const needed = isKnown ? "" : `: its token route is that of ${SERVERS[server.kind].known}`;
  const found: EngineFinding[] = [
    { name: "version", isFine: isKnown, note: `${describeServer(server)}${needed}` },
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

/** Tries the model that is asked for, or the first. */
async function examineModel(options: ExamineOptions, names: readonly string[]): Promise<EngineFinding[]> {
  const { model = names[0] } = options;
  if (model === undefined) return [];
  if (!names.includes(model)) return [{ name: "model", isFine: false, note: `${model}: is none of them` }];
  const tokens = await tried("token prompts", () => examineTokens(options, model));
  const images = await tried("images", () => examineImages(options, model));
  return [tokens, images].flat();
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
    const { server } = await whoAnswers(options);
    const names = models.data.map(({ id }) => id);
    return [
      { name: "server", isFine: true, note: `${shownUrl(options.base)}, OpenAI-compatible` },
      { name: "models", isFine: names.length > 0, note: names.join(", ") || "none" },
      ...(server ? await examineServer(options, server) : await examineOther(options)),
      ...(await examineModel(options, names)),
    ];
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return [{ name: "server", isFine: false, note: error.message }];
  }
}
