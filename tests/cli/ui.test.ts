import { describe, expect, it } from "vitest";
import { bar, clipText, createTerminal } from "../../src/cli/ui.js";

/** A screen that remembers, and a clock that is set by hand. */
function setUp(screen: { isTTY: boolean; columns?: number }, isColoured = false) {
  const written: string[] = [];
  const clock = { ms: 0 };
  const terminal = createTerminal({
    screen: { ...screen, write: (text: string) => written.push(text) },
    now: () => clock.ms,
    isColoured,
  });
  return { written, clock, terminal };
}

describe("bar", () => {
  it.each([
    [0, "        "],
    [0.5, "████    "],
    [0.55, "████▍   "],
    [1, "████████"],
    [7, "████████"],
  ])("draws %d of 8 cells", (share, text) => {
    expect(bar(share, 8)).toBe(text);
  });
});

describe("clipText", () => {
  it("cuts at the width and counts a letter outside the basic plane as one", () => {
    expect(clipText("abcdef", 4)).toBe("abc…");
    expect(clipText("𝛑𝛑𝛑", 3)).toBe("𝛑𝛑𝛑");
  });
});

describe("createTerminal where there is no terminal", () => {
  it("prints plain lines at most every 5 s", () => {
    const { written, clock, terminal } = setUp({ isTTY: false });
    for (let second = 0; second <= 12; second++) {
      clock.ms = 1000 * second;
      terminal.onProgress({ phase: "rollout", done: second, total: 20, note: "step 1" });
    }
    expect(written).toEqual([
      "rollout: 0/20 · step 1\n",
      "rollout: 5/20 · 15 s left · step 1\n",
      "rollout: 10/20 · 10 s left · step 1\n",
    ]);
  });
});

describe("createTerminal line(…) where there is no terminal", () => {
  it("does not bring the next progress line forward", () => {
    const { written, clock, terminal } = setUp({ isTTY: false });
    terminal.onProgress({ phase: "rollout", done: 0, total: 20 });
    clock.ms = 1000;
    terminal.line("step 1");
    terminal.onProgress({ phase: "rollout", done: 1, total: 20 });
    expect(written).toEqual(["rollout: 0/20\n", "step 1\n"]);
  });
});

describe("createTerminal on a terminal", () => {
  it("redraws at most ten times a second, but always shows the end", () => {
    const { written, clock, terminal } = setUp({ isTTY: true });
    for (let at = 0; at <= 99; at++) {
      clock.ms = 10 * at;
      terminal.onProgress({ phase: "rollout", done: at, total: 99 });
    }
    const draws = written.filter((text) => text.startsWith("rollout"));
    expect(draws).toHaveLength(11);
    expect(draws.at(-1)).toContain("99/99");
  });

  it("never writes a line wider than the screen", () => {
    for (const columns of [30, 60, 80, 120]) {
      const { written, terminal } = setUp({ isTTY: true, columns });
      terminal.onProgress({ phase: "evaluate before", done: 3, total: 400, note: "n".repeat(200) });
      expect(Math.max(...written.map((text) => [...text].length))).toBeLessThan(columns);
    }
  });

  it("prints lines above the bar and clears it at the end", () => {
    const { written, terminal } = setUp({ isTTY: true });
    terminal.onProgress({ phase: "rollout", done: 1, total: 2 });
    terminal.line("step 1");
    terminal.finish();
    expect(written.slice(1)).toEqual(["\r\u001b[2K", "step 1\n"]);
  });

  it("colours only when asked to", () => {
    const colours = (isColoured: boolean) => {
      const { written, terminal } = setUp({ isTTY: true }, isColoured);
      terminal.onProgress({ phase: "rollout", done: 1, total: 2 });
      return written.join("").includes("\u001b[36m");
    };
    expect([colours(true), colours(false)]).toEqual([true, false]);
  });
});
