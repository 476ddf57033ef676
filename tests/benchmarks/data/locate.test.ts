import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dataRoot, fetchDataset, fileIn } from "../../../benchmarks/data/locate.js";
import type { DatasetInfo } from "../../../benchmarks/records.js";

const CONTENT = "index\tquestion\timage\n";
const md5 = createHash("md5").update(CONTENT).digest("hex");
let server: Server;
let requests = 0;
let url = "";
beforeAll(async () => {
  server = createServer((request, response) => {
    requests++;
    if (request.url?.endsWith("other.tsv")) return void response.end("not the file");
    response.end(CONTENT);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

const newRoot = () => mkdtemp(join(tmpdir(), "locate-"));
const dataset = (file: string): DatasetInfo => ({ name: "Set", split: "test", url: `${url}/${file}`, md5 });

describe("dataRoot(…)", () => {
  it("is the named folder when that exists, else LMUData in the home folder", async () => {
    const folder = await newRoot();
    expect(dataRoot(folder, "/home/me")).toBe(folder);
    expect(dataRoot(join(folder, "absent"), "/home/me")).toBe(join("/home/me", "LMUData"));
    expect(dataRoot(undefined, "/home/me")).toBe(join("/home/me", "LMUData"));
  });
});

describe("fetchDataset(…)", () => {
  it("downloads a missing file once and uses it from then on", async () => {
    const root = await newRoot();
    requests = 0;
    const path = await fetchDataset(root, dataset("Set.tsv"));
    expect(readFileSync(path, "utf8")).toBe(CONTENT);
    await fetchDataset(root, dataset("Set.tsv"));
    expect(requests).toBe(1);
  });

  it("takes a file that was saved under the last part of its address", async () => {
    const root = await newRoot();
    await writeFile(join(root, "Saved.tsv"), CONTENT);
    requests = 0;
    expect(readFileSync(await fetchDataset(root, dataset("Saved.tsv")), "utf8")).toBe(CONTENT);
    expect(requests).toBe(0);
    expect(await readdir(root)).toEqual(["Set.tsv"]);
  });

  it("downloads a file again that is not the published one, and says so", async () => {
    const root = await newRoot();
    await writeFile(join(root, "Set.tsv"), "an older version");
    const notes: string[] = [];
    await fetchDataset(root, dataset("Set.tsv"), { onNote: (note) => notes.push(note) });
    expect(notes).toEqual([expect.stringContaining("not the published file")]);
    expect(readFileSync(join(root, "Set.tsv"), "utf8")).toBe(CONTENT);
  });

  it("keeps the file that is there when the server sends other bytes, and says how to use it", async () => {
    const root = await newRoot();
    await mkdir(root, { recursive: true });
    await writeFile(join(root, "Set.tsv"), "an older version");
    const fetched = fetchDataset(root, dataset("other.tsv"), { onNote: () => undefined, tries: 1 });
    await expect(fetched).rejects.toThrow(`to use the file that is there, give --data ${root}`);
    expect(readFileSync(join(root, "Set.tsv"), "utf8")).toBe("an older version");
  });

  it("says offline how to bring the file by hand", async () => {
    const root = await newRoot();
    const offline = { ...dataset("x"), url: "http://127.0.0.1:9/Set.tsv" };
    const fetched = fetchDataset(root, offline, { tries: 1, pauseMs: 1 });
    await expect(fetched).rejects.toThrow(
      `to work offline, copy the file (MD5 ${md5}) to ${join(root, "Set.tsv")}, or try the bundled samples`,
    );
    expect(existsSync(join(root, "Set.tsv"))).toBe(false);
  });
});

describe("fileIn(…)", () => {
  it("uses a folder's file as it is and downloads nothing", async () => {
    const root = await newRoot();
    await expect(async () => fileIn(root, dataset("Set.tsv"))).rejects.toThrow(
      "Set.tsv: missing: put the file there",
    );
    await writeFile(join(root, "Set.tsv"), "anything");
    expect(fileIn(root, dataset("Set.tsv"))).toBe(join(root, "Set.tsv"));
  });
});
