import { describe, expect, it } from "vitest";
import { R1_PROMPT, withThinking } from "../../../benchmarks/prompts/thinking.js";
import type { MessageItem } from "../../../benchmarks/records.js";
import { sha256 } from "../../../src/core/files/digest.js";

const image: MessageItem = { kind: "image", image: { kind: "path", path: "1.png" } };
const text = (words: string): MessageItem => ({ kind: "text", text: words });
const interleaved = [text("Question: "), image, text(" "), image, text("end \n")];

describe("R1_PROMPT", () => {
  // Written out from the paper's evaluation patch: two lines, the second begins with one space.
  it("is the published one, byte for byte", () => {
    expect(R1_PROMPT.split("\n").map((line) => line.length)).toEqual([103, 111]);
    expect(R1_PROMPT.split("\n")[1]).toMatch(
      /^ The reasoning process MUST BE enclosed within <think> <\/think> tags\./,
    );
    expect(R1_PROMPT).toMatch(/MUST BE put in \\boxed\{\}\.$/);
    expect(sha256(R1_PROMPT)).toBe("33feddc7428c2cd0367ee04bf9c00e7ae83f9f77fcc0283567feb88cf8ce4922");
  });
});

describe("withThinking(…)", () => {
  it("adds the words to every text item, as R1-ShareVL did", () => {
    const items = withThinking(interleaved, { form: "generic", thinking: "r1-sharevl" });
    expect(items.filter(({ kind }) => kind === "text")).toEqual([
      text(`Question:  ${R1_PROMPT}`),
      text(`  ${R1_PROMPT}`),
      text(`end \n ${R1_PROMPT}`),
    ]);
    expect(items.map(({ kind }) => kind)).toEqual(["text", "image", "text", "image", "text"]);
  });

  it("adds them once, at the end", () => {
    const items = withThinking(interleaved, { form: "generic", thinking: "r1-once" });
    expect(items).toEqual([...interleaved.slice(0, 4), text(`end \n ${R1_PROMPT}`)]);
  });

  it("adds nothing, or other words", () => {
    expect(withThinking(interleaved, { form: "generic", thinking: "none" })).toEqual(interleaved);
    const other = withThinking([text("q")], { form: "generic", thinking: "r1-once", thinkingText: "Think." });
    expect(other).toEqual([text("q Think.")]);
  });
});
