import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DataError } from "../../src/core/errors.js";
import { downloadSplit, type HubOptions, isHubId } from "../../src/data/hub.js";
import { locateData } from "../../src/data/locate.js";
import { COMMIT, type HubServer, startHub } from "../helpers/hubServer.js";
import { temporaryFolder } from "../support/fakeModel.js";

const SHARD = Uint8Array.from({ length: 200_000 }, (_, at) => (at * 31) % 251);
const OTHER = new TextEncoder().encode('{"problem":"1 + 1?","answer":"2"}\n');
const CARD = new TextEncoder().encode(
  "---\nconfigs:\n- config_name: default\n  data_files:\n  - {split: train, path: data/train*}\n  - {split: test, path: data/test.jsonl}\n---\n",
);

const REQUEST = { id: "someone/scenes", splits: ["train"] };
let hub: HubServer;
let options: HubOptions;

beforeEach(async () => {
  hub = await startHub({
    "README.md": { content: CARD },
    "data/train 0.parquet": { content: SHARD, isLarge: true },
    "data/test.jsonl": { content: OTHER },
  });
  options = { endpoint: hub.url, cacheDir: await cacheFolder(), tries: 5, pauseMs: 1 };
});
afterEach(() => hub.close());

let folders = 0;
let parent: Promise<string> | undefined;
async function cacheFolder(): Promise<string> {
  return join(await (parent as Promise<string>), `cache-${folders++}`);
}
parent = temporaryFolder();

describe("downloadSplit(…)", () => {
  it("brings the files of one split and keeps them under their commit", async () => {
    const [path, ...rest] = await downloadSplit(REQUEST, options);
    expect(rest).toEqual([]);
    expect(path).toBe(join(options.cacheDir, "someone--scenes", COMMIT, "data", "train 0.parquet"));
    expect(Uint8Array.from(await readFile(path as string))).toEqual(SHARD);
    expect(hub.requests.some((request) => request.includes("test.jsonl"))).toBe(false);
  });

  it("goes on where a connection broke off", async () => {
    await downloadSplit({ ...REQUEST, splits: ["test"] }, options); // README and the small file are there
    hub.cuts = 3;
    const [path] = await downloadSplit(REQUEST, options);
    expect(Uint8Array.from(await readFile(path as string))).toEqual(SHARD);
    const ranges = hub.requests.filter((request) => request.includes("bytes="));
    expect(ranges.length).toBeGreaterThan(0);
    expect(ranges.every((request) => Number(/bytes=(\d+)-/.exec(request)?.[1]) > 0)).toBe(true);
  });

  it("goes on in a later run, and fetches nothing twice", async () => {
    hub.cuts = 100;
    const impatient = { ...options, signal: AbortSignal.timeout(400) };
    await expect(downloadSplit(REQUEST, impatient)).rejects.toThrow();
    hub.cuts = 0;
    await downloadSplit(REQUEST, options);
    const before = hub.requests.length;
    await downloadSplit(REQUEST, options);
    expect(hub.requests.slice(before).every((request) => request.startsWith("/api/"))).toBe(true);
  });

  it("refuses bytes of another digest, and leaves nothing behind under the file's name", async () => {
    const files = hub.files as Record<string, { content: Uint8Array; isLarge?: boolean }>;
    const { content } = files["data/train 0.parquet"] as { content: Uint8Array };
    const listed = { content, isLarge: true };
    // The list is made from what is there when it is asked for; the bytes change after that.
    Object.defineProperty(files, "data/train 0.parquet", {
      enumerable: true,
      get: () =>
        hub.requests.at(-1)?.includes("/resolve/")
          ? { ...listed, content: content.map((byte) => byte ^ 1) }
          : listed,
    });
    await expect(downloadSplit(REQUEST, options)).rejects.toThrow(/has SHA-256 [0-9a-f]{64}, expected/);
    const path = join(options.cacheDir, "someone--scenes", COMMIT, "data", "train 0.parquet");
    await expect(readFile(path)).rejects.toThrow("ENOENT");
  });

  it("checks small files by git's digest", async () => {
    const [path] = await downloadSplit({ ...REQUEST, splits: ["test"] }, options);
    expect(Uint8Array.from(await readFile(path as string))).toEqual(OTHER);
  });

  it("uses what it brought before when the hub cannot be reached, and says so", async () => {
    const brought = await downloadSplit(REQUEST, options);
    await hub.close();
    const notes: string[] = [];
    expect(await downloadSplit(REQUEST, { ...options, onNote: (note) => notes.push(note) })).toEqual(brought);
    expect(notes).toHaveLength(1);
    await expect(downloadSplit({ ...REQUEST, splits: ["test"] }, options)).rejects.toThrow(
      "check the network and HF_ENDPOINT",
    );
  });

  it("sends the token, and says what to do without one", async () => {
    hub.token = "hf_secret";
    await expect(downloadSplit(REQUEST, options)).rejects.toThrow("set HF_TOKEN");
    expect(await downloadSplit(REQUEST, { ...options, token: "hf_secret" })).toHaveLength(1);
  });

  it("names what a hub answers", async () => {
    await expect(downloadSplit({ ...REQUEST, id: "someone/else" }, options)).rejects.toThrow(
      "HTTP 404; is the name right",
    );
    hub.refuseWith = 503;
    await expect(downloadSplit(REQUEST, options)).rejects.toThrow("HTTP 503; try again later");
  });

  it("refuses file names that lead out of the folder", async () => {
    hub.files["../evil.parquet"] = { content: OTHER };
    await expect(downloadSplit(REQUEST, options)).rejects.toThrow(DataError);
    await expect(downloadSplit(REQUEST, options)).rejects.toThrow("invalid file name");
  });
});

describe("locateData(…)", () => {
  it("prefers what is on this machine, then asks the hub", async () => {
    const folder = await cacheFolder();
    await downloadSplit({ ...REQUEST, splits: ["test"] }, { ...options, cacheDir: folder });
    const snapshot = join(folder, "someone--scenes", COMMIT);
    expect(await locateData(`${snapshot}@test`, "train", options)).toEqual([
      join(snapshot, "data", "test.jsonl"),
    ]);
    expect(await locateData(snapshot, "heldout", options)).toEqual([join(snapshot, "data", "test.jsonl")]);
    const file = join(snapshot, "a@b.jsonl");
    await writeFile(file, OTHER);
    expect(await locateData(file, "train", options)).toEqual([file]);
    expect(await locateData("someone/scenes@train", "train", options)).toHaveLength(1);
  });

  it("says what is missing", async () => {
    await expect(locateData("no/such/folder", "train", options)).rejects.toThrow("no such file or folder");
    await expect(locateData("data/train.jsonl", "train", options)).rejects.toThrow(
      "data/train.jsonl: missing data: no such file",
    );
    await expect(locateData("someone/scenes", "train")).rejects.toThrow("no such file or folder");
  });
});

describe("isHubId(…)", () => {
  it("knows owner/name from paths", () => {
    expect(["HJYao00/R1-ShareVL-52K", "a/b.c"].every(isHubId)).toBe(true);
    expect(["a", "./a/b", "../b", "/a/b", "a/b/c", "a/..", "~/b"].some(isHubId)).toBe(false);
  });
});
