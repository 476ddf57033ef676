import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { DataError } from "../../../src/core/errors.js";
import { type ZipEntry, zipBytes } from "../../../src/core/files/zip.js";
import { unzipMember, zipMembers } from "../../../src/core/files/zipMembers.js";
import { temporaryFolder } from "../../support/fakeModel.js";
import { unzip } from "../../support/unzip.js";

interface Part {
  readonly name: string;
  readonly content: string;
  /** 0 stored, 8 deflated, anything else: a method nobody has. */
  readonly method?: number;
  /** Of the local header alone: writers put times of more digits there. */
  readonly extra?: string;
}

/** An archive by hand, so that it can have what `zipBytes` never writes. */
function archiveOf(parts: readonly Part[], comment = ""): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const { name, content, method = 8, extra = "" } of parts) {
    const packed = method === 8 ? deflateRawSync(Buffer.from(content)) : Buffer.from(content);
    const fields = Buffer.alloc(22);
    fields.writeUInt16LE(method, 4);
    fields.writeUInt32LE(crc32(content), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(Buffer.byteLength(content), 18);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    fields.copy(local, 4);
    local.writeUInt16LE(Buffer.byteLength(name), 26);
    local.writeUInt16LE(extra.length, 28);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    fields.copy(central, 6);
    central.writeUInt16LE(Buffer.byteLength(name), 28);
    central.writeUInt32LE(offset, 42);
    const whole = Buffer.concat([local, Buffer.from(name + extra), packed]);
    locals.push(whole);
    centrals.push(central, Buffer.from(name));
    offset += whole.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...locals, directory, end, Buffer.from(comment)]);
}

let dir: string;
beforeAll(async () => {
  dir = await temporaryFolder();
});

let made = 0;
async function stored(bytes: Uint8Array): Promise<string> {
  const path = join(dir, `${made++}.zip`);
  await writeFile(path, bytes);
  return path;
}

/** Every member's text, by name. */
async function contentsOf(path: string): Promise<(readonly [name: string, content: string])[]> {
  const found: (readonly [string, string])[] = [];
  for (const member of await zipMembers(path)) {
    const to = join(dir, `${made++}.out`);
    await unzipMember(path, member, to);
    found.push([member.name, await readFile(to, "utf8")]);
  }
  return found;
}

describe("zipMembers and unzipMember", () => {
  it("give back what zipBytes was given, and so does a second reader", async () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    const name = fc.stringMatching(/^[a-zé/]{1,12}$/);
    const entries = fc.uniqueArray(fc.record({ path: name, bytes }), {
      selector: ({ path }) => path,
      maxLength: 4,
    });
    const check = async (given: readonly ZipEntry[]) => {
      const zip = zipBytes(given);
      const expected = given.map((entry) => [entry.path, Buffer.from(entry.bytes).toString("latin1")]);
      const oracle = [...unzip(zip)].map(([path, content]) => [path, content.toString("latin1")]);
      expect(oracle).toEqual(expected);
      const path = await stored(zip);
      for (const [at, member] of (await zipMembers(path)).entries()) {
        const to = join(dir, "member");
        await unzipMember(path, member, to);
        expect([member.name, (await readFile(to)).toString("latin1")]).toEqual(expected[at]);
      }
    };
    await fc.assert(fc.asyncProperty(entries, check), { numRuns: 25 });
  });

  it("read stored members, empty ones too, in front of others, last, and alone", async () => {
    const parts = [
      { name: "empty", content: "", method: 0 },
      { name: "plain", content: "as it is", method: 0 },
      { name: "packed", content: "x".repeat(1000) },
      { name: "nothing packed", content: "" },
      { name: "folder/", content: "", method: 0 },
    ];
    const expected = parts.map(({ name, content }) => [name, content]);
    expect(await contentsOf(await stored(archiveOf(parts)))).toEqual(expected);
    expect(await contentsOf(await stored(archiveOf(parts.slice(0, 1))))).toEqual(expected.slice(0, 1));
  });

  it("find the data behind a local header's own extra field, and the end before a comment", async () => {
    const parts = [{ name: "a", content: "text", extra: "UT-times-of-the-file" }];
    const path = await stored(archiveOf(parts, "made by hand; not a PK\u0005\u0006 record"));
    expect(await contentsOf(path)).toEqual([["a", "text"]]);
  });

  it("find nothing in an archive of nothing", async () => {
    expect(await zipMembers(await stored(zipBytes([])))).toEqual([]);
  });

  const hasZip = spawnSync("python3", ["-c", "import zipfile"]).status === 0;
  it.skipIf(!hasZip)("read what Python's zipfile writes, and Python reads ours", async () => {
    const path = join(dir, "python.zip");
    const write = [
      "import sys, zipfile",
      "with zipfile.ZipFile(sys.argv[1], 'w') as z:",
      "  z.writestr('stored.txt', 'abc')",
      "  z.writestr('empty.txt', '')",
      "  z.writestr('ü/packed.txt', 'abc' * 500, zipfile.ZIP_DEFLATED)",
    ].join("\n");
    execFileSync("python3", ["-c", write, path]);
    expect(await contentsOf(path)).toEqual([
      ["stored.txt", "abc"],
      ["empty.txt", ""],
      ["ü/packed.txt", "abc".repeat(500)],
    ]);
    const ours = await stored(zipBytes([{ path: "é.txt", bytes: Buffer.from("ours") }]));
    const read =
      "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(z.testzip(), z.read('é.txt').decode())";
    expect(execFileSync("python3", ["-c", read, ours], { encoding: "utf8" })).toBe("None ours\n");
  });
});

