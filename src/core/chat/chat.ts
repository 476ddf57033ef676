/**
 * @module What is said to an OpenAI-compatible chat server and what comes back: messages with images inline, the
 * request's JSON, and the reading of a reply.
 *
 * Wire format: https://platform.openai.com/docs/api-reference/chat, as vLLM, SGLang and llama.cpp serve it.
 */
import { z } from "zod";
import type { ImageSource } from "../../records.js";
import { encodePng, imageBytes, readImage } from "../image/decode.js";

/** A piece of a message. */
export type ChatPart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "image"; readonly image: ImageSource };

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string | readonly ChatPart[];
}

/** How to answer. What is left out is left to the server. */
export interface ChatParams {
  readonly temperature?: number;
  readonly topP?: number;
  /** Most tokens to write. */
  readonly maxTokens?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  /** More fields of the request as the server spells them, for example `{ top_k: 20 }`. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /** Which of several answers to the same question this is; not sent, but a cache keeps them apart. */
  readonly sample?: number;
}

export interface ChatReply {
  readonly text: string;
  /** What a thinking server keeps apart from the text. */
  readonly reasoning?: string;
  /** `"stop"`, `"length"` (truncated) or another word of the server's; null when it does not say. */
  readonly finishReason: string | null;
  readonly usage: { readonly promptTokens: number | null; readonly completionTokens: number | null };
  /** Of the successful attempt, from sending to the whole answer. */
  readonly latencyMs: number;
  /** Requests this answer took, 1 when the first succeeded; 0 when it came from a cache. */
  readonly attempts: number;
  /** Name of the model as the server gives it. */
  readonly model: string;
}

/** Formats that servers decode; others are sent as PNG. */
const SIGNATURES: readonly (readonly [mime: string, offset: number, bytes: string])[] = [
  ["image/png", 0, "\u0089PNG\r\n\u001a\n"],
  ["image/jpeg", 0, "\u00ff\u00d8\u00ff"],
  ["image/gif", 0, "GIF8"],
  ["image/webp", 8, "WEBP"],
];

function mimeOf(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes.subarray(0, 16)).toString("latin1");
  return SIGNATURES.find(([, offset, signature]) => text.startsWith(signature, offset))?.[0];
}

/** @throws DataError when the image cannot be read or is in no known format */
export async function dataUrl(image: ImageSource): Promise<string> {
  const bytes = await imageBytes(image);
  const mime = mimeOf(bytes);
  if (mime) return `data:${mime};base64,${Buffer.from(bytes).toString("base64")}`;
  const png = await encodePng(await readImage(image, "chat"));
  return `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
}

async function wireContent(content: ChatMessage["content"]): Promise<unknown> {
  if (typeof content === "string") return content;
  return Promise.all(
    content.map(async (part) =>
      part.kind === "text"
        ? { type: "text", text: part.text }
        : { type: "image_url", image_url: { url: await dataUrl(part.image) } },
    ),
  );
}

/** The request's JSON text. @throws DataError when an image cannot be read */
export async function requestBody(
  model: string,
  messages: readonly ChatMessage[],
  params: ChatParams,
): Promise<string> {
  const wire = await Promise.all(
    messages.map(async ({ role, content }) => ({ role, content: await wireContent(content) })),
  );
  return JSON.stringify({
    model,
    messages: wire,
    temperature: params.temperature,
    top_p: params.topP,
    max_tokens: params.maxTokens,
    seed: params.seed,
    stop: params.stop,
    ...params.extra,
    stream: false,
  });
}

const tokenCount = z.number().nullish();
/** Text, or parts of which those with text count. */
const contentSchema = z.union([
  z.string(),
  z
    .array(z.object({ text: z.string().nullish() }))
    .transform((parts) => parts.map(({ text }) => text ?? "").join("")),
]);
const replySchema = z.object({
  model: z.string().nullish(),
  choices: z
    .array(
      z.object({
        message: z.object({
          content: contentSchema.nullish(),
          reasoning_content: z.string().nullish(),
          reasoning: z.string().nullish(),
        }),
        finish_reason: z.string().nullish(),
      }),
    )
    .min(1),
  usage: z.object({ prompt_tokens: tokenCount, completion_tokens: tokenCount }).nullish(),
});

export type ParsedReply = Omit<ChatReply, "latencyMs" | "attempts">;

/** JSON text of a shape; or what is wrong with it. */
export function readJson<Answer>(
  text: string,
  schema: z.ZodType<Answer>,
  what: string,
): { readonly data: Answer } | { readonly problem: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { problem: `the answer is ${what} (not JSON)` };
  }
  const { data, error } = schema.safeParse(json);
  if (!error) return { data };
  const issue = error.issues[0];
  return { problem: `the answer is ${what} (${issue?.path.join(".") ?? ""}: ${issue?.message ?? "?"})` };
}

/** Reads a reply's JSON text; says what is wrong with it where it is none. */
export function parseReply(text: string, model: string): ParsedReply | { readonly problem: string } {
  const parsed = readJson(text, replySchema, "no chat completion");
  if ("problem" in parsed) return parsed;
  const [choice] = parsed.data.choices;
  const reasoning = choice?.message.reasoning_content ?? choice?.message.reasoning;
  const { usage } = parsed.data;
  return {
    text: choice?.message.content ?? "",
    ...(reasoning ? { reasoning } : {}),
    finishReason: choice?.finish_reason ?? null,
    usage: {
      promptTokens: usage?.prompt_tokens ?? null,
      completionTokens: usage?.completion_tokens ?? null,
    },
    model: parsed.data.model ?? model,
  };
}
