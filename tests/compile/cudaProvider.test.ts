import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { npmLibrary } from "../../src/compile/runtime/capi/library.js";
import { installCuda, placedProvider } from "../../src/compile/runtime/cudaProvider.js";
import { cudaRuntimeFolder, packageIndex } from "../../src/config/load.js";
import { ConfigError, DataError } from "../../src/core/errors.js";
import { sha256 } from "../../src/core/files/digest.js";

const { version } = npmLibrary();
const LINUX = "linux x64";
const NAME = `onnxruntime_gpu-${version}-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl`;
const PROVIDERS = ["cuda", "shared"].map((part) => `libonnxruntime_providers_${part}.so`);

/** A ZIP archive of these files; the first is stored, others are deflated. */
function zipOf(files: Readonly<Record<string, Buffer>>): Buffer {
  const [bodies, entries]: [Buffer[], Buffer[]] = [[], []];
  let offset = 0;
  for (const [at, [name, content]] of Object.entries(files).entries()) {
    const data = at === 0 ? content : deflateRawSync(content);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(at === 0 ? 0 : 8, 4);
    [crc32(content), data.length, content.length].forEach((value, field) => {
      fields.writeUInt32LE(value, 10 + 4 * field);
    });
    fields.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), fields, Buffer.from(name), data]);
    const end = Buffer.alloc(14);
    end.writeUInt32LE(offset, 10);
    entries.push(Buffer.concat([Buffer.from("PK\x01\x02\0\0"), fields, end, Buffer.from(name)]));
    bodies.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  for (const at of [8, 10]) end.writeUInt16LE(entries.length, at);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...bodies, directory, end]);
}

const CONTENT = Buffer.from("not a library ".repeat(20_000));
const WHEEL = zipOf(Object.fromEntries(PROVIDERS.map((file) => [`onnxruntime/capi/${file}`, CONTENT])));

/** Requests of the wheel, and how each is answered. */
type Serve = (request: IncomingMessage, response: ServerResponse, count: number) => void;

async function withIndex(
  { serve, hash = sha256(WHEEL), isHtml = false }: { serve?: Serve; hash?: string; isHtml?: boolean },
  use: (url: string) => Promise<void>,
): Promise<void> {
  let count = 0;
  const server = createServer((request, response) => {
    if (request.url === `/files/${NAME}`) {
      return (serve ?? ((_, answer) => answer.end(WHEEL)))(request, response, count++);
    }
    const files = [{ filename: NAME, url: `../../files/${NAME}`, hashes: { sha256: hash } }];
    response.setHeader("content-type", isHtml ? "text/html" : "application/vnd.pypi.simple.v1+json");
    response.end(
      isHtml ? `<a href="../../files/${NAME}#sha256=${hash}">${NAME}</a>` : JSON.stringify({ files }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/simple/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const withTemporaryFolder = (use: (dir: string) => Promise<void>) =>
  use(mkdtempSync(join(tmpdir(), "cuda-")));

const placedIn = (folder: string) => readdirSync(folder).sort();

describe.runIf(process.platform === "linux")("installCuda", () => {
  it.each([false, true])("puts the provider beside the npm library, by hash; HTML index: %s", (isHtml) =>
    withTemporaryFolder((dir) =>
      withIndex({ isHtml }, async (indexUrl) => {
        const folder = join(dir, "ort");
        expect(placedProvider(folder)).toBeUndefined();
        await installCuda({ indexUrl, platform: LINUX, folder });
        expect(placedIn(folder)).toEqual([...PROVIDERS, "libonnxruntime.so.1", "provider.json"].sort());
        for (const file of PROVIDERS) expect(readFileSync(join(folder, file))).toEqual(CONTENT);
        expect(placedProvider(folder)).toEqual({ version, wheel: NAME, sha256: sha256(WHEEL) });
        expect(placedIn(dir)).toEqual(["ort"]);
      }),
    ),
  );

  it("goes on where a download broke off", () =>
    withTemporaryFolder((dir) => {
      const ranges: (string | undefined)[] = [];
      const serve: Serve = (request, response, count) => {
        ranges.push(request.headers.range);
        if (count === 0) {
          response.setHeader("content-length", WHEEL.length);
          response.write(WHEEL.subarray(0, 1000), () => response.destroy());
          return;
        }
        const from = Number(/\d+/.exec(request.headers.range ?? "0")?.[0]);
        response.writeHead(206, { "content-range": `bytes ${from}-${WHEEL.length - 1}/${WHEEL.length}` });
        response.end(WHEEL.subarray(from));
      };
      return withIndex({ serve }, async (indexUrl) => {
        await installCuda({ indexUrl, platform: LINUX, folder: join(dir, "ort") });
        expect(ranges).toHaveLength(2);
        expect(ranges[0]).toBeUndefined();
      });
    }));

  it("leaves nothing of a wheel that is not the index's", () =>
    withTemporaryFolder((dir) =>
      withIndex({ hash: "0".repeat(64) }, async (indexUrl) => {
        await expect(installCuda({ indexUrl, platform: LINUX, folder: join(dir, "ort") })).rejects.toThrow(
          /SHA-256 .*, expected 0{64}/,
        );
        expect(placedIn(dir)).toEqual([]);
      }),
    ));

  it("keeps what was placed before when a wheel at hand is damaged or is another", () =>
    withTemporaryFolder(async (dir) => {
      const folder = join(dir, "ort");
      const from = join(dir, NAME);
      writeFileSync(from, WHEEL);
      await installCuda({ from, platform: LINUX, folder });
      const before = placedProvider(folder);
      const flipped = Buffer.from(WHEEL);
      flipped[100] = (flipped[100] as number) ^ 1;
      const damages = [WHEEL.subarray(0, 5000), flipped, Buffer.alloc(10), zipOf({ x: CONTENT })];
      for (const damage of damages) {
        writeFileSync(from, damage);
        await expect(installCuda({ from, platform: LINUX, folder })).rejects.toThrow(DataError);
        expect(placedProvider(folder)).toEqual(before);
        expect(placedIn(dir)).toEqual([NAME, "ort"]);
      }
      const other = installCuda({ from: join(dir, "onnxruntime_gpu-1.0.0-x.whl"), platform: LINUX, folder });
      await expect(other).rejects.toThrow(ConfigError);
      rmSync(from);
      await expect(installCuda({ from, platform: LINUX, folder })).rejects.toThrow(
        `install-cuda: --from: no such file: ${from}`,
      );
    }));

  it("refuses machines without such a provider, and an index without such a wheel, by name", () =>
    withIndex({}, async (indexUrl) => {
      await expect(installCuda({ platform: "darwin arm64" })).rejects.toThrow(
        "unsupported platform: darwin arm64: there are CUDA providers for linux x64 and win32 x64",
      );
      await expect(installCuda({ indexUrl, platform: "win32 x64" })).rejects.toThrow(
        `no wheel of onnxruntime-gpu ${version} for win32 x64`,
      );
    }));

  it("asks pip's index, and keeps versions apart", () => {
    expect(packageIndex({})).toBe("https://pypi.org/simple");
    expect(packageIndex({ PIP_INDEX_URL: "http://mirror/simple" })).toBe("http://mirror/simple");
    expect(cudaRuntimeFolder("1.2.3", { XDG_CACHE_HOME: "/c" })).toBe("/c/sharegrpo/onnxruntime-1.2.3-cuda");
  });
});
