import { readdir } from "node:fs/promises";
import { expect, it } from "vitest";
import { presetInput, resolveConfig } from "../../src/config/load.js";
import { CheckpointError } from "../../src/core/errors.js";
import { whileHolding } from "../../src/core/files/folderLock.js";
import { trainInFolder } from "../../src/train/trainInFolder.js";
import { temporaryFolder } from "../support/fakeModel.js";

it("trainInFolder(…) leaves a folder alone that another process works in, also to resume", async () => {
  const out = await temporaryFolder();
  const config = resolveConfig(presetInput("tiny"), "test");
  await whileHolding(out, "train", async () => {
    for (const isResume of [false, true]) {
      const refused = trainInFolder({ config, out, isResume });
      await expect(refused).rejects.toBeInstanceOf(CheckpointError);
      await expect(refused).rejects.toThrow(`in use: sharegrpo train, process ${process.pid}`);
    }
    expect(await readdir(out)).toEqual(["running.json"]);
  });
});
