import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { joinStreams } from "../../src/kernel/streamJoiner.js";

describe("joinStreams", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function recorder() {
    const sent: string[] = [];
    const clock = { ms: 0 };
    const joiner = joinStreams({ send: (name, text) => sent.push(`${name}:${text}`), now: () => clock.ms });
    return { sent, clock, joiner };
  }

  it("sends the first write at once and joins those that follow within 20 ms", () => {
    const { sent, joiner } = recorder();
    for (const text of ["a", "b", "c"]) joiner.write("stdout", text);
    expect(sent).toEqual(["stdout:a"]);
    vi.advanceTimersByTime(20);
    expect(sent).toEqual(["stdout:a", "stdout:bc"]);
  });

  it("sends by the clock where no timer can fire, as in a cell that never waits", () => {
    const { sent, clock, joiner } = recorder();
    for (let write = 0; write < 100; write++) {
      clock.ms = write;
      joiner.write("stdout", "x");
    }
    // at 0 ms, then 21 ms after each before: 21, 42, 63, 84
    expect(sent.map((text) => text.length - "stdout:".length)).toEqual([1, 21, 21, 21, 21]);
  });

  it("sends a full message without waiting", () => {
    const { sent, joiner } = recorder();
    joiner.write("stdout", "a");
    joiner.write("stdout", "b".repeat(32_768));
    expect(sent).toHaveLength(2);
  });

  it("keeps the order of the two streams", () => {
    const { sent, joiner } = recorder();
    joiner.write("stdout", "1");
    joiner.write("stdout", "2");
    joiner.write("stderr", "3");
    joiner.write("stdout", "4");
    joiner.flush();
    expect(sent).toEqual(["stdout:1", "stdout:2", "stderr:3", "stdout:4"]);
  });

  it("sends nothing when flushed with nothing waiting", () => {
    const { sent, joiner } = recorder();
    joiner.flush();
    expect(sent).toEqual([]);
  });
});
