import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { addNotebook } from "../../src/cli/notebook.js";
import { DataError } from "../../src/core/errors.js";
import { runCommand } from "../helpers/command.js";
import { temporaryFolder } from "../support/fakeModel.js";

let path: string;
beforeEach(async () => {
  path = join(await temporaryFolder(), "one.ipynb");
});

const run = (...args: string[]) => runCommand(addNotebook, "notebook", "run", ...args);

// What it does with notebooks that run: tests/notebooks.test.ts, tests/kernel/runNotebook.test.ts.
describe("sharegrpo notebook run", () => {
  it.each([
    ["a file that is not there", undefined, /no such notebook/],
    ["a file that is no notebook", "{}", /one\.ipynb/],
  ])("refuses %s", async (_, text, message) => {
    if (text !== undefined) await writeFile(path, text);
    await expect(run(path)).rejects.toThrow(DataError);
    await expect(run(path)).rejects.toThrow(message);
  });
});
