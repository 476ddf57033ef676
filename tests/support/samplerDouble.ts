/**
 * @module What doubles of sampling servers have in common: an engine of ours that answers with the adapter of a folder,
 * an HTTP server on loopback, and faults on demand.
 */

import { once } from "node:events";
import { copyFile, mkdtemp } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RngKey } from "../../src/core/rng.js";
import type { Engine, Sampled } from "../../src/engine/engine.js";
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from "../../src/model/lora/peft.js";
import type { Processor } from "../../src/model/processor.js";
import { promptOfTokens } from "../../src/model/prompt.js";

export const BASE_MODEL = "base";

/** What happens in place of an answer. `lost`: the work is done, and the connection cut; `edit`: another answer. */
export type DoubleFault =
  | { readonly status: number; readonly message: string }
  | { readonly edit: (answer: string) => string }
  | "lost"
  | "hang";

/** What tests look at of a request, whichever server it is to. */
export interface DoubleBody {
  readonly lora_name?: string;
  readonly lora_path?: string;
  readonly content_parts?: readonly { readonly url: string }[];
  readonly image_data?: readonly (string | readonly string[])[];
  readonly input_ids?: readonly (number | readonly number[])[];
}

export interface SamplerDouble {
  readonly url: string;
  readonly calls: readonly { readonly path: string; readonly body: DoubleBody }[];
  /** Adapters of the moment, by name. */
  readonly adapters: ReadonlyMap<string, string>;
  /** Forgets all adapters, as a process that started anew. */
  restart(): void;
  close(): Promise<void>;
}

export interface DoubleOptions {
  readonly processor: Processor;
  /** Samples; its learner takes the adapters. */
  readonly engine: Engine;
  readonly version?: string;
  /** Streams by seed, so that it samples what an engine here would. */
  readonly streams?: ReadonlyMap<number, readonly RngKey[]>;
  readonly fault?: (path: string, call: number) => DoubleFault | undefined;
  /** Its own reading of a prompt. */
  readonly misread?: (tokens: number[]) => number[];
}

/** A request in either server's words. */
export interface DoubleCall {
  /** Of the adapter; undefined: the model as it is. */
  readonly folder: string | undefined;
  /** One token an image. */
  readonly tokens: readonly number[];
  /** Data URLs. */
  readonly images: readonly string[];
  readonly keys: readonly RngKey[];
  readonly sampling: {
    readonly temperature: number;
    readonly topP: number;
    readonly topK: number;
    readonly maxTokens: number;
  };
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** The engine with the adapter that a name stands for; one request at a time. */
export function createGenerator({ engine, processor, misread = (tokens) => tokens }: DoubleOptions) {
  let at = "";
  const use = async (folder: string) => {
    if (folder === at) return;
    // A sampler is given weights alone; the learner that takes them here has moments, too.
    const whole = await mkdtemp(join(tmpdir(), "double-"));
    await engine.learner.save(whole);
    for (const name of [ADAPTER_CONFIG, ADAPTER_WEIGHTS])
      await copyFile(join(folder, name), join(whole, name));
    await engine.learner.restore(whole, 0);
    at = folder;
  };
  const generate = async ({ folder, tokens, images, keys, sampling }: DoubleCall) => {
    if (folder !== undefined) await use(folder);
    const sources = images.map((url) => ({
      ...{ kind: "bytes" as const, bytes: Buffer.from(url.split(",")[1] ?? "", "base64") },
    }));
    const prompt = await promptOfTokens(processor, Int32Array.from(tokens), sources, "double");
    const isGreedy = sampling.temperature === 0;
    const [rollouts = []] = await engine.sampler.sample({
      ...{ prompts: [prompt], responses: keys.length, streams: [keys] },
      decoding: { ...sampling, isGreedy, temperature: isGreedy ? 1 : sampling.temperature },
    });
    const read = prompt.pieces.flatMap((piece) =>
      piece.kind === "tokens"
        ? Array.from(piece.tokens)
        : Array.from({ length: piece.tokens }, () => processor.imageToken),
    );
    return { rollouts, read: misread(read) };
  };
  let queue: Promise<unknown> = Promise.resolve();
  return (
    call: DoubleCall,
  ): Promise<{ readonly rollouts: readonly Sampled[]; readonly read: readonly number[] }> => {
    const answer = queue.then(() => generate(call));
    queue = answer.catch(() => undefined);
    return answer;
  };
}

async function bodyOf<Body>(request: IncomingMessage): Promise<Body> {
  const pieces: Uint8Array[] = [];
  for await (const piece of request) pieces.push(piece as Uint8Array);
  const text = Buffer.concat(pieces).toString("utf8");
  return JSON.parse(text === "" ? "{}" : text) as Body;
}

/** Starts one on a free port of 127.0.0.1. @param failed a refusal in the server's own shape */
export async function startDouble<Body extends DoubleBody>(
  { fault }: DoubleOptions,
  adapters: Map<string, string>,
  server: {
    readonly answer: (path: string, body: Body) => Promise<Answer>;
    readonly failed: (status: number, message: string) => Answer;
    readonly restart?: () => void;
  },
): Promise<SamplerDouble> {
  const calls: { path: string; body: Body }[] = [];
  const listener = createServer(async (request, response) => {
    const path = request.url ?? "";
    const body = await bodyOf<Body>(request);
    const found = fault?.(path, calls.filter((call) => call.path === path).length);
    calls.push({ path, body });
    if (found === "hang") return;
    const isStatus = typeof found === "object" && "status" in found;
    const { status, body: said } = isStatus
      ? server.failed(found.status, found.message)
      : await server.answer(path, body);
    if (found === "lost") return void response.destroy();
    const text = typeof said === "string" ? said : JSON.stringify(said);
    const sent = typeof found === "object" && "edit" in found ? found.edit(text) : text;
    response.writeHead(status, { "content-type": "application/json" }).end(sent);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/v1`,
    calls,
    adapters,
    restart() {
      adapters.clear();
      server.restart?.();
    },
    async close() {
      listener.closeAllConnections();
      listener.close();
    },
  };
}
