import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { packTarGz, unpackTarGz } from "../../../src/core/files/tar.js";
import { temporaryFolder } from "../../support/fakeModel.js";

const LIMITS = { bytes: 10_000_000, files: 10 };
const hasTar = spawnSync("tar", ["--version"]).status === 0;

interface Part {
  readonly name: string;
  readonly type?: string;
  readonly content?: string;
  readonly size?: number;
  readonly link?: string;
}

/** An archive by hand, so that it can be wrong. */
function tarOf(parts: readonly Part[], end = true): Buffer {
  const blocks = parts.flatMap(({ name, type = "0", content = "", size, link = "" }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(`${(size ?? Buffer.byteLength(content)).toString(8).padStart(11, "0")} `, 124);
    header.write(type, 156);
    header.write(link, 157);
    header.write("ustar\x0000", 257);
    header.write("        ", 148);
    const sum = header.reduce((all, byte) => all + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    const data = Buffer.from(content);
    return [header, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(end ? 1024 : 0)]);
}

/** Unpacks bytes, gzipped unless they are already; what came out by name. */
async function unpacked(bytes: Buffer, limits = LIMITS, isRaw = false) {
  const dir = await temporaryFolder();
  const [archive, folder] = [join(dir, "a.tar.gz"), join(dir, "out")];
  await writeFile(archive, isRaw ? bytes : gzipSync(bytes));
  await mkdir(folder);
  const names = await unpackTarGz(archive, folder, limits);
  return Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), "utf8")] as const));
}

describe("unpackTarGz", () => {
  it("gives back what packTarGz took, empty files and whole blocks too", async () => {
    const dir = await temporaryFolder();
    const contents = { a: "", b: "x".repeat(512), "c.json": "{}", d: "y".repeat(300_000) };
    for (const [name, text] of Object.entries(contents)) await writeFile(join(dir, name), text);
    await packTarGz(dir, Object.keys(contents), join(dir, "all.tar.gz"));
    const back = await unpacked(await readFile(join(dir, "all.tar.gz")), LIMITS, true);
    expect(back).toEqual(Object.entries(contents));
  });

  it.skipIf(!hasTar)("reads what tar writes in three formats, and tar reads ours", async () => {
    const dir = await temporaryFolder();
    const long = `${"n".repeat(120)}.json`;
    await mkdir(join(dir, "in", "deep"), { recursive: true });
    await writeFile(join(dir, "in", "deep", long), "long");
    await writeFile(join(dir, "in", "plain"), "plain");
    for (const format of ["gnu", "pax", "ustar"]) {
      const file = join(dir, `${format}.tar.gz`);
      const made = spawnSync("tar", ["czf", file, `--format=${format}`, "-C", join(dir, "in"), "."]);
      if (format === "ustar" && made.status !== 0) continue; // names above 100 bytes fit in part only
      expect(made.status, format).toBe(0);
      const found = new Map(await unpacked(await readFile(file), LIMITS, true));
      expect([...found.keys()].sort(), format).toEqual([`deep/${long}`, "plain"].sort());
      expect(found.get(`deep/${long}`), format).toBe("long");
    }
    await packTarGz(join(dir, "in"), ["plain"], join(dir, "ours.tar.gz"));
    const read = spawnSync("tar", ["xzOf", join(dir, "ours.tar.gz"), "plain"], { encoding: "utf8" });
    expect(read.stdout).toBe("plain");
  });

  it.each([
    ["a name above the folder", [{ name: "../x", content: "1" }], /"\.\.\/x" leads out of the folder/],
    ["an absolute name", [{ name: "/etc/x", content: "1" }], /leads out of the folder/],
    ["a name in Windows' manner", [{ name: "..\\x", content: "1" }], /leads out of the folder/],
    [
      "a long name above the folder",
      [
        { name: "L", type: "L", content: "a/../../x" },
        { name: "y", content: "1" },
      ],
      /leads out/,
    ],
    [
      "pax's name above the folder",
      [{ name: "p", type: "x", content: "16 path=../../x\n" }, { name: "y" }],
      /leads out/,
    ],
    ["a record that is none", [{ name: "p", type: "x", content: "99 path=x\n" }], /record of names is none/],
    ["a symbolic link", [{ name: "x", type: "2", link: "/etc/passwd" }], /x is no file \(type 2\)/],
    ["a hard link", [{ name: "x", type: "1", link: "/etc/passwd" }], /type 1/],
    ["a device", [{ name: "x", type: "3" }], /type 3/],
    ["a file twice", [{ name: "x" }, { name: "./x" }], /x comes twice/],
    ["a file in the place of a folder", [{ name: "a/b" }, { name: "a" }], /a comes twice/],
    ["more bytes than it has", [{ name: "x", content: "1", size: 5000 }], /ends early/],
    ["more than is allowed", [{ name: "x", size: 8 ** 8 }], /more than 10000000 bytes/],
    ["a record of names without end", [{ name: "x", type: "L", size: 8 ** 8 }], /a record of names has/],
    ["too many files", Array.from({ length: 11 }, (_, at) => ({ name: `f${at}` })), /more than 10 files/],
  ] as const)("refuses %s", async (_, parts, message) => {
    await expect(unpacked(tarOf(parts))).rejects.toThrow(message);
  });

  it("refuses an archive without an end, one that is cut or altered, one that goes on, and what is none", async () => {
    const whole = gzipSync(tarOf([{ name: "x", content: "z".repeat(2000) }]));
    await expect(unpacked(tarOf([{ name: "x", content: "1" }], false))).rejects.toThrow(/ends early/);
    await expect(unpacked(whole.subarray(0, -6), LIMITS, true)).rejects.toThrow(/not an archive/);
    const altered = Buffer.from(whole);
    altered[altered.length - 7] = (altered[altered.length - 7] ?? 0) ^ 1; // in the checksum
    await expect(unpacked(altered, LIMITS, true)).rejects.toThrow(/incorrect data check/);
    const bomb = Buffer.concat([tarOf([{ name: "x" }]), Buffer.alloc(2 ** 21)]);
    await expect(unpacked(bomb)).rejects.toThrow(/goes on after its end/);
    await expect(unpacked(Buffer.from("<html>"), LIMITS, true)).rejects.toThrow(/incorrect header check/);
    const noise = tarOf([{ name: "x", content: "1" }]);
    noise[0] = 0x79;
    await expect(unpacked(noise)).rejects.toThrow(/checksum is wrong/);
  });

  it("refuses a folder that is not empty", async () => {
    const dir = await temporaryFolder();
    await writeFile(join(dir, "a"), "");
    await expect(unpackTarGz(join(dir, "a"), dir, LIMITS)).rejects.toThrow(/needs an empty folder/);
    expect(await readdir(dir)).toEqual(["a"]);
  });
});
