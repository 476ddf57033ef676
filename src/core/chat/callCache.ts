/**
 * @module Answers of a chat server kept on disk, so that no call is paid for twice, also after `kill -9`.
 *
 * A JSONL file that only grows: one line per answer, keyed by the SHA-256 of messages (images by their bytes), model
 * and parameters. A line counts once it is on disk; a torn last line is ignored and cut off.
 */
import { existsSync } from "node:fs";
import { z } from "zod";
import { DataError } from "../errors.js";
import { digestJson, sha256 } from "../files/digest.js";
import { appendJsonl, readJsonl } from "../files/jsonl.js";
import { imageBytes } from "../image/decode.js";
import type { ChatMessage, ChatParams, ChatReply } from "./chat.js";
import type { ChatClient } from "./openai.js";

export interface CallCache {
  /** Answers it holds. */
  readonly size: number;
  get(key: string): ChatReply | undefined;
  /** Resolves when the answer is on disk. */
  set(key: string, reply: ChatReply): Promise<void>;
  close(): Promise<void>;
}

const tokens = z.number().nullable();
const recordSchema = z.object({
  version: z.literal(1),
  key: z.string(),
  text: z.string(),
  reasoning: z.string().optional(),
  finishReason: z.string().nullable(),
  usage: z.object({ promptTokens: tokens, completionTokens: tokens }),
  latencyMs: z.number(),
  model: z.string(),
});
type CallRecord = z.output<typeof recordSchema>;

function replyOf({ text, reasoning, finishReason, usage, latencyMs, model }: CallRecord): ChatReply {
  const kept = { text, finishReason, usage, latencyMs, model, attempts: 0 };
  return reasoning === undefined ? kept : { ...kept, reasoning };
}

async function readReplies(path: string): Promise<Map<string, ChatReply>> {
  const replies = new Map<string, ChatReply>();
  if (!existsSync(path)) return replies;
  for (const [at, row] of (await readJsonl(path)).records.entries()) {
    const record = recordSchema.safeParse(row);
    if (!record.success) {
      const advice = "give another cache file, or remove this one to ask again";
      throw new DataError(`${path}: record ${at + 1} is not an answer of a chat server; ${advice}`);
    }
    replies.set(record.data.key, replyOf(record.data));
  }
  return replies;
}

/**
 * Opens a cache file; creates it when missing.
 * @throws DataError when the file is something else; CheckpointError when it cannot be written
 */
export async function openCallCache(path: string): Promise<CallCache> {
  const replies = await readReplies(path);
  const writer = await appendJsonl(path, { isSynced: true });
  return {
    get size() {
      return replies.size;
    },
    get: (key) => replies.get(key),
    async set(key, reply) {
      const { attempts: _, ...kept } = reply;
      await writer.append({ version: 1, key, ...kept });
      replies.set(key, { ...reply, attempts: 0 });
    },
    close: () => writer.close(),
  };
}

/** What an answer is kept under. @throws DataError when an image cannot be read */
export async function callKey(
  model: string,
  messages: readonly ChatMessage[],
  params: ChatParams,
): Promise<string> {
  const digested = await Promise.all(
    messages.map(async ({ role, content }) => {
      if (typeof content === "string") return { role, content };
      const parts = content.map(async (part) =>
        part.kind === "text" ? part : { kind: "image", sha256: sha256(await imageBytes(part.image)) },
      );
      return { role, content: await Promise.all(parts) };
    }),
  );
  return digestJson({ model, messages: digested, params });
}

/** The client with every answer looked up first and kept after. Equal questions under way at once are one call. */
export function withCache(client: ChatClient, cache: CallCache): ChatClient {
  const underWay = new Map<string, Promise<ChatReply>>();
  const askAndKeep = async (key: string, call: () => Promise<ChatReply>): Promise<ChatReply> => {
    const reply = await call();
    await cache.set(key, reply);
    return reply;
  };
  return {
    ...client,
    async complete(messages, params = {}, signal) {
      const key = await callKey(client.model, messages, params);
      const known = cache.get(key) ?? underWay.get(key);
      if (known) return known;
      const asked = askAndKeep(key, () => client.complete(messages, params, signal));
      underWay.set(key, asked);
      return asked.finally(() => underWay.delete(key));
    },
  };
}
