import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { packTarGz } from "../../../src/core/files/tar.js";
import { ndarray } from "../../../src/core/ndarray.js";
import { fetchWeights, tryFetchWeights } from "../../../src/engine/tinker/archive.js";
import { mergeCheckpoint } from "../../../src/model/merge.js";
import { writeSafetensors } from "../../../src/model/safetensors.js";
import { temporaryFolder } from "../../support/fakeModel.js";
import { type Faults, onCall, open, scene } from "../../support/tinkerScene.js";

let dir: string;
let good: string;

/** An archive of an adapter's files. */
async function archiveOf(files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  const to = join(folder, "made.tar.gz");
  await packTarGz(folder, Object.keys(files), to);
  return to;
}

let weights: Buffer;
beforeAll(async () => {
  dir = await temporaryFolder();
  const path = join(dir, "adapter_model.safetensors");
  await writeSafetensors(path, {
    "base_model.model.a.lora_A.weight": ndarray(Float32Array.of(3), [1]),
  });
  weights = await readFile(path);
  good = await archiveOf({ "adapter_config.json": "{}", "adapter_model.safetensors": weights });
});

/** Trains nothing, saves, and asks for the weights. */
async function fetched(archive: string | undefined, faults?: Faults, key?: string) {
  const seen = await scene(
    faults,
    archive === undefined ? {} : { archive },
    key === undefined ? {} : { key },
  );
  const { path = "" } = await seen.model.saveForSampler("final");
  const folder = await temporaryFolder();
  const kept = await tryFetchWeights(seen.client.transport, { path, folder });
  return { ...seen, kept, path, names: (await readdir(folder)).sort(), folder };
}

describe("the weights of a sampler checkpoint", () => {
  it("come as the files of an adapter, also from a folder in the archive, and nothing else does", async () => {
    const { kept, names, folder } = await fetched(good);
    expect(names).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
    expect(kept).toEqual({ files: expect.arrayContaining(names) });
    expect(await readFile(join(folder, "adapter_model.safetensors"))).toEqual(weights);
    const more = { "tinker.json": "evil", "manifest.json": "evil", "x.bin": "pickle" };
    const inFolder = { "run/adapter_config.json": "{}", "run/adapter_model.safetensors": weights };
    expect((await fetched(await archiveOf(inFolder))).names).toEqual(names);
    const mixed = { ...more, "adapter_config.json": "{}", "adapter_model.safetensors": weights };
    expect((await fetched(await archiveOf(mixed))).names).toEqual(names);
  });

  it("stay away where the server gives none or useless ones, with the reason and without remains", async () => {
    const cut = { "adapter_config.json": "{}", "adapter_model.safetensors": weights.subarray(0, -2) };
    for (const [archive, why] of [
      [undefined, /status 404: Checkpoint not found/],
      [
        await archiveOf({ "adapter_config.json": "{}", "adapter_model.bin": "p" }),
        /the archive holds no policy/,
      ],
      [await archiveOf(cut), /the archive's weights are damaged/],
      [join(dir, "adapter_model.safetensors"), /not an archive that can be used: incorrect header check/],
    ] as const) {
      const { kept, names } = await fetched(archive);
      expect(kept).toEqual({ problem: expect.stringMatching(why) });
      expect(JSON.stringify(kept)).not.toContain("/tmp");
      expect(names).toEqual([]);
    }
  });

  it("are waited for while the archive is made, and asked for by either name", async () => {
    const isArchive = ({ path }: { path: string }) => path.endsWith("/archive");
    const busy: Faults = (request) =>
      isArchive(request) && request.call === 0 ? { kind: "status", status: 503 } : undefined;
    expect((await fetched(good, busy)).kept).toHaveProperty("files");
    const { client, path } = await fetched(good);
    const deep = path.replace("/final", "/sampler_weights/final");
    const folder = await temporaryFolder();
    expect(await fetchWeights(client.transport, { path: deep, folder })).toHaveLength(2);
  });

  it("are got from another address without the key, and its query is never told", async () => {
    const asked: IncomingHttpHeaders[] = [];
    const store = createServer(async (request, response) => {
      asked.push(request.headers);
      if (request.url?.includes("gone")) response.writeHead(403).end();
      else response.end(await readFile(good));
    });
    store.listen(0, "127.0.0.1");
    await once(store, "listening");
    open.push(store);
    const { port } = store.address() as AddressInfo;
    const sent =
      (file: string): Faults =>
      (request) =>
        request.path.endsWith("/archive")
          ? {
              kind: "status",
              status: 302,
              headers: { location: `http://127.0.0.1:${port}/${file}?signature=SECRET` },
            }
          : undefined;
    const { kept } = await fetched(good, sent("a.tar.gz"), "tml-key");
    expect(kept).toHaveProperty("files");
    expect(asked[0]).not.toHaveProperty("x-api-key");
    const { kept: refused } = await fetched(good, sent("gone"), "tml-key");
    expect(refused).toEqual({ problem: expect.stringMatching(/\/gone: HTTP 403/) });
    expect(JSON.stringify(refused)).not.toMatch(/SECRET|tml-key/);
  });

  it("are missed by merge with the reason", async () => {
    const folder = await temporaryFolder();
    await writeFile(
      join(folder, "tinker.json"),
      JSON.stringify({ problem: "no archive", sampler: "tinker://m/x" }),
    );
    await expect(mergeCheckpoint({ checkpoint: folder, out: join(folder, "out") })).rejects.toThrow(
      /the weights are on the server alone \(tinker:\/\/m\/x\): no archive/,
    );
  });

  it("come where the answer to the request for them was lost", async () => {
    const { kept } = await fetched(good, onCall("/save_weights_for_sampler", 0, { kind: "lost" }));
    expect(kept).toHaveProperty("files");
  });
});
