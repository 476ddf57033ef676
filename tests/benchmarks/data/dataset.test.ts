import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readDataset } from "../../../benchmarks/data/dataset.js";
import { DataError } from "../../../src/core/errors.js";

/** A base64 text that is no reference: longer than 64 characters. */
const PICTURE = Buffer.from("0123456789".repeat(6)).toString("base64");
const OTHER = Buffer.from("abcdefghij".repeat(6)).toString("base64");

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dataset-"));
});

async function fileOf(...lines: readonly (readonly string[])[]): Promise<string> {
  const path = join(folder, `data-${files++}.tsv`);
  await writeFile(path, lines.map((cells) => `${cells.join("\t")}\n`).join(""));
  return path;
}

const inMemory = { columns: ["question"], images: "memory" } as const;
const textOf = (image: unknown) => Buffer.from((image as { bytes: Uint8Array }).bytes).toString();

describe("readDataset(…)", () => {
  it("reads quoted cells with tabs, quotes and line breaks, and leaves missing cells out", async () => {
    const path = await fileOf(
      ["index", "question", "image", "A", "B"],
      ["1", '"a ""b""\n\tc"', PICTURE, "None", "x"],
      ["2", 'plain "quotes"', PICTURE, "N/A", ""],
    );
    const { rows } = await readDataset(path, inMemory);
    expect(rows.map(({ index, cells }) => ({ index, ...cells }))).toEqual([
      { index: "1", question: 'a "b"\n\tc', B: "x" },
      { index: "2", question: 'plain "quotes"' },
    ]);
  });

  it("keeps the file's MD5 and skips a byte order mark and blank lines", async () => {
    const path = join(folder, "bom.tsv");
    const text = `\ufeffindex\tquestion\timage\r\n\r\n1\tq\t${PICTURE}\r\n`;
    await writeFile(path, text);
    const { rows, md5 } = await readDataset(path, inMemory);
    expect(rows.map(({ index, cells }) => [index, cells["question"]])).toEqual([["1", "q"]]);
    expect(md5).toBe(createHash("md5").update(text).digest("hex"));
  });

  it("drops rows without an image and counts them", async () => {
    const path = await fileOf(
      ["index", "question", "image"],
      ["1", "q", PICTURE],
      ["2", "q", ""],
      ["3", "q", "nan"],
    );
    expect(await readDataset(path, inMemory)).toMatchObject({ total: 1, withoutImage: 2 });
  });

  it("follows a short image cell to the row whose index it is, before or after", async () => {
    const path = await fileOf(
      ["index", "question", "image"],
      ["1", "q", "3"],
      ["2", "q", PICTURE],
      ["3", "q", OTHER],
      ["4", "q", "2"],
    );
    const { rows } = await readDataset(path, inMemory);
    expect(rows.map(({ images }) => textOf(images[0]).slice(0, 3))).toEqual(["abc", "012", "abc", "012"]);
  });

  it("finds a referenced image beyond the limit", async () => {
    const path = await fileOf(
      ["index", "question", "image"],
      ["1", "q", "3"],
      ["2", "q", PICTURE],
      ["3", "q", OTHER],
    );
    const { rows, total } = await readDataset(path, { ...inMemory, limit: 1 });
    expect(total).toBe(3);
    expect(rows.map(({ images }) => textOf(images[0]).slice(0, 3))).toEqual(["abc"]);
  });

  it("gives a row a problem when its reference leads nowhere or on to another reference", async () => {
    const path = await fileOf(
      ["index", "question", "image"],
      ["1", "q", "9"],
      ["2", "q", "1"],
      ["3", "q", PICTURE],
    );
    const { rows } = await readDataset(path, inMemory);
    expect(rows.map(({ problem }) => problem?.replace(/^.*index \d: /, ""))).toEqual([
      'invalid image: "9" is short, so it is an index, and no row with an image has it',
      'invalid image: "1" is short, so it is an index, and that row refers on to another',
      undefined,
    ]);
  });

  it("reads a list literal as several images and a list of one as one", async () => {
    const path = await fileOf(
      ["index", "question", "image"],
      ["1", "q", `"['${PICTURE}', '${OTHER}']"`],
      ["2", "q", `['${OTHER}']`],
    );
    const { rows } = await readDataset(path, inMemory);
    expect(rows.map(({ images }) => images.map((image) => textOf(image).slice(0, 3)))).toEqual([
      ["012", "abc"],
      ["abc"],
    ]);
  });

  it("gives a row a problem when its image is not base64, and reads the others", async () => {
    const path = await fileOf(
      ["index", "question", "image"],
      ["1", "q", "<not base64>".repeat(10)],
      ["2", "q", PICTURE],
    );
    const { rows } = await readDataset(path, inMemory);
    expect(rows[0]).toMatchObject({ index: "1", images: [], problem: expect.stringContaining("not base64") });
    expect(rows[1]?.problem).toBeUndefined();
  });

  it("keeps images as files under their digest, once", async () => {
    const images = join(folder, "images-kept");
    const path = await fileOf(["index", "question", "image"], ["1", "q", PICTURE], ["2", "q", PICTURE]);
    const { rows } = await readDataset(path, { columns: [], images: { folder: images } });
    const paths = rows.map(({ images: [image] }) => (image?.kind === "path" ? image.path : ""));
    expect(new Set(paths).size).toBe(1);
    expect(readFileSync(paths[0] as string, "utf8")).toBe("0123456789".repeat(6));
  });

  it("reads rows without images for scoring", async () => {
    const path = await fileOf(["index", "question", "image"], ["1", "q", PICTURE], ["2", "q", ""]);
    const { rows } = await readDataset(path, { columns: [], images: "skip" });
    expect(rows).toEqual([{ index: "1", cells: { question: "q" }, images: [] }]);
  });

  it("compares indices as whole numbers where they are some", async () => {
    const path = await fileOf(
      ["index", "question", "image"],
      ["007", "q", PICTURE],
      ["8.0", "q", "7"],
      ["x1", "q", PICTURE],
    );
    const { rows } = await readDataset(path, inMemory);
    expect(rows.map(({ index, problem }) => [index, problem])).toEqual([
      ["7", undefined],
      ["8", undefined],
      ["x1", undefined],
    ]);
  });
});

