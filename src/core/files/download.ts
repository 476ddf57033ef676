/**
 * @module Gets a file from a server: into `<file>.partial`, continued where it stopped, checked by its digest, renamed.
 */
import { createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { DataError, reasonOf } from "../errors.js";
import { pause } from "../pause.js";
import type { OnProgress } from "../progress.js";
import { makeFolder, syncPath, writeError } from "./atomic.js";

/** What the downloaded bytes must be. */
export interface Checksum {
  /** For messages: `MD5`, `SHA-256`. */
  readonly name: string;
  /** In hexadecimal. */
  readonly expected: string;
  /** Of a file. */
  of(path: string): Promise<string>;
}

export interface DownloadOptions {
  /** Without it only the length can be checked. */
  readonly checksum?: Checksum;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether a server may send us to another address; headers go along. Default: follow. */
  readonly redirect?: "follow" | "error";
  /** A longer file is refused. */
  readonly mostBytes?: number;
  /** Stands for the address in messages, where that holds a secret. */
  readonly label?: string;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
  /** Tries that brought nothing before giving up; default 4. Any byte gained starts the count anew. */
  readonly tries?: number;
  /** Pause after the first fruitless try, doubled each time; default 1000. */
  readonly pauseMs?: number;
  /** Silence after which a connection counts as dead; default 60,000. */
  readonly silenceMs?: number;
}

export const DOWNLOAD_DEFAULTS = { tries: 4, pauseMs: 1000, silenceMs: 60_000 };

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found?.size ?? 0;
}

/** A fault that another try may mend. */
class TransferError extends Error {}

/** Bytes the whole file has by the answer's headers; undefined when they do not say, or count what is packed. */
function wholeSize(response: Response, from: number): number | undefined {
  if (response.headers.get("content-encoding") !== null) return undefined;
  const total = /\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
  if (total !== undefined) return Number(total);
  const length = response.headers.get("content-length");
  return length === null ? undefined : from + Number(length);
}

/** Aborts what hears its signal when `beat` is not called for a while. */
function watchdog(silenceMs: number, outer: AbortSignal | undefined) {
  const controller = new AbortController();
  const bark = () => controller.abort(new TransferError(`no data for ${silenceMs / 1000} s`));
  let timer = setTimeout(bark, silenceMs);
  return {
    signal: outer ? AbortSignal.any([outer, controller.signal]) : controller.signal,
    beat() {
      clearTimeout(timer);
      timer = setTimeout(bark, silenceMs);
    },
    stop: () => clearTimeout(timer),
  };
}

/** One request: the rest of the file, or all of it where the server knows no ranges. */
async function fetchRest(url: string, partial: string, options: DownloadOptions): Promise<void> {
  const from = await sizeOf(partial);
  const { mostBytes = Number.POSITIVE_INFINITY } = options;
  const guard = watchdog(options.silenceMs ?? DOWNLOAD_DEFAULTS.silenceMs, options.signal);
  try {
    const headers = { ...options.headers, ...(from > 0 ? { range: `bytes=${from}-` } : {}) };
    const response = await fetch(url, {
      headers,
      signal: guard.signal,
      redirect: options.redirect ?? "follow",
    });
    if (response.status === 416 && from > 0) return; // nothing is left; the digest decides
    if (!response.ok || !response.body) {
      const text = `HTTP ${response.status}${response.statusText ? ` ${response.statusText}` : ""}`;
      if (response.status < 500 && response.status !== 429)
        throw new DataError(`${options.label ?? url}: ${text}`);
      throw new TransferError(text);
    }
    const start = response.status === 206 ? from : 0;
    const total = wholeSize(response, start);
    let done = start;
    const report = async function* (pieces: AsyncIterable<Uint8Array>) {
      for await (const piece of pieces) {
        guard.beat();
        done += piece.length;
        if (done > mostBytes) throw new DataError(`${options.label ?? url}: more than ${mostBytes} bytes`);
        options.onProgress?.({
          phase: "download",
          done,
          total: total ?? 0,
          note: basename(partial, ".partial"),
        });
        yield piece;
      }
    };
    await pipeline(
      Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]),
      report,
      createWriteStream(partial, { flags: start > 0 ? "a" : "w" }),
    );
    if (total !== undefined && done < total) throw new TransferError(`ended after ${done} of ${total} bytes`);
  } finally {
    guard.stop();
  }
}

function isDiskFault(error: unknown): boolean {
  return error instanceof Error && "syscall" in error && ["write", "open"].includes(String(error.syscall));
}

/** Repeats until the file is whole or several tries in a row bring nothing. */
async function fetchAll(url: string, partial: string, options: DownloadOptions): Promise<void> {
  const { tries, pauseMs } = { ...DOWNLOAD_DEFAULTS, ...options };
  for (let fruitless = 0; ; ) {
    const before = await sizeOf(partial);
    try {
      return await fetchRest(url, partial, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof DataError) throw error;
      if (isDiskFault(error)) throw writeError(partial, error);
      fruitless = (await sizeOf(partial)) > before ? 1 : fruitless + 1;
      if (fruitless >= tries) {
        throw new DataError(`${options.label ?? url}: cannot download: ${reasonOf(error)}`, { cause: error });
      }
      await pause(pauseMs * 2 ** (fruitless - 1), options.signal);
    }
  }
}

/**
 * Downloads a file whole or not at all. What an interrupted try left is continued; if the sum does not match then, the
 * download starts over once.
 * @throws DataError when the server cannot be reached, refuses, or sends other bytes
 */
export async function download(url: string, path: string, options: DownloadOptions = {}): Promise<void> {
  const partial = `${path}.partial`;
  await makeFolder(dirname(path));
  const { checksum } = options;
  // Without a sum nobody would notice that the file changed between two halves.
  if (checksum === undefined) await rm(partial, { force: true });
  for (const isLast of (await sizeOf(partial)) > 0 ? [false, true] : [true]) {
    await fetchAll(url, partial, options);
    const found = await checksum?.of(partial);
    if (found === checksum?.expected) {
      await syncPath(partial);
      await rename(partial, path);
      return;
    }
    await rm(partial, { force: true });
    if (isLast) {
      throw new DataError(
        `${options.label ?? url}: downloaded file has ${checksum?.name} ${found}, expected ${checksum?.expected}: it was damaged or replaced; try again later`,
      );
    }
  }
}
