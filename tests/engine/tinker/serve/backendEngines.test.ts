import { describe, expect, it } from "vitest";
import type { Engine } from "../../../../src/engine/engine.js";
import { createLocalBackend } from "../../../../src/engine/tinker/serve/localBackend.js";
import { readingOf } from "../../../../src/engine/tinker/serve/readDatum.js";
import { modelFolder } from "../../../../src/model/load.js";
import { temporaryFolder } from "../../../support/fakeModel.js";

describe("engines of models", () => {
  const asked = { baseModel: "fake", rank: 0, seed: 0 };
  /** Engines that open when they are let go, and are counted while they are open. */
  async function slowBackend(maxModels: number) {
    const opened = { count: 0 };
    const letGo: ((problem?: Error) => void)[] = [];
    const engine = { close: async () => void opened.count-- } as Engine;
    const open = () =>
      new Promise<Engine>((resolve, reject) => {
        letGo.push((problem) => {
          if (problem) return reject(problem);
          opened.count++;
          resolve(engine);
        });
      });
    const reading = await readingOf(modelFolder("tiny"));
    const options = {
      model: "fake",
      folder: await temporaryFolder(),
      ...reading,
      limits: { maxModels },
      open,
    };
    return { backend: createLocalBackend(options), opened, letGo };
  }

  it("count from when they are opened, and no more where they did not open or were closed", async () => {
    const { backend, letGo } = await slowBackend(1);
    const first = backend.createModel({ id: "a", ...asked });
    const full = "above this server's limit of 1 models at once";
    await expect(backend.createModel({ id: "b", ...asked })).rejects.toThrow(full);
    letGo[0]?.(new Error("no memory"));
    await expect(first).rejects.toThrow("no memory");
    const second = backend.createModel({ id: "c", ...asked });
    letGo[1]?.();
    const model = await second;
    await expect(backend.createModel({ id: "d", ...asked })).rejects.toThrow(full);
    await model.close();
    await model.close();
    const third = backend.createModel({ id: "e", ...asked });
    letGo[2]?.();
    await third;
  });

  it("are closed with the server, also those that are still being opened", async () => {
    const { backend, opened, letGo } = await slowBackend(3);
    const made = ["a", "b", "c"].map((id) => backend.createModel({ id, ...asked }));
    const failed = expect(made[1]).rejects.toThrow("no memory");
    letGo[0]?.();
    await made[0];
    const closed = backend.close();
    letGo[1]?.(new Error("no memory"));
    letGo[2]?.();
    await Promise.all([closed, failed]);
    expect(opened.count).toBe(0);
  });
});