describe("readDataset(…) refuses", () => {
  const refusal = (path: string, columns = ["question"]) => readDataset(path, { columns, images: "memory" });

  it("a file without needed columns, naming all of them and what is there", async () => {
    const path = await fileOf(["id", "text"], ["1", "q"]);
    await expect(refusal(path, ["question", "answer"])).rejects.toThrow(
      `${path}: missing columns: index, question, answer, image; it has id, text`,
    );
  });

  it("duplicate indices, naming the rows", async () => {
    const path = await fileOf(["index", "question", "image"], ["1", "q", PICTURE], ["1.0", "q", PICTURE]);
    await expect(refusal(path)).rejects.toThrow("duplicate index: 1 (rows 1 and 2)");
  });

  it("a row without an index, a column that appears twice, rows of other lengths", async () => {
    const noIndex = await fileOf(["index", "question", "image"], ["", "q", PICTURE]);
    await expect(refusal(noIndex)).rejects.toThrow("row 1: missing index");
    const twice = await fileOf(["index", "question", "question", "image"]);
    await expect(refusal(twice)).rejects.toThrow("column question appears twice");
    const short = await fileOf(["index", "question", "image"], ["1", "q"]);
    await expect(refusal(short)).rejects.toThrow(/invalid TSV near line \d/);
  });

  it("a file that is cut off inside a quoted cell, is empty, or is not there", async () => {
    const cut = join(folder, "cut.tsv");
    await writeFile(cut, 'index\tquestion\timage\n1\t"never ends');
    await expect(refusal(cut)).rejects.toThrow("the file is cut off or damaged");
    const empty = join(folder, "empty.tsv");
    await writeFile(empty, "");
    await expect(refusal(empty)).rejects.toThrow("empty: expected a header row");
    await expect(refusal(join(folder, "absent.tsv"))).rejects.toThrow(DataError);
  });
});

describe("image_path without an image column", () => {
  const pathRow = async (...names: readonly string[]) => {
    const root = join(folder, "root");
    await mkdir(join(root, "inner"), { recursive: true });
    await writeFile(join(root, "inner", "a.png"), "a");
    await writeFile(join(folder, "secret.png"), "s");
    if (!existsSync(join(root, "link.png")))
      await symlink(join(folder, "secret.png"), join(root, "link.png"));
    const path = await fileOf(
      ["index", "question", "image_path"],
      ...names.map((name, at) => [String(at), "q", name]),
    );
    const { rows } = await readDataset(path, { ...inMemory, imageRoot: root });
    return rows;
  };

  it("names files below the image folder, also in lists and absolute", async () => {
    const rows = await pathRow(
      "inner/a.png",
      "['inner/a.png', 'b.png']",
      join(folder, "root", "inner", "a.png"),
    );
    expect(rows.map(({ images, problem }) => [images.length, problem])).toEqual([
      [1, undefined],
      [2, undefined],
      [1, undefined],
    ]);
  });

  it.each([
    "../secret.png",
    "/etc/passwd",
    "inner/../../secret.png",
    "link.png",
    "['../secret.png']",
    "a\0.png",
    ".",
  ])("is refused for %j, which leads outside", async (name) => {
    const [row] = await pathRow(name);
    expect(row).toMatchObject({ images: [], problem: expect.stringContaining("must name files inside") });
  });
});

describe("a cell of 50 MB", () => {
  it("is read within memory and comes out whole", async () => {
    const path = join(folder, "huge.tsv");
    const bytes = Buffer.alloc(37_500_000, 7);
    await writeFile(path, `index\tquestion\timage\n1\tq\t${bytes.toString("base64")}\n2\tq\t1\n`);
    const { rows } = await readDataset(path, { columns: [], images: { folder: join(folder, "huge") } });
    const [image] = rows[1]?.images ?? [];
    expect(image?.kind === "path" && readFileSync(image.path).equals(bytes)).toBe(true);
  });
});
