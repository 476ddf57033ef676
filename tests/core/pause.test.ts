import { describe, expect, it } from "vitest";
import { pause } from "../../src/core/pause.js";

describe("pause", () => {
  const reason = new Error("interrupted");
  it("ends by itself", async () => {
    await expect(pause(0)).resolves.toBeUndefined();
    await expect(pause(1, new AbortController().signal)).resolves.toBeUndefined();
  });

  it("ends at once with the signal's own reason, whether that was given before or meanwhile", async () => {
    await expect(pause(1e6, AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const resting = pause(1e6, controller.signal);
    controller.abort(reason);
    await expect(resting).rejects.toBe(reason);
  });
});
