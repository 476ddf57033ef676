import { mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findModel, type ModelHubOptions } from "../../src/data/hubModel.js";
import { modelFolder } from "../../src/model/load.js";
import { COMMIT, type HubFile, type HubServer, startHub } from "../helpers/hubServer.js";

const text = (content: string): HubFile => ({ content: new TextEncoder().encode(content) });
const WEIGHTS = Uint8Array.from({ length: 150_000 }, (_, at) => (at * 37) % 251);
const INDEX = JSON.stringify({
  weight_map: { a: "model-00001-of-00002.safetensors", b: "model-00002-of-00002.safetensors" },
});
const NAME = "someone/model";

let hub: HubServer;
let options: ModelHubOptions;
beforeEach(async () => {
  hub = await startHub({
    "README.md": text("card"),
    "pytorch_model.bin": text("not needed"),
    "config.json": text("{}"),
    "tokenizer.json": text("{}"),
    "model.safetensors.index.json": text(INDEX),
    "model-00001-of-00002.safetensors": { content: WEIGHTS, isLarge: true },
    "model-00002-of-00002.safetensors": { content: WEIGHTS.slice(7), isLarge: true },
  });
  options = {
    endpoint: hub.url,
    modelCache: await mkdtemp(join(tmpdir(), "models-")),
    tries: 5,
    pauseMs: 1,
  };
});
afterEach(() => hub.close());

const snapshot = () => join(options.modelCache, "models--someone--model", "snapshots", COMMIT);

describe("findModel(…)", () => {
  it("leaves folders and the bundled policy to themselves, and asks no hub", async () => {
    expect(await findModel("tiny", options)).toEqual({ folder: modelFolder("tiny"), name: "tiny" });
    const here = await mkdtemp(join(tmpdir(), "a-"));
    expect(await findModel(here, options)).toEqual({ folder: here, name: here });
    expect(hub.requests).toEqual([]);
  });

  it("brings weights and what belongs to them into Hugging Face's cache, and names the commit", async () => {
    const events: number[] = [];
    const found = await findModel(NAME, {
      ...options,
      onProgress: ({ done, total }) => events.push(done / total),
    });
    expect(found).toEqual({ folder: snapshot(), name: `${NAME}@${COMMIT}` });
    expect((await readdir(snapshot())).toSorted()).toEqual([
      "config.json",
      "model-00001-of-00002.safetensors",
      "model-00002-of-00002.safetensors",
      "model.safetensors.index.json",
      "tokenizer.json",
    ]);
    expect(Uint8Array.from(await readFile(join(snapshot(), "model-00001-of-00002.safetensors")))).toEqual(
      WEIGHTS,
    );
    expect(events.at(-1)).toBe(1);
    expect(events).toEqual(events.toSorted((a, b) => a - b));
    expect(await readFile(join(snapshot(), "..", "..", "refs", "main"), "utf8")).toBe(COMMIT);
  });

  it("brings all but the weights where words and images alone are read, and the weights when they are wanted", async () => {
    const found = await findModel(NAME, { ...options, isProcessorOnly: true });
    expect((await readdir(found.folder)).toSorted()).toEqual(["config.json", "tokenizer.json"]);
    await findModel(NAME, { ...options, isProcessorOnly: true, isOffline: true });
    await findModel(NAME, options);
    expect(await readdir(found.folder)).toHaveLength(5);
  });

  it("goes on where connections broke off, and fetches nothing twice", async () => {
    hub.cuts = 3;
    await findModel(NAME, options);
    expect(hub.requests.some((request) => / bytes=[1-9]/.test(request))).toBe(true);
    const before = hub.requests.filter((request) => request.includes("/resolve/")).length;
    await findModel(NAME, options);
    expect(hub.requests.filter((request) => request.includes("/resolve/"))).toHaveLength(before);
  });

  it("refuses bytes that are not those the hub lists", async () => {
    const file = hub.files["model-00002-of-00002.safetensors"] as HubFile;
    Object.defineProperty(hub.files, "model-00002-of-00002.safetensors", {
      enumerable: true,
      // The list is made first; what is sent then has one byte changed.
      get: () => (hub.requests.some((each) => each.includes("/resolve/")) ? changed : file),
    });
    const changed = {
      ...file,
      content: Uint8Array.from(file.content, (byte, at) => (at === 9 ? byte ^ 1 : byte)),
    };
    await expect(findModel(NAME, options)).rejects.toThrow(/has SHA-256 \w+, expected \w+: it was damaged/);
  });

  it("asks no hub for a commit that is here", async () => {
    await findModel(NAME, options);
    hub.requests.length = 0;
    expect((await findModel(`${NAME}@${COMMIT}`, options)).folder).toBe(snapshot());
    expect(hub.requests).toEqual([]);
  });

  it("finds what Hugging Face's own tools brought, through their links, without a network", async () => {
    const root = join(options.modelCache, "models--someone--model");
    for (const folder of ["blobs", "refs", "snapshots/abc"])
      await mkdir(join(root, folder), { recursive: true });
    for (const name of ["config.json", "tokenizer.json", "model.safetensors"]) {
      await writeFile(join(root, "blobs", name), "{}");
      await symlink(`../../blobs/${name}`, join(root, "snapshots", "abc", name));
    }
    await writeFile(join(root, "refs", "main"), "abc");
    const offline = { ...options, isOffline: true };
    const found = { folder: join(root, "snapshots", "abc"), name: `${NAME}@abc` };
    expect(await findModel(NAME, offline)).toEqual(found);
    await hub.close();
    const notes: string[] = [];
    expect(await findModel(NAME, { ...options, tries: 1, onNote: (note) => notes.push(note) })).toEqual(
      found,
    );
    expect(notes[0]).toMatch(/cannot be reached: .*; using what was downloaded before$/);
  });

  it("downloads nothing when it is to be offline", async () => {
    await expect(findModel(NAME, { ...options, isOffline: true })).rejects.toThrow(
      "model someone/model: HF_HUB_OFFLINE is set: unset it to download, or give a folder",
    );
    expect(hub.requests).toEqual([]);
  });

  it("does not take half a model for one", async () => {
    const root = join(options.modelCache, "models--someone--model");
    await mkdir(join(root, "refs"), { recursive: true });
    await mkdir(snapshot(), { recursive: true });
    await writeFile(join(root, "refs", "main"), COMMIT);
    for (const [name, content] of [
      ["config.json", "{}"],
      ["tokenizer.json", "{}"],
      ["model.safetensors.index.json", INDEX],
    ] as const)
      await writeFile(join(snapshot(), name), content);
    await expect(findModel(NAME, { ...options, isOffline: true })).rejects.toThrow("HF_HUB_OFFLINE is set");
    await findModel(NAME, options);
    expect((await findModel(NAME, { ...options, isOffline: true })).folder).toBe(snapshot());
  });

  it.each([
    [404, `/someone/model: the hub refuses: HTTP 404; is the name right?`],
    [403, "it is private or gated: set HF_TOKEN"],
  ])("says what to do when the hub answers %d", async (status, message) => {
    hub.refuseWith = status;
    await expect(findModel(NAME, options)).rejects.toThrow(message);
  });

  it("refuses a model without safetensors", async () => {
    for (const name of Object.keys(hub.files)) if (name.includes("safetensors")) delete hub.files[name];
    await expect(findModel(NAME, options)).rejects.toThrow(
      "someone/model: unsupported model: it has no weights",
    );
  });
});
