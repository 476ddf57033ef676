import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readTsv } from "../../../benchmarks/data/tsv.js";
import { temporaryFolder } from "../../support/fakeModel.js";

const TABLE = "index\tquestion\n1\tHow many?\n2\tWhich?\n";

describe("a table that is no UTF-8 with line feeds", () => {
  it.each([
    [
      "UTF-16 with a mark",
      Buffer.from(`\ufeff${TABLE}`, "utf16le"),
      "it is UTF-16, expected UTF-8; convert it",
    ],
    ["UTF-16 without one", Buffer.from(TABLE, "utf16le"), "it is UTF-16, expected UTF-8; convert it"],
    [
      "old Macs' line ends",
      Buffer.from(TABLE.replaceAll("\n", "\r")),
      "carriage returns alone, as on old Macs",
    ],
  ])("is refused for %s, with the cure", async (_, bytes, message) => {
    const path = join(await temporaryFolder(), "table.tsv");
    await writeFile(path, bytes);
    await expect(readTsv(path, { onRow: () => undefined })).rejects.toThrow(message);
  });

  it("with Windows' line ends is read", async () => {
    const path = join(await temporaryFolder(), "table.tsv");
    await writeFile(path, TABLE.replaceAll("\n", "\r\n"));
    const rows: string[] = [];
    await readTsv(path, { onRow: (row) => void rows.push(row["question"] ?? "") });
    expect(rows).toEqual(["How many?", "Which?"]);
  });
});
