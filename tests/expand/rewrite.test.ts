import { describe, expect, test } from "vitest";
import type { ChatMessage, ChatParams, ChatReply } from "../../src/core/chat/chat.js";
import type { ChatClient } from "../../src/core/chat/openai.js";
import { createRewriter, type RewriteInput, type RewriteOptions } from "../../src/expand/rewrite.js";

const QUESTION: RewriteInput = {
  id: "q1",
  text: "<image>A bag holds 3 red and 5 blue marbles. How many marbles does it hold?",
  gold: "8",
  images: [{ kind: "bytes", bytes: Uint8Array.of(1) }],
  rewrites: [],
};
const GOOD = [
  "There are 3 red marbles and 5 blue ones in a bag. What is their number?",
  "Count all marbles of a bag with 3 red and 5 blue marbles.",
  "In a bag lie 5 blue marbles, and 3 red ones beside them. How many are they together?",
] as const;
const marked = GOOD.map((words) => `<image>${words}`);

const OPTIONS: RewriteOptions = {
  count: 2,
  rounds: 3,
  showsImages: false,
  answers: 0,
  params: { temperature: 0.7 },
  isGold: (response, gold) => response.includes(`\\boxed{${gold}}`),
};

interface Call {
  readonly messages: readonly ChatMessage[];
  readonly params: ChatParams | undefined;
}

const replyOf = (text: string, changes: Partial<ChatReply> = {}): ChatReply => ({
  text,
  finishReason: "stop",
  usage: { promptTokens: 100, completionTokens: 10 },
  latencyMs: 1,
  attempts: 1,
  model: "m",
  ...changes,
});

/** A model that says these replies one after another. */
function saying(...replies: readonly (string | ChatReply)[]): { client: ChatClient; calls: Call[] } {
  const calls: Call[] = [];
  const client: ChatClient = {
    model: "m",
    complete(messages, params) {
      const reply = replies[calls.length];
      calls.push({ messages, params });
      if (reply === undefined) return Promise.reject(new Error("asked too often"));
      return Promise.resolve(typeof reply === "string" ? replyOf(reply) : reply);
    },
    check: () => Promise.resolve([]),
  };
  return { client, calls };
}

const listOf = (...items: readonly string[]) => JSON.stringify(items);

