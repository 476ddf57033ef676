import { describe, expect, it } from "vitest";
import { stopwatch } from "../../src/train/stopwatch.js";

/** A clock that goes on by 250 ms at every look. */
function clock(): () => number {
  let at = 1000;
  return () => (at += 250);
}

describe("stopwatch", () => {
  it("adds up the time of each name, in seconds, and hands results through", async () => {
    const watch = stopwatch(clock());
    expect(await watch.time("rollout", async () => "tokens")).toBe("tokens");
    await watch.time("rollout", async () => undefined);
    await watch.time("update", async () => undefined);
    expect(watch.seconds).toEqual({ rollout: 0.5, update: 0.25 });
  });

  it("counts work inside other work for both", async () => {
    const watch = stopwatch(clock());
    await watch.time("step", () => watch.time("reward", async () => undefined));
    expect(watch.seconds).toEqual({ reward: 0.25, step: 0.75 });
  });

  it("counts work that fails, and passes the failure on", async () => {
    const watch = stopwatch(clock());
    const failing = watch.time("update", () => Promise.reject(new Error("out of memory")));
    await expect(failing).rejects.toThrow("out of memory");
    expect(watch.seconds).toEqual({ update: 0.25 });
  });
});
