import { afterEach, describe, expect, it } from "vitest";
import type { Answer, Asked } from "../../../benchmarks/engines/engine.js";
import { chatMessage, chatParams, createServerEngine } from "../../../benchmarks/engines/server.js";
import { createChatClient } from "../../../src/core/chat/openai.js";
import { BenchmarkError } from "../../../src/core/errors.js";
import { type ChatServer, type ChatServerScript, startChatServer } from "../../helpers/chatServer.js";

const DECODING = { temperature: 0, topP: null, topK: null, repetitionPenalty: null, maxTokens: 16, seed: 5 };
const PIXELS = { minPixels: null, maxPixels: null };
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

const servers: ChatServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(answer: ChatServerScript["answer"]): Promise<ChatServer> {
  const server = await startChatServer({ answer });
  servers.push(server);
  return server;
}

const asked = (count: number): Asked[] =>
  Array.from({ length: count }, (_, at) => ({
    dataset: "D",
    index: String(at),
    sample: 0,
    items: [
      { kind: "image", image: { kind: "bytes", bytes: PNG } },
      { kind: "text", text: `row ${at}` },
    ],
  }));

/** Answers by row index. */
async function answerAll(
  baseUrls: readonly string[],
  rows: readonly Asked[],
  options: { readonly concurrency?: number; readonly retries?: number; readonly timeoutMs?: number } = {},
): Promise<{ readonly answers: Map<string, Answer>; readonly error: unknown }> {
  const { concurrency = 2, retries = 1, timeoutMs = 5000 } = options;
  const client = createChatClient({
    baseUrls,
    model: "test-model",
    concurrency,
    retries,
    timeoutMs,
    firstDelayMs: 1,
  });
  const engine = createServerEngine({ client, decoding: DECODING, pixels: PIXELS, concurrency });
  const answers = new Map<string, Answer>();
  const keep = async (row: Asked, answer: Answer) => void answers.set(row.index, answer);
  const error = await engine.answerAll(rows, keep).catch((thrown: unknown) => thrown);
  return { answers, error };
}

describe("chatMessage(…)", () => {
  const image = { kind: "image", image: { kind: "bytes", bytes: PNG } } as const;
  const text = (words: string) => ({ kind: "text", text: words }) as const;

  it("keeps order and leaves empty texts out where there are images", () => {
    expect(chatMessage([text("a"), image, text(""), image, text(" ")])).toEqual({
      role: "user",
      content: [text("a"), image, image, text(" ")],
    });
  });

  it("joins texts by line breaks where there is no image", () => {
    expect(chatMessage([text("a"), text("b")])).toEqual({ role: "user", content: "a\nb" });
  });
});

describe("chatParams(…)", () => {
  it("sends only what was asked for", () => {
    expect(chatParams(DECODING, PIXELS, 3)).toEqual({ temperature: 0, maxTokens: 16, extra: {}, sample: 3 });
  });

  it("spells extensions as vLLM does, and moves the seed by the sample", () => {
    const decoding = { ...DECODING, temperature: 0.6, topP: 0.9, topK: 20, repetitionPenalty: 1.1 };
    expect(chatParams(decoding, { minPixels: 100, maxPixels: 900 }, 3)).toEqual({
      temperature: 0.6,
      maxTokens: 16,
      topP: 0.9,
      seed: 8,
      extra: {
        top_k: 20,
        repetition_penalty: 1.1,
        mm_processor_kwargs: { min_pixels: 100, max_pixels: 900 },
      },
      sample: 3,
    });
  });
});

