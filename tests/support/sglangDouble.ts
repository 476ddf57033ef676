/**
 * @module A server on loopback that speaks as SGLang 0.5.23 does (srt/entrypoints/http_server.py,
 * srt/managers/tokenizer_manager.py and tokenizer_control_mixin.py, srt/lora/lora_registry.py and lora_manager.py) with an
 * engine of ours behind it, and misbehaves on demand. As there: a name that was loaded once is loaded again from its
 * path when a request asks for it, and samples of one request share its seed where inference is deterministic.
 */
import { existsSync } from "node:fs";
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

interface Params {
  readonly n?: number;
  readonly temperature: number;
  readonly top_p: number;
  readonly top_k: number;
  readonly max_new_tokens: number;
  readonly sampling_seed?: number;
}

interface Body extends DoubleBody {
  readonly sampling_params: Params | readonly Params[];
  readonly return_logprob?: boolean;
  readonly return_prompt_token_ids?: boolean;
}

export interface SglangOptions extends DoubleOptions {
  /** As started with `--enable-deterministic-inference`. */
  readonly isDeterministic?: boolean;
  /** As started without `--enable-lora`. */
  readonly hasNoLora?: boolean;
  /** Gives a request up: HTTP 200 and what there is, or with a status that one. */
  readonly abort?: (call: number) => { readonly status?: number } | undefined;
}

const failed = (status: number, message: string): Answer => ({ status, body: { error: { message } } });
const update = (error: string | undefined, adapters: ReadonlyMap<string, string>): Answer => ({
  status: error === undefined ? 200 : 400,
  body: {
    ...{ success: error === undefined, error_message: error ?? null },
    loaded_adapters: error === undefined ? Object.fromEntries(adapters) : null,
  },
});

/** Requests of one body: those of a batch, each as often as its `n`. */
function requestsOf({ input_ids = [], image_data = [], sampling_params }: Body) {
  const isBatch = Array.isArray(input_ids[0]);
  const all = (isBatch ? input_ids : [input_ids]) as readonly (readonly number[])[];
  return all.map((tokens, at) => ({
    tokens,
    images: ((isBatch ? image_data[at] : image_data) ?? []) as readonly string[],
    params: (Array.isArray(sampling_params) ? sampling_params[at] : sampling_params) as Params,
  }));
}

function createGenerate(options: SglangOptions) {
  const { streams, isDeterministic = false, abort } = options;
  const sample = createGenerator(options);
  let count = 0;
  const keysOf = ({ n = 1, sampling_seed = 42 }: Params): RngKey[] => {
    const known = streams?.get(sampling_seed);
    const [first = [sampling_seed, 0] as RngKey] = known ?? [];
    if (isDeterministic) return Array.from({ length: n }, () => first);
    return Array.from({ length: n }, (_, i): RngKey => known?.[i] ?? [sampling_seed, i]);
  };
  return async (folder: string | undefined, body: Body): Promise<Answer> => {
    const given = abort?.(count++);
    if (given?.status !== undefined) {
      return { status: given.status, body: { detail: "The request queue is full." } };
    }
    const answers = [];
    for (const { tokens, images, params } of requestsOf(body)) {
      const { temperature, top_p: topP, top_k, max_new_tokens: maxTokens } = params;
      const { rollouts, read } = await sample({
        ...{ folder, tokens, images, keys: keysOf(params) },
        sampling: { temperature, topP, topK: top_k < 0 ? 0 : top_k, maxTokens },
      });
      for (const { tokens: output, logProbs, stopReason } of rollouts) {
        const end =
          stopReason === "eos"
            ? { type: "stop", matched: output.at(-1) }
            : { type: "length", length: output.length };
        answers.push({
          ...{ text: "", output_ids: Array.from(output) },
          meta_info: {
            finish_reason: given ? { type: "abort", message: "Abort in waiting queue" } : end,
            prompt_tokens: read.length,
            weight_version: "default",
            output_token_logprobs: Array.from(logProbs, (logprob, t) => [logprob, output[t], null]),
          },
          ...(body.return_prompt_token_ids ? { prompt_token_ids: read } : {}),
        });
      }
    }
    const isOne = !Array.isArray(body.input_ids?.[0]) && answers.length === 1;
    return { status: 200, body: isOne ? answers[0] : answers };
  };
}

function createRoutes(options: SglangOptions, adapters: Map<string, string>, once: Map<string, string>) {
  const { version = "0.5.23", isDeterministic = false, hasNoLora = false } = options;
  const generate = createGenerate(options);
  const OFF = "LoRA is not enabled. Please set `--enable-lora` to enable LoRA.";
  const load = (name: string, path: string): string | undefined => {
    if (hasNoLora) return OFF;
    if (adapters.has(name)) return `Failed to load LoRA adapter ${name} because it is already loaded`;
    if (!existsSync(path)) return `Can't find 'adapter_config.json' at '${path}'`;
    adapters.set(name, path);
    once.set(name, path);
    return undefined;
  };
  /** What stops a request for an adapter, if anything does. */
  const resolve = (name: string): string | undefined => {
    if (hasNoLora) return `LoRA adapter '${name}' was requested, but LoRA is not enabled.`;
    if (adapters.has(name)) return undefined;
    const path = once.get(name);
    if (path === undefined) return `Got LoRA adapter that has never been loaded: ${name}`;
    const problem = load(name, path);
    return problem && `Failed to implicitly load LoRA adapter ${name}: ${problem}`;
  };
  return async (path: string, body: Body): Promise<Answer> => {
    const { lora_name = "", lora_path = "" } = body;
    switch (path) {
      case "/server_info": {
        const told = { enable_lora: !hasNoLora, enable_deterministic_inference: isDeterministic };
        return { status: 200, body: { ...told, internal_states: [{}], version, frontend: "python" } };
      }
      case "/v1/models": {
        const parts = [...adapters].map(([id, root]) => ({ id, root, parent: BASE_MODEL }));
        return {
          status: 200,
          body: { data: [{ id: BASE_MODEL, root: BASE_MODEL, parent: null }, ...parts] },
        };
      }
      case "/load_lora_adapter":
        return update(load(lora_name, lora_path), adapters);
      case "/unload_lora_adapter": {
        const names = [...adapters.keys()].join(", ");
        const isThere = adapters.delete(lora_name);
        const problem = `LoRA with name ${lora_name} does not exist. Loaded LoRAs: ${names}`;
        return update(isThere ? undefined : problem, adapters);
      }
      case "/generate": {
        const problem = lora_path === "" ? undefined : resolve(lora_path);
        return problem ? failed(400, problem) : generate(adapters.get(lora_path), body);
      }
      default:
        return { status: 404, body: { detail: "Not Found" } };
    }
  };
}

export async function startSglang(options: SglangOptions): Promise<SamplerDouble> {
  const [adapters, once] = [new Map<string, string>(), new Map<string, string>()];
  const answer = createRoutes(options, adapters, once);
  return startDouble(options, adapters, { answer, failed, restart: () => once.clear() });
}
