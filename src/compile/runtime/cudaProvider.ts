/**
 * @module ONNX Runtime's CUDA provider, from the wheel that PyPI has for exactly the npm package's version. It has to lie
 * beside the library that loads it, so both are put into one folder, which is there whole or not at all.
 */
import { constants, existsSync, readFileSync } from "node:fs";
import { copyFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { cudaRuntimeFolder, packageIndex } from "../../config/load.js";
import { ConfigError, DataError, messageOf } from "../../core/errors.js";
import { makeFolder, syncPath } from "../../core/files/atomic.js";
import { sha256File } from "../../core/files/digest.js";
import { download } from "../../core/files/download.js";
import { isThere, replaceFolder } from "../../core/files/folder.js";
import { unzipMember, zipMembers } from "../../core/files/zipMembers.js";
import { given } from "../../core/given.js";
import type { OnProgress } from "../../core/progress.js";
import { NOTE, npmLibrary } from "./capi/library.js";

/** What the CUDA provider of 1.30 is linked against, and what compiles our own kernels. */
export const CUDA_WANTED =
  "a driver for CUDA 13, and cuBLAS, cuRAND, NVRTC and the runtime of CUDA 13; cuDNN is not linked";

const PLATFORMS: Readonly<Record<string, { readonly tag: RegExp; readonly files: readonly string[] }>> = {
  "linux x64": {
    tag: /manylinux\w*_x86_64/,
    files: ["libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"],
  },
  "win32 x64": {
    tag: /win_amd64/,
    files: ["onnxruntime_providers_shared.dll", "onnxruntime_providers_cuda.dll"],
  },
};

/** What was put where. */
export interface PlacedProvider {
  readonly version: string;
  readonly wheel: string;
  readonly sha256: string;
}

export interface InstallCudaOptions {
  /** A wheel at hand instead of the index's. */
  readonly from?: string;
  /** Address of a package index (PEP 503 or 691); default: pip's. */
  readonly indexUrl?: string;
  /** Default: this machine's, as `"linux x64"`. */
  readonly platform?: string;
  /** Default: the cache folder of the version. */
  readonly folder?: string;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

interface Wheel {
  readonly filename: string;
  readonly url: string;
  readonly sha256: string;
}

const JSON_INDEX = "application/vnd.pypi.simple.v1+json";

/** Files of an index page, JSON (PEP 691) or HTML (PEP 503). */
function filesOf(text: string, type: string, page: string): Wheel[] {
  if (type.includes("json")) {
    const { files } = JSON.parse(text) as {
      files: { filename: string; url: string; hashes: Record<string, string> }[];
    };
    return files.map(({ filename, url, hashes }) => ({
      filename,
      url: new URL(url, page).href,
      sha256: hashes["sha256"] ?? "",
    }));
  }
  return [...text.matchAll(/href="([^"#]+)(?:#sha256=([0-9a-f]{64}))?[^"]*"/g)].map(
    ([, href = "", sha256 = ""]) => {
      const url = new URL(href.replaceAll("&amp;", "&"), page);
      return { filename: decodeURIComponent(basename(url.pathname)), url: url.href, sha256 };
    },
  );
}

/** @throws DataError when the index cannot be read or has no wheel with a sum */
async function findWheel(index: string, version: string, platform: string): Promise<Wheel> {
  const page = `${index.replace(/\/+$/, "")}/onnxruntime-gpu/`;
  const refuse = (what: string, cause?: unknown): never => {
    throw new DataError(`${page}: ${what}: name another with --index-url, or a wheel with --from`, { cause });
  };
  const headers = { accept: `${JSON_INDEX}, text/html;q=0.5` };
  const answer = await fetch(page, { headers }).catch((cause: unknown) => refuse(messageOf(cause), cause));
  if (!answer.ok) refuse(`HTTP ${answer.status}`);
  const files = filesOf(await answer.text(), answer.headers.get("content-type") ?? "", answer.url || page);
  const found = files.find(({ filename }) => isWheelOf(filename, version, platform));
  if (!found) return refuse(`no wheel of onnxruntime-gpu ${version} for ${platform}`);
  if (!/^[0-9a-f]{64}$/.test(found.sha256)) refuse(`no SHA-256 of ${found.filename}`);
  return found;
}

/** Providers are the same for every Python. */
function isWheelOf(filename: string, version: string, platform: string): boolean {
  const isNamed = filename.startsWith(`onnxruntime_gpu-${version}-`) && filename.endsWith(".whl");
  return isNamed && (PLATFORMS[platform]?.tag.test(filename) ?? false);
}

/** What lies in a folder that `installCuda` filled; undefined where it did not. */
export function placedProvider(folder = cudaRuntimeFolder(npmLibrary().version)): PlacedProvider | undefined {
  const note = join(folder, NOTE);
  return existsSync(note) ? (JSON.parse(readFileSync(note, "utf8")) as PlacedProvider) : undefined;
}

/** Unpacks, and puts the library beside it that loads it. */
async function place(
  wheel: string,
  folder: string,
  { placed, files }: { placed: PlacedProvider; files: readonly string[] },
) {
  const members = await zipMembers(wheel);
  await replaceFolder(folder, async (partial) => {
    for (const file of files) {
      const member = members.find(({ name }) => name === `onnxruntime/capi/${file}`);
      if (!member)
        throw new DataError(`${wheel}: missing: onnxruntime/capi/${file}: not a wheel of onnxruntime-gpu`);
      await unzipMember(wheel, member, join(partial, file));
      await syncPath(join(partial, file));
    }
    const { path } = npmLibrary();
    await copyFile(path, join(partial, basename(path)), constants.COPYFILE_FICLONE);
    await writeFile(join(partial, NOTE), JSON.stringify(placed, undefined, 2));
    await syncPath(join(partial, NOTE));
  });
}

/**
 * Puts the provider of the npm package's version where sessions find it.
 * @returns the folder, and what is in it
 * @throws ConfigError on machines that have no such provider or for a wheel of another version; DataError when the wheel
 *   cannot be had, is not the index's, or is damaged
 */
export async function installCuda(
  options: InstallCudaOptions = {},
): Promise<{ readonly folder: string; readonly placed: PlacedProvider }> {
  const { platform = `${process.platform} ${process.arch}`, from, onProgress, signal } = options;
  const { version } = npmLibrary();
  const files = PLATFORMS[platform]?.files;
  if (!files) {
    throw new ConfigError(
      `install-cuda: unsupported platform: ${platform}: there are CUDA providers for ${Object.keys(PLATFORMS).join(" and ")}`,
    );
  }
  const { folder = cudaRuntimeFolder(version) } = options;
  await makeFolder(dirname(folder));
  if (from !== undefined) {
    if (!isWheelOf(basename(from), version, platform)) {
      throw new ConfigError(
        `install-cuda: --from: expected a wheel of onnxruntime-gpu ${version} for ${platform}: ${from}`,
      );
    }
    if (!(await isThere(from))) throw new ConfigError(`install-cuda: --from: no such file: ${from}`);
    const placed = { version, wheel: basename(from), sha256: await sha256File(from) };
    await place(from, folder, { placed, files });
    return { folder, placed };
  }
  const wheel = await findWheel(options.indexUrl ?? packageIndex(), version, platform);
  const path = join(dirname(folder), wheel.filename);
  const checksum = { name: "SHA-256", expected: wheel.sha256, of: sha256File };
  await download(wheel.url, path, { checksum, ...given({ onProgress, signal }) });
  const placed = { version, wheel: wheel.filename, sha256: wheel.sha256 };
  await place(path, folder, { placed, files });
  await rm(path, { force: true });
  return { folder, placed };
}
