/**
 * @module A server on loopback that speaks as vLLM 0.33.0 does (entrypoints/scale_out/token_in_token_out, serve/lora,
 * openai/models/serving.py) with an engine of ours behind it, and misbehaves on demand.
 */
import type { RngKey } from "../../src/core/rng.js";
import {
  type Answer,
  BASE_MODEL,
  createGenerator,
  type DoubleBody,
  type DoubleOptions,
  type SamplerDouble,
  startDouble,
} from "./samplerDouble.js";

interface Body extends DoubleBody {
  readonly model: string;
  readonly token_ids: readonly number[];
  readonly sampling_params: {
    readonly n: number;
    readonly temperature: number;
    readonly top_p: number;
    readonly top_k: number;
    readonly max_tokens: number;
    readonly seed?: number;
  };
}

export interface VllmOptions extends DoubleOptions {
  /** What `/server_info` tells; absent: the route is not there. */
  readonly info?: unknown;
}

const failed = (status: number, message: string, type = "BadRequestError"): Answer => ({
  status,
  body: { error: { message, type, param: null, code: status } },
});

function createRoutes(options: VllmOptions, adapters: Map<string, string>) {
  const { version = "0.33.0", info, streams } = options;
  const sample = createGenerator(options);
  const generate = async (folder: string | undefined, body: Body): Promise<Answer> => {
    const { n, temperature, top_p, top_k, max_tokens, seed = 0 } = body.sampling_params;
    const keys = streams?.get(seed) ?? Array.from({ length: n }, (_, i): RngKey => [seed, i]);
    const { rollouts, read } = await sample({
      ...{ folder, tokens: body.token_ids, images: (body.content_parts ?? []).map(({ url }) => url) },
      ...{
        keys: keys.slice(0, n),
        sampling: { temperature, topP: top_p, topK: top_k, maxTokens: max_tokens },
      },
    });
    const choices = rollouts.map(({ tokens, logProbs, stopReason }, index) => ({
      ...{ index, token_ids: Array.from(tokens), finish_reason: stopReason === "eos" ? "stop" : "length" },
      ...{ stop_reason: null, routed_experts: null },
      logprobs: {
        content: Array.from(logProbs, (logprob, t) => ({
          ...{ token_id: tokens[t], logprob, rank: 1, top_logprobs: [] },
        })),
      },
    }));
    return { status: 200, body: { request_id: "1", choices, prompt_token_ids: read } };
  };
  return async (path: string, body: Body): Promise<Answer> => {
    const { model, lora_name, lora_path = "" } = body;
    switch (path) {
      case "/version":
        return { status: 200, body: { version } };
      case "/server_info":
        return info === undefined ? failed(404, "Not Found") : { status: 200, body: { vllm_config: info } };
      case "/v1/models":
        return { status: 200, body: { data: [BASE_MODEL, ...adapters.keys()].map((id) => ({ id })) } };
      case "/v1/load_lora_adapter":
        if (lora_name === undefined) return failed(422, "Field required");
        if (adapters.has(lora_name))
          return failed(400, `The lora adapter '${lora_name}' has already been loaded.`, "InvalidUserInput");
        adapters.set(lora_name, lora_path);
        return { status: 200, body: `Success: LoRA adapter '${lora_name}' added successfully.` };
      case "/v1/unload_lora_adapter":
        if (!adapters.delete(lora_name ?? ""))
          return failed(404, `The lora adapter '${lora_name}' cannot be found.`, "NotFoundError");
        return { status: 200, body: `Success: LoRA adapter '${lora_name}' removed successfully.` };
      case "/inference/v1/generate":
        if (body.token_ids === undefined) return failed(422, "Field required");
        if (model !== BASE_MODEL && !adapters.has(model))
          return failed(404, `The model \`${model}\` does not exist.`, "NotFoundError");
        return generate(adapters.get(model), body);
      default:
        return failed(404, "Not Found");
    }
  };
}

export async function startVllm(options: VllmOptions): Promise<SamplerDouble> {
  const adapters = new Map<string, string>();
  return startDouble(options, adapters, { answer: createRoutes(options, adapters), failed });
}