describe("what is no whole archive is refused by name", () => {
  const whole = archiveOf([{ name: "a", content: "text" }]);
  /** The archive with 32 bits of its end record replaced. */
  const withEnd = (at: number, value: number) => {
    const bytes = Buffer.from(whole);
    bytes.writeUInt32LE(value, bytes.length - 22 + at);
    return bytes;
  };
  it.each([
    ["an empty file", Buffer.alloc(0)],
    ["fewer bytes than an end record has", Buffer.from("PK\u0005\u0006")],
    ["text", Buffer.from("not a zip ".repeat(100))],
    ["an archive without its last byte", whole.subarray(0, -1)],
    ["an archive without its first half", whole.subarray(whole.length >> 1)],
    ["a directory longer than the file", withEnd(12, 0xfffffffe)],
    ["a directory that begins behind the file", withEnd(16, 0xfffffffe)],
    ["a directory that begins elsewhere", withEnd(16, 3)],
    ["more members than the directory lists", withEnd(10, 0x00000002)],
  ])("%s", async (_, bytes) => {
    const path = await stored(bytes);
    await expect(zipMembers(path)).rejects.toThrow(DataError);
    await expect(zipMembers(path)).rejects.toThrow(`${path}: not a whole ZIP archive`);
  });

  it("a file that is not there is the system's own error", async () => {
    await expect(zipMembers(join(dir, "none.zip"))).rejects.toThrow("ENOENT");
  });

  it.each([12, 16])(
    "all ones at byte %i of the end record: ZIP64 has the number (APPNOTE 4.4.23)",
    async (at) => {
      const reading = zipMembers(await stored(withEnd(at, 0xffffffff)));
      await expect(reading).rejects.toThrow("unsupported ZIP archive: it has the 64-bit extension");
    },
  );

  it("a method that is not read, and sizes that stand in a ZIP64 record, name the member", async () => {
    const path = await stored(archiveOf([{ name: "a.bz2", content: "x", method: 12 }]));
    await expect(zipMembers(path)).rejects.toThrow(`${path}: unsupported ZIP member: a.bz2`);
    const bytes = archiveOf([{ name: "big", content: "x" }]);
    bytes.writeUInt32LE(0xffffffff, bytes.indexOf("PK\u0001\u0002", 0, "latin1") + 24);
    await expect(zipMembers(await stored(bytes))).rejects.toThrow("unsupported ZIP member: big");
  });
});

describe("unzipMember refuses other bytes than were packed", () => {
  const content = "0123456789".repeat(20);
  it.each([
    ["a changed byte of a stored member", 0, (bytes: Buffer) => bytes.writeUInt8(0x78, 40)],
    ["a changed byte of a packed member", 8, (bytes: Buffer) => bytes.writeUInt8(0xff, 33)],
    [
      "a wrong checksum",
      8,
      (bytes: Buffer) => bytes.writeUInt8(0, bytes.indexOf("PK\u0001\u0002", 0, "latin1") + 16),
    ],
    [
      "a wrong size",
      8,
      (bytes: Buffer) => bytes.writeUInt8(7, bytes.indexOf("PK\u0001\u0002", 0, "latin1") + 24),
    ],
    ["no local header", 8, (bytes: Buffer) => bytes.writeUInt8(0, 0)],
  ])("%s", async (_, method, damage) => {
    const bytes = archiveOf([{ name: "a", content, method }]);
    damage(bytes);
    const path = await stored(bytes);
    const [member] = await zipMembers(path);
    if (!member) throw new Error("no member");
    await expect(unzipMember(path, member, join(dir, "out"))).rejects.toThrow(`${path}: damaged: a`);
  });

  it("and passes on that it cannot write", async () => {
    const path = await stored(archiveOf([{ name: "a", content }]));
    const [member] = await zipMembers(path);
    if (!member) throw new Error("no member");
    await mkdir(join(dir, "taken"));
    await expect(unzipMember(path, member, join(dir, "taken"))).rejects.toThrow("EISDIR");
  });
});

describe("zipBytes", () => {
  it("makes the same bytes of the same files", () => {
    const entries = [{ path: "a", bytes: Buffer.from("text") }];
    expect(zipBytes(entries)).toEqual(zipBytes(entries));
  });

  it("refuses more files than 16 bits count", () => {
    const bytes = new Uint8Array();
    const entries = Array.from({ length: 65_536 }, (_, at) => ({ path: String(at), bytes }));
    expect(() => zipBytes(entries)).toThrow("65536 files");
    expect(() => zipBytes(entries)).toThrow(DataError);
  });
});
