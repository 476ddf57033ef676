import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BenchmarkError, DataError } from "../../../src/core/errors.js";
import { readJson } from "../../../src/core/files/json.js";
import { temporaryFolder } from "../../support/fakeModel.js";

describe("readJson", () => {
  it("gives what a file holds, and says which file cannot be read in the caller's kind of error", async () => {
    const dir = await temporaryFolder();
    const path = join(dir, "list.json");
    await writeFile(path, '[1, {"a": "é"}]');
    expect(await readJson(path, DataError)).toEqual([1, { a: "é" }]);
    await writeFile(path, "\ufeff[1]");
    expect(await readJson(path, DataError)).toEqual([1]);
    await writeFile(path, "[1,");
    await expect(readJson(path, DataError)).rejects.toThrow(DataError);
    await expect(readJson(path, DataError)).rejects.toThrow(`${path}: cannot read as JSON: `);
    const missing = join(dir, "nowhere.json");
    await expect(readJson(missing, BenchmarkError)).rejects.toThrow(BenchmarkError);
    await expect(readJson(missing, BenchmarkError)).rejects.toThrow(
      `${missing}: cannot read as JSON: ENOENT`,
    );
  });
});