describe("createRewriter(…)", () => {
  test("takes as many as wanted, with the markers back in front, and drops the rest", async () => {
    const { client, calls } = saying(listOf(...GOOD));
    const result = await createRewriter(client, OPTIONS)(QUESTION);
    expect(result).toEqual({
      rewrites: marked.slice(0, 2),
      rejected: [],
      calls: 1,
      cached: 0,
      promptTokens: 100,
      completionTokens: 10,
    });
    // The words alone are shown, and the answer.
    expect(calls[0]?.messages.at(-1)?.content).toBe(
      `Question:\n${QUESTION.text.slice("<image>".length)}\n\nCorrect answer: 8\n\nNumber of versions: 2`,
    );
    expect(calls[0]?.params).toEqual({ temperature: 0.7, sample: 1 });
  });

  test("asks again for what was refused, with the reason, and counts what both rounds cost", async () => {
    const { client, calls } = saying(
      listOf(GOOD[0], "A bag holds 3 red marbles. How many?"),
      listOf(GOOD[1]),
    );
    const result = await createRewriter(client, OPTIONS)(QUESTION);
    expect(result.rewrites).toEqual(marked.slice(0, 2));
    expect(result.rejected).toEqual([
      {
        id: "q1",
        round: 1,
        rewrite: "<image>A bag holds 3 red marbles. How many?",
        kind: "number missing",
        why: "5 is not in it",
      },
    ]);
    expect([result.calls, result.promptTokens, result.completionTokens]).toEqual([2, 200, 20]);
    const [, second] = calls;
    expect(second?.messages).toHaveLength(6);
    expect(second?.messages.at(-1)?.content).toBe(
      'This cannot be used:\n- "<image>A bag holds 3 red marbles. How many?": 5 is not in it\n\n' +
        "Write 1 other version by the same rules. Reply with a JSON array of 1 strings and nothing else.",
    );
    expect(second?.params?.sample).toBe(2);
  });

  test("stops after the allowed rounds with what it has", async () => {
    const { client, calls } = saying("no list", "nor this", listOf(GOOD[0]));
    const result = await createRewriter(client, OPTIONS)(QUESTION);
    expect(result.rewrites).toEqual([marked[0]]);
    expect(result.rejected.map(({ round, kind }) => [round, kind])).toEqual([
      [1, "not a list"],
      [2, "not a list"],
    ]);
    expect(calls).toHaveLength(3);
  });

  test("says that a reply was cut off where it was", async () => {
    const cut = replyOf('["There are 3', { finishReason: "length" });
    const { rejected } = await createRewriter(saying(cut).client, { ...OPTIONS, rounds: 1 })(QUESTION);
    expect(rejected).toEqual([
      { id: "q1", round: 1, rewrite: "", kind: "not a list", why: "the reply was cut off" },
    ]);
  });

  test("keeps good rewrites the question has, asks for the rest only, and for none when there are enough", async () => {
    const { client, calls } = saying(listOf(GOOD[1]));
    const had = [marked[0] ?? "", "<image>Something of 4 balls?"];
    const result = await createRewriter(client, OPTIONS)({ ...QUESTION, rewrites: had });
    expect(result.rewrites).toEqual(marked.slice(0, 2));
    expect(result.rejected.map(({ round, kind }) => [round, kind])).toEqual([[0, "number missing"]]);
    expect(calls[0]?.messages.at(-1)?.content).toContain("Number of versions: 1");
    const full = await createRewriter(saying().client, OPTIONS)({ ...QUESTION, rewrites: marked });
    expect(full).toMatchObject({ rewrites: marked.slice(0, 2), rejected: [], calls: 0 });
  });

  test("does not take a rewrite twice, nor one that another round gave", async () => {
    const { client } = saying(listOf(GOOD[0], GOOD[0]), listOf(GOOD[0]), listOf(GOOD[2]));
    const result = await createRewriter(client, OPTIONS)(QUESTION);
    expect(result.rewrites).toEqual([marked[0], marked[2]]);
    expect(result.rejected.map(({ kind }) => kind)).toEqual(["identical", "identical"]);
  });

  test("takes numbering and bullets off, and leaves markers where the model put them", async () => {
    const items = [`1. ${GOOD[0]}`, `- ${GOOD[1]} <image>`];
    const { rewrites } = await createRewriter(saying(listOf(...items)).client, OPTIONS)(QUESTION);
    expect(rewrites).toEqual([marked[0], `${GOOD[1]} <image>`]);
  });

  test("shows the images before the words when told to", async () => {
    const { client, calls } = saying(listOf(...GOOD));
    await createRewriter(client, { ...OPTIONS, showsImages: true })(QUESTION);
    expect(calls[0]?.messages.at(-1)?.content).toEqual([
      { kind: "image", image: QUESTION.images[0] },
      { kind: "text", text: expect.stringContaining("A bag holds") },
    ]);
  });

  test("an answer that a cache gave costs a call and no tokens", async () => {
    const cached = replyOf(listOf(...GOOD), { attempts: 0 });
    const result = await createRewriter(saying(cached).client, OPTIONS)(QUESTION);
    expect(result).toMatchObject({ calls: 1, cached: 1, promptTokens: 0, completionTokens: 0 });
  });
});

describe("createRewriter(…) with answers", () => {
  const options = { ...OPTIONS, count: 1, rounds: 1 };

  test("a rewrite is good when one of the answers is the gold one; the others are not asked for", async () => {
    const { client, calls } = saying(listOf(GOOD[0]), "\\boxed{7}", "\\boxed{8}");
    const result = await createRewriter(client, { ...options, answers: 4 })(QUESTION);
    expect(result.rewrites).toEqual([marked[0]]);
    expect(result.calls).toBe(3);
    const [, first, second] = calls;
    expect(first?.messages).toEqual([
      {
        role: "user",
        content: [
          { kind: "image", image: QUESTION.images[0] },
          { kind: "text", text: `${GOOD[0]}\nThink step by step, then write the final answer in \\boxed{}.` },
        ],
      },
    ]);
    expect([first?.params?.temperature, first?.params?.sample, second?.params?.sample]).toEqual([1, 0, 1]);
  });

  test("a rewrite that never leads to the answer is refused; a single answer is greedy", async () => {
    const { client, calls } = saying(listOf(GOOD[0]), "\\boxed{7}");
    const result = await createRewriter(client, { ...options, answers: 1 })(QUESTION);
    expect(result.rewrites).toEqual([]);
    expect(result.rejected).toMatchObject([{ kind: "not answerable", rewrite: marked[0] }]);
    expect(calls[1]?.params?.temperature).toBe(0);
  });
});
