import { appendFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { callKey, openCallCache, withCache } from "../../../src/core/chat/callCache.js";
import type { ChatReply } from "../../../src/core/chat/chat.js";
import type { ChatClient } from "../../../src/core/chat/openai.js";

const REPLY: ChatReply = {
  text: "4",
  finishReason: "stop",
  usage: { promptTokens: 3, completionTokens: 1 },
  latencyMs: 12,
  attempts: 2,
  model: "m",
};
const fresh = () => join(mkdtempSync(join(tmpdir(), "calls-")), "calls.jsonl");
const ask = (content: string) => [{ role: "user", content }] as const;

/** A client that counts what it is asked, and answers with the count. */
function counting(): ChatClient & { calls: number } {
  return {
    calls: 0,
    model: "m",
    async complete() {
      this.calls++;
      return { ...REPLY, text: String(this.calls) };
    },
    check: async () => [],
  };
}

/** `withCache` copies the client's methods, so the count needs its own holder. */
function cachedCounter(cache: Parameters<typeof withCache>[1]) {
  const counter = counting();
  const client = withCache({ ...counter, complete: () => counter.complete([]) }, cache);
  return { counter, client };
}

describe("the cache", () => {
  test("answers what it was asked before, also in another process, without a call", async () => {
    const path = fresh();
    const first = await openCallCache(path);
    const { client, counter } = cachedCounter(first);
    expect((await client.complete(ask("2+2"))).text).toBe("1");
    expect(await client.complete(ask("2+2"))).toMatchObject({ text: "1", attempts: 0 });
    await first.close();

    const second = await openCallCache(path);
    const again = cachedCounter(second);
    expect(second.size).toBe(1);
    expect(await again.client.complete(ask("2+2"))).toMatchObject({ text: "1", attempts: 0 });
    expect([counter.calls, again.counter.calls]).toEqual([1, 0]);
    await second.close();
  });

  test("asks once where equal questions are under way together", async () => {
    const cache = await openCallCache(fresh());
    const { client, counter } = cachedCounter(cache);
    const replies = await Promise.all([1, 2, 3].map(() => client.complete(ask("2+2"))));
    expect(replies.map(({ text }) => text)).toEqual(["1", "1", "1"]);
    expect(counter.calls).toBe(1);
    await cache.close();
  });

  test("a failed call is not kept", async () => {
    const cache = await openCallCache(fresh());
    const failing: ChatClient = { ...counting(), complete: () => Promise.reject(new Error("down")) };
    await expect(withCache(failing, cache).complete(ask("2+2"))).rejects.toThrow("down");
    expect(cache.size).toBe(0);
    await cache.close();
  });

  test("a line torn by a kill is forgotten, all before it are kept, and the file goes on", async () => {
    const path = fresh();
    const first = await openCallCache(path);
    await first.set("a", REPLY);
    await first.set("b", REPLY);
    await first.close();
    const whole = readFileSync(path, "utf8");
    appendFileSync(path, whole.slice(0, 40));

    const second = await openCallCache(path);
    expect(second.size).toBe(2);
    await second.set("c", REPLY);
    await second.close();
    const third = await openCallCache(path);
    expect(["a", "b", "c"].map((key) => third.get(key)?.text)).toEqual(["4", "4", "4"]);
    await third.close();
  });

  test("cut anywhere, the file gives back a whole number of its answers", async () => {
    const path = fresh();
    const cache = await openCallCache(path);
    for (const key of ["a", "b", "c"]) await cache.set(key, { ...REPLY, reasoning: "é\n" });
    await cache.close();
    const bytes = readFileSync(path);
    for (let length = 0; length <= bytes.length; length += 17) {
      writeFileSync(path, bytes.subarray(0, length));
      const cut = await openCallCache(path);
      const lines = bytes.subarray(0, length).toString("latin1").split("\n").length - 1;
      expect(cut.size).toBeGreaterThanOrEqual(lines);
      expect(cut.size).toBeLessThanOrEqual(lines + 1);
      await cut.close();
    }
  });

  test("a file that is something else is refused, not written to", async () => {
    const path = fresh();
    writeFileSync(path, '{"idx": 1}\n');
    await expect(openCallCache(path)).rejects.toThrow(/record 1 is not an answer of a chat server/);
    expect(readFileSync(path, "utf8")).toBe('{"idx": 1}\n');
  });
});

describe("the key", () => {
  const image = (byte: number) => ({ kind: "bytes", bytes: Uint8Array.of(byte) }) as const;
  const show = (byte: number) =>
    [{ role: "user", content: [{ kind: "image", image: image(byte) }] as const }] as const;

  test("depends on words, image bytes, model, parameters and sample, and on nothing else", async () => {
    const keys = await Promise.all([
      callKey("m", ask("a"), {}),
      callKey("m", ask("b"), {}),
      callKey("n", ask("a"), {}),
      callKey("m", ask("a"), { temperature: 0 }),
      callKey("m", ask("a"), { sample: 1 }),
      callKey("m", show(1), {}),
      callKey("m", show(2), {}),
    ]);
    expect(new Set(keys).size).toBe(keys.length);
    expect(await callKey("m", show(1), {})).toBe(keys[5]);
    expect(await callKey("m", ask("a"), { maxTokens: 5, temperature: 1 })).toBe(
      await callKey("m", ask("a"), { temperature: 1, maxTokens: 5 }),
    );
  });
});
