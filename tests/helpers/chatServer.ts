/**
 * @module An OpenAI-compatible chat server on loopback that behaves as scripted: well, badly, or not at all.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the server does with one request. A plain string is a good answer with these words. */
export type ChatBehaviour =
  | string
  | {
      readonly kind: "reply";
      readonly text: string;
      readonly finishReason?: string;
      readonly promptTokens?: number;
      readonly completionTokens?: number;
      readonly reasoning?: string;
      readonly delayMs?: number;
    }
  | {
      readonly kind: "status";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** Takes the request and never answers. */
  | { readonly kind: "hang" }
  /** Answers with headers and a body that never ends. */
  | { readonly kind: "drip" }
  /** Cuts the connection in the middle of the body. */
  | { readonly kind: "halfBody" }
  /** Status 200 with this instead of a chat completion. */
  | { readonly kind: "junk"; readonly body: string }
  /** Cuts the connection before it answers. */
  | { readonly kind: "reset" };

/** A request as the server got it. */
export interface ChatRequest {
  /** Number of the chat request, from 0. */
  readonly call: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: {
    readonly model?: string;
    readonly messages?: readonly { readonly role: string; readonly content: unknown }[];
    readonly [key: string]: unknown;
  };
  /** All text parts of all messages, joined by newlines. */
  readonly prompt: string;
  /** Data URLs of all image parts. */
  readonly images: readonly string[];
}

export interface ChatServerScript {
  /** Behaviour per request; anything may be decided from its prompt or number. */
  answer(request: ChatRequest): ChatBehaviour | Promise<ChatBehaviour>;
  /** What `/v1/models` lists; `["test-model"]` by default, null: 404. */
  readonly models?: readonly string[] | null;
}

export interface ChatServer {
  /** `http://127.0.0.1:port/v1` */
  readonly url: string;
  /** Chat requests so far, in order of arrival. */
  readonly requests: readonly ChatRequest[];
  /** Most chat requests that were under way at once. */
  readonly mostAtOnce: number;
  /** Stops listening and cuts all connections. */
  die(): Promise<void>;
  /** Listens again, on the same port. */
  revive(): Promise<void>;
  /** Same as `die`; call it after the test. */
  close(): Promise<void>;
}

function partsOf(body: ChatRequest["body"], type: string): unknown[] {
  return (body.messages ?? []).flatMap(({ content }) =>
    typeof content === "string"
      ? [{ type: "text", text: content }].filter((part) => part.type === type)
      : (content as readonly { type: string }[]).filter((part) => part.type === type),
  );
}

async function readRequest(request: IncomingMessage, call: number): Promise<ChatRequest> {
  const pieces: Uint8Array[] = [];
  for await (const piece of request) pieces.push(piece as Uint8Array);
  const body = JSON.parse(Buffer.concat(pieces).toString("utf8")) as ChatRequest["body"];
  const texts = partsOf(body, "text") as { text: string }[];
  const images = partsOf(body, "image_url") as { image_url: { url: string } }[];
  return {
    call,
    headers: request.headers,
    body,
    prompt: texts.map(({ text }) => text).join("\n"),
    images: images.map(({ image_url }) => image_url.url),
  };
}

function completion(text: string, behaviour: Exclude<ChatBehaviour, string>, model: string | undefined) {
  const details = behaviour.kind === "reply" ? behaviour : undefined;
  return JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion",
    model,
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: text, reasoning_content: details?.reasoning },
        finish_reason: details?.finishReason ?? "stop",
      },
    ],
    usage: { prompt_tokens: details?.promptTokens ?? 7, completion_tokens: details?.completionTokens ?? 3 },
  });
}

async function behave(behaviour: ChatBehaviour, response: ServerResponse, model: string | undefined) {
  const scripted = typeof behaviour === "string" ? ({ kind: "reply", text: behaviour } as const) : behaviour;
  const json = { "content-type": "application/json" };
  switch (scripted.kind) {
    case "reply": {
      if (scripted.delayMs) await new Promise((resolve) => setTimeout(resolve, scripted.delayMs));
      return void response.writeHead(200, json).end(completion(scripted.text, scripted, model));
    }
    case "status":
      return void response.writeHead(scripted.status, { ...scripted.headers }).end(scripted.body ?? "");
    case "junk":
      return void response.writeHead(200, json).end(scripted.body);
    case "hang":
      return;
    case "drip": {
      response.writeHead(200, json).write('{"choices": [');
      const timer = setInterval(() => response.write(" "), 10);
      return void response.on("close", () => clearInterval(timer));
    }
    case "halfBody": {
      const whole = completion("never whole", scripted, model);
      response.writeHead(200, { ...json, "content-length": String(whole.length) });
      response.write(whole.slice(0, whole.length / 2), () => response.destroy());
      return;
    }
    case "reset":
      return void response.destroy();
  }
}

/** Starts a server on a free port of 127.0.0.1. */
export async function startChatServer(script: ChatServerScript): Promise<ChatServer> {
  const requests: ChatRequest[] = [];
  let atOnce = 0;
  let mostAtOnce = 0;
  const { models = ["test-model"] } = script;
  const server = createServer(async (request, response) => {
    if (request.url === "/v1/models") {
      if (models === null) return void response.writeHead(404).end();
      return void response.end(JSON.stringify({ object: "list", data: models.map((id) => ({ id })) }));
    }
    if (request.url !== "/v1/chat/completions") return void response.writeHead(404).end("no such path");
    mostAtOnce = Math.max(mostAtOnce, ++atOnce);
    response.on("close", () => atOnce--);
    const got = await readRequest(request, requests.length);
    requests.push(got);
    await behave(await script.answer(got), response, got.body.model);
  });
  const listen = async (port: number) => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const die = async () => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    get mostAtOnce() {
      return mostAtOnce;
    },
    die,
    revive: () => listen(port),
    close: die,
  };
}
