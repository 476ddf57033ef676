import { WriteStream } from "node:tty";
import { describe, expect, it } from "vitest";
import { bar, clipText, createTerminal, screenOf, type TerminalOptions } from "../../src/cli/ui.js";

/** A screen that remembers, and a clock that is set by hand. */
function setUp(
  screen: { isTTY: boolean; columns?: number },
  options: Partial<Pick<TerminalOptions, "isColoured" | "loudness">> = {},
) {
  const written: string[] = [];
  const clock = { ms: 0 };
  const terminal = createTerminal({
    screen: { ...screen, write: (text: string) => written.push(text) },
    now: () => clock.ms,
    ...options,
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
  /** One event a second. */
  const progress = ({ clock, terminal }: ReturnType<typeof setUp>, seconds: number) => {
    for (let second = 0; second <= seconds; second++) {
      clock.ms = 1000 * second;
      terminal.onProgress({ phase: "rollout", done: second, total: 20, note: "step 1" });
    }
  };

  it("prints plain lines, after 5 s, 10 s, 20 s and so on, so that a long run fills no log", () => {
    const screen = setUp({ isTTY: false });
    progress(screen, 19);
    expect(screen.written).toEqual([
      "rollout: 0/20 · step 1\n",
      "rollout: 5/20 · 15 s left · step 1\n",
      "rollout: 15/20 · 5 s left · step 1\n",
    ]);
  });

  it("prints one every 5 minutes at the longest", () => {
    const { written, clock, terminal } = setUp({ isTTY: false });
    for (let minute = 0; minute <= 600; minute++) {
      clock.ms = 60_000 * minute;
      terminal.onProgress({ phase: "train", done: minute, total: 600 });
    }
    // 10 hours: 1 min, 2, 3 … while the wait is shorter than a minute, then 2, 3, 5, 5 … minutes
    expect(written.length).toBeGreaterThan(600 / 5);
    expect(written.length).toBeLessThan(600 / 5 + 10);
  });

  it("prints every 5 s when it is to be verbose, and nothing when it is to be quiet", () => {
    const verbose = setUp({ isTTY: false }, { loudness: "verbose" });
    progress(verbose, 19);
    expect(verbose.written).toHaveLength(4);
    const quiet = setUp({ isTTY: false }, { loudness: "quiet" });
    progress(quiet, 19);
    quiet.terminal.line("step 1");
    quiet.terminal.retried("busy", "503");
    expect(quiet.written).toEqual([]);
  });
});

describe("createTerminal retried(…)", () => {
  it("tells the first of each kind and counts all beside the progress", () => {
    const { written, clock, terminal } = setUp({ isTTY: false });
    terminal.retried("timeout", "no answer");
    terminal.retried("timeout", "no answer");
    terminal.retried("busy", "503");
    clock.ms = 6000;
    terminal.onProgress({ phase: "ask", done: 1, total: 2 });
    expect(written).toEqual([
      "no answer: trying again; more of this kind are only counted\n",
      "503: trying again; more of this kind are only counted\n",
      "ask: 1/2 · 3 retries\n",
    ]);
  });

  it("tells each one when it is to be verbose", () => {
    const { written, terminal } = setUp({ isTTY: false }, { loudness: "verbose" });
    terminal.retried("timeout", "no answer");
    terminal.retried("timeout", "no answer");
    expect(written).toEqual(["retry: no answer\n", "retry: no answer\n"]);
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
      const { written, terminal } = setUp({ isTTY: true }, { isColoured });
      terminal.onProgress({ phase: "rollout", done: 1, total: 2 });
      return written.join("").includes("\u001b[36m");
    };
    expect([colours(true), colours(false)]).toEqual([true, false]);
  });
});

describe("screenOf", () => {
  /** Node's own reading of the environment, without a terminal. */
  const streamOf = (isTTY: boolean): WriteStream =>
    Object.create(WriteStream.prototype, { isTTY: { value: isTTY }, columns: { value: 60 } });

  it.each<readonly [env: NodeJS.ProcessEnv, isTTY: boolean, isDrawnOver: boolean, isColoured: boolean]>([
    [{ TERM: "xterm" }, true, true, true],
    [{ TERM: "xterm" }, false, false, false],
    [{ TERM: "xterm", NO_COLOR: "1" }, true, true, false],
    [{ TERM: "xterm", FORCE_COLOR: "0" }, true, true, false],
    [{ TERM: "xterm", FORCE_COLOR: "1" }, true, true, true],
    [{ FORCE_COLOR: "1" }, false, false, false], // a log has no bar to colour
    [{ TERM: "dumb" }, true, false, false],
    [{ TERM: "dumb", FORCE_COLOR: "1" }, true, false, false],
  ])("under %j, a terminal: %s: drawn over %s, coloured %s", (env, isTTY, isDrawnOver, isColoured) => {
    const { screen, ...shown } = screenOf(streamOf(isTTY), env);
    expect([screen.isTTY, shown.isColoured, screen.columns]).toEqual([isDrawnOver, isColoured, 60]);
  });
});
