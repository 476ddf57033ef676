/**
 * @module A server on loopback that speaks as vLLM 0.33.0 does (entrypoints/scale_out/token_in_token_out, serve/lora,
 * openai/models/serving.py) with an engine of ours behind it, and misbehaves on demand.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { RngKey } from "../../src/core/rng.js";
import type { Engine } from "../../src/engine/engine.js";
import type { Processor } from "../../src/model/processor.js";
import { promptOfTokens } from "../../src/model/prompt.js";

export const BASE_MODEL = "base";

interface Body {
  readonly model: string;
  readonly token_ids: readonly number[];
  readonly content_parts?: readonly { readonly type: string; readonly url: string }[];
  readonly sampling_params: {
    readonly n: number;
    readonly temperature: number;
    readonly top_p: number;
    readonly top_k: number;
    readonly max_tokens: number;
    readonly seed?: number;
  };
  readonly lora_name: string;
  readonly lora_path: string;
}

/** What happens in place of an answer. `lost`: the work is done, and the connection cut. */
export type VllmFault = { readonly status: number; readonly message: string } | "lost" | "hang";

export interface VllmDouble {
  readonly url: string;
  readonly calls: readonly { readonly path: string; readonly body: Body }[];
  /** Adapters of the moment, by name. */
  readonly adapters: ReadonlyMap<string, string>;
  /** Forgets all adapters, as a process that started anew. */
  restart(): void;
  close(): Promise<void>;
}

export interface VllmOptions {
  readonly processor: Processor;
  /** Samples; its learner takes the adapters. */
  readonly engine: Engine;
  readonly version?: string;
  /** Streams by seed, so that it samples what an engine here would. */
  readonly streams?: ReadonlyMap<number, readonly RngKey[]>;
  readonly fault?: (path: string, call: number) => VllmFault | undefined;
  /** What `/server_info` tells; absent: the route is not there. */
  readonly info?: unknown;
  /** Its own reading of a prompt. */
  readonly misread?: (tokens: number[]) => number[];
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
  const pieces: Uint8Array[] = [];
  for await (const piece of request) pieces.push(piece as Uint8Array);
  const text = Buffer.concat(pieces).toString("utf8");
  return JSON.parse(text === "" ? "{}" : text) as Body;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}
const failed = (status: number, message: string, type = "BadRequestError"): Answer => ({
  status,
  body: { error: { message, type, param: null, code: status } },
});

/** The engine with the adapter that a name stands for. */
function createGenerator({ engine, processor, streams, misread = (tokens) => tokens }: VllmOptions) {
  let at = "";
  const use = async (folder: string) => {
    if (folder !== at) await engine.learner.restore(folder, 0);
    at = folder;
  };
  const generate = async (folder: string | undefined, body: Body): Promise<Answer> => {
    if (folder !== undefined) await use(folder);
    const { n, temperature, top_p, top_k, max_tokens, seed = 0 } = body.sampling_params;
    const images = (body.content_parts ?? []).map(({ url }) => ({
      ...{ kind: "bytes" as const, bytes: Buffer.from(url.split(",")[1] ?? "", "base64") },
    }));
    const prompt = await promptOfTokens(processor, Int32Array.from(body.token_ids), images, "double");
    const isGreedy = temperature === 0;
    const keys = streams?.get(seed) ?? Array.from({ length: n }, (_, i): RngKey => [seed, i]);
    const [rollouts = []] = await engine.sampler.sample({
      ...{ prompts: [prompt], responses: n, streams: [keys.slice(0, n)] },
      decoding: {
        temperature: isGreedy ? 1 : temperature,
        isGreedy,
        topP: top_p,
        topK: top_k,
        maxTokens: max_tokens,
      },
    });
    const read = prompt.pieces.flatMap((piece) =>
      piece.kind === "tokens"
        ? Array.from(piece.tokens)
        : Array.from({ length: piece.tokens }, () => processor.imageToken),
    );
    const choices = rollouts.map(({ tokens, logProbs, stopReason }, index) => ({
      ...{ index, token_ids: Array.from(tokens), finish_reason: stopReason === "eos" ? "stop" : "length" },
      ...{ stop_reason: null, routed_experts: null },
      logprobs: {
        content: Array.from(logProbs, (logprob, t) => ({
          ...{ token_id: tokens[t], logprob, rank: 1, top_logprobs: [] },
        })),
      },
    }));
    return { status: 200, body: { request_id: "1", choices, prompt_token_ids: misread(read) } };
  };
  let queue: Promise<unknown> = Promise.resolve();
  return (folder: string | undefined, body: Body): Promise<Answer> => {
    const answer = queue.then(() => generate(folder, body));
    queue = answer.catch(() => undefined);
    return answer;
  };
}

function createRoutes(options: VllmOptions, adapters: Map<string, string>) {
  const generate = createGenerator(options);
  const { version = "0.33.0", info } = options;
  return async (path: string, body: Body): Promise<Answer> => {
    const { model, lora_name, lora_path } = body;
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
        if (!adapters.delete(lora_name))
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

/** Starts one on a free port of 127.0.0.1. */
export async function startVllm(options: VllmOptions): Promise<VllmDouble> {
  const adapters = new Map<string, string>();
  const calls: { path: string; body: Body }[] = [];
  const answer = createRoutes(options, adapters);
  const server = createServer(async (request, response) => {
    const path = request.url ?? "";
    const body = await bodyOf(request);
    const fault = options.fault?.(path, calls.filter((call) => call.path === path).length);
    calls.push({ path, body });
    if (fault === "hang") return;
    const { status, body: said } =
      typeof fault === "object" ? failed(fault.status, fault.message) : await answer(path, body);
    if (fault === "lost") return void response.destroy();
    const text = typeof said === "string" ? said : JSON.stringify(said);
    response.writeHead(status, { "content-type": "application/json" }).end(text);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls,
    adapters,
    restart: () => adapters.clear(),
    async close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
