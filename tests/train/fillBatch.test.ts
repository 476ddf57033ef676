import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/load.js";
import { type Filter, fillBatch, passesFilter } from "../../src/train/fillBatch.js";

const filter = (settings: Partial<Filter>): Filter => ({
  ...resolveConfig({}, "x").rollout.filter,
  ...settings,
});

/** A question with these overall rewards, as two variants. */
function group(id: string, first: readonly number[], second: readonly number[] = []) {
  const responses = [first, second].map((rewards) =>
    rewards.map((overall) => ({
      reward: {
        overall,
        accuracy: overall > 0.5 ? 1 : 0,
        format: 1,
        extracted: { kind: "none", reason: "" } as const,
        reason: "",
      },
    })),
  );
  return { id, responses };
}
const idsOf = ({ groups_Q }: { readonly groups_Q: readonly { readonly id: string }[] }) =>
  groups_Q.map(({ id }) => id);

describe("passesFilter", () => {
  it("looks at all of a question's responses, not at each variant's", () => {
    const split = group("split", [1, 1], [0, 0]);
    expect(passesFilter(split, filter({ kind: "valid" }))).toBe(true);
    expect(passesFilter(group("same", [1, 1], [1, 1]), filter({ kind: "valid" }))).toBe(false);
  });

  it("looks at the reward that is asked for", () => {
    const right = group("right", [0.9, 1]);
    expect(passesFilter(right, filter({ kind: "valid" }))).toBe(true);
    expect(passesFilter(right, filter({ kind: "valid", key: "accuracy" }))).toBe(false);
  });

  it.each([
    [[0, 0], false],
    [[0, 0.5], true],
    [[1, 0.99], false],
  ])("keeps a mean strictly inside low and high: %j → %s", (rewards, isKept) => {
    expect(passesFilter(group("q", rewards), filter({ kind: "mean", low: 0.1, high: 0.99 }))).toBe(isKept);
  });
});

describe("fillBatch", () => {
  const dull = (id: string) => group(id, [0, 0]);
  const valid = (id: string) => group(id, [0, 1]);

  it("asks for nothing when it is off, or every question passes", async () => {
    const more = () => Promise.reject(new Error("asked"));
    const off = await fillBatch([dull("a"), dull("b")], filter({}), more);
    expect([idsOf(off), off.questionsAsked, off.notes]).toEqual([["a", "b"], 2, []]);
    const whole = await fillBatch([valid("a"), valid("b")], filter({ kind: "valid" }), more);
    expect([idsOf(whole), whole.questionsPassed]).toEqual([["a", "b"], 2]);
  });

  it("takes others in place of questions that teach nothing, batch by batch", async () => {
    const batches = [
      [dull("c"), valid("d")],
      [valid("e"), valid("f")],
    ];
    const asked: number[] = [];
    const more = (count: number) => {
      asked.push(count);
      return Promise.resolve(batches[asked.length - 1] ?? []);
    };
    const filled = await fillBatch([dull("a"), dull("b")], filter({ kind: "valid" }), more);
    expect(asked).toEqual([2, 2]);
    expect(idsOf(filled)).toEqual(["d", "e"]);
    expect([filled.questionsAsked, filled.questionsPassed, filled.notes]).toEqual([6, 3, []]);
  });

  it("stops at its bound, fills up with the last ones put aside, and explains", async () => {
    let batch = 0;
    const more = () => Promise.resolve([dull(`dull${++batch}`), group(`easy${batch}`, [1, 1])]);
    const bounded = filter({ kind: "valid", maxTries: 3 });
    const filled = await fillBatch([valid("a"), dull("b")], bounded, more);
    expect(batch).toBe(2);
    expect(idsOf(filled)).toEqual(["a", "easy2"]);
    expect(filled.notes).toHaveLength(1);
    expect(filled.notes[0]).toContain("1 of 6 questions passed, 2 are needed");
    expect(filled.notes[0]).toContain("2 have a mean overall above 0.5 and 3 below");
    expect(filled.notes[0]).toContain("rollout.filter.maxTries");
  });
});