describe("a server engine", () => {
  it("sends images inline and reports text, tokens, truncation and thinking", async () => {
    const server = await serve(({ prompt }) => {
      if (prompt === "row 1")
        return { kind: "reply", text: " cut ", finishReason: "length", completionTokens: 16 };
      return { kind: "reply", text: "B", reasoning: "hm", promptTokens: 11, completionTokens: 2 };
    });
    const { answers, error } = await answerAll([server.url], asked(2));
    expect(error).toBeUndefined();
    expect(answers.get("0")).toMatchObject({
      prediction: "B",
      thinking: "hm",
      status: "finished",
      promptTokens: 11,
      tokens: 2,
      latencyMs: expect.any(Number),
    });
    expect(answers.get("1")).toMatchObject({ prediction: "cut", status: "truncated", tokens: 16 });
    expect(server.requests[0]?.images).toEqual([`data:image/png;base64,${PNG.toString("base64")}`]);
    expect(server.requests[0]?.body).toMatchObject({ temperature: 0, max_tokens: 16, stream: false });
  });

  it("never has more requests under way than allowed", async () => {
    const server = await serve(() => ({ kind: "reply", text: "A", delayMs: 5 }));
    await answerAll([server.url], asked(9), { concurrency: 3 });
    expect(server.mostAtOnce).toBe(3);
  });

  it("fails one row, not the run, for a rejected request, an empty text, a lie and an unreadable image", async () => {
    const server = await serve(({ prompt }) => {
      if (prompt === "row 1")
        return { kind: "status", status: 400, body: '{"error": {"message": "too long"}}' };
      if (prompt === "row 2") return "  ";
      if (prompt === "row 3") return { kind: "junk", body: "<html>hello</html>" };
      return "fine";
    });
    const rows = asked(6).map((row): Asked => {
      if (row.index !== "4") return row;
      return { ...row, items: [{ kind: "image", image: { kind: "path", path: "/nowhere/a.png" } }] };
    });
    const { answers, error } = await answerAll([server.url], rows);
    expect(error).toBeUndefined();
    expect(
      [...answers]
        .filter(([, { status }]) => status === "finished")
        .map(([index]) => index)
        .sort(),
    ).toEqual(["0", "5"]);
    expect(answers.get("1")?.error).toContain("too long");
    expect(answers.get("2")?.error).toContain("empty text");
    expect(answers.get("3")?.error).toContain("not JSON");
    expect(answers.get("4")?.error).toContain("/nowhere/a.png: cannot read the image");
  });

  it("gives up when the server is dead, keeping the answers there are", async () => {
    const server = await serve(() => "fine");
    const rows = asked(40);
    const script = await answerAll([server.url], rows.slice(0, 4));
    expect(script.answers.size).toBe(4);
    await server.die();
    const { answers, error } = await answerAll([server.url], rows, { retries: 0 });
    expect(error).toBeInstanceOf(BenchmarkError);
    expect(String(error)).toContain("continue with --resume");
    expect(answers.size).toBeLessThan(10);
  });

  it("stops at once when the key is refused, instead of failing every row", async () => {
    const server = await serve(() => ({ kind: "status", status: 401, body: "no" }));
    const { answers, error } = await answerAll([server.url], asked(30), { concurrency: 1 });
    expect(error).toBeInstanceOf(BenchmarkError);
    expect(answers.size).toBe(1);
    expect(server.requests.length).toBe(1);
  });

  it("survives a server that hangs now and then, by the time limit and another try", async () => {
    const hung = new Set<string>();
    const server = await serve(({ prompt }) => {
      if (prompt !== "row 1" || hung.has(prompt)) return "fine";
      hung.add(prompt);
      return { kind: "hang" };
    });
    const { answers } = await answerAll([server.url], asked(3), { timeoutMs: 300 });
    expect([...answers.values()].map(({ status }) => status)).toEqual(["finished", "finished", "finished"]);
  });

  it("shares the load between servers and goes on when one of them is dead", async () => {
    const [first, second, third] = [await serve(() => "1"), await serve(() => "2"), await serve(() => "3")];
    await third.die();
    const urls = [first.url, second.url, third.url];
    const { answers, error } = await answerAll(urls, asked(20), { concurrency: 4, retries: 3 });
    expect(error).toBeUndefined();
    expect(answers.size).toBe(20);
    expect(Math.min(first.requests.length, second.requests.length)).toBeGreaterThan(3);
  });
});
