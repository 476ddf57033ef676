import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { CheckpointError, DataError } from "../../../src/core/errors.js";
import { sha256, sha256File } from "../../../src/core/files/digest.js";
import { type DownloadOptions, download } from "../../../src/core/files/download.js";
import type { ProgressEvent } from "../../../src/core/progress.js";
import { temporaryFolder } from "../../support/fakeModel.js";

const CONTENT = Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * 7) % 251));
const QUICK = { pauseMs: 1, tries: 3 };
const checksum = { name: "SHA-256", expected: sha256(CONTENT), of: sha256File };

type Answer = (request: IncomingMessage, response: ServerResponse, call: number) => void;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server of one file, and what it was asked. */
async function serve(answer: Answer) {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`, requests };
}

/** Knows ranges, as web servers do. */
const whole: Answer = (request, response) => {
  const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (from >= CONTENT.length) {
    response.writeHead(416).end();
    return;
  }
  const rest = CONTENT.subarray(from);
  const range = from > 0 ? { "content-range": `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}` } : {};
  response.writeHead(from > 0 ? 206 : 200, { "content-length": rest.length, ...range }).end(rest);
};

/** Sends so many bytes of what is left and hangs up. */
const cutAfter =
  (bytes: number): Answer =>
  (request, response) => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const left = CONTENT.length - from;
    const range = { "content-range": `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}` };
    response.writeHead(from > 0 ? 206 : 200, { "content-length": left, ...(from > 0 ? range : {}) });
    // A little later, so that the bytes are on the disk: those that are not do not count.
    response.write(CONTENT.subarray(from, from + bytes), () => setTimeout(() => response.destroy(), 30));
  };

const say =
  (status: number): Answer =>
  (_, response) => {
    response.writeHead(status).end("no");
  };

/** One answer after the other; the last for all that follow. */
const inTurn =
  (...answers: readonly Answer[]): Answer =>
  (request, response, call) =>
    answers[Math.min(call, answers.length) - 1]?.(request, response, call);

async function gotten(answer: Answer, options: DownloadOptions = {}, partial?: Uint8Array) {
  const dir = await temporaryFolder();
  const path = join(dir, "deep", "file");
  if (partial) {
    await mkdir(join(dir, "deep"));
    await writeFile(`${path}.partial`, partial);
  }
  const server = await serve(answer);
  const files = () => readdir(join(dir, "deep"));
  return { ...server, path, files, done: download(server.url, path, { ...QUICK, ...options }) };
}

describe("download", () => {
  it("makes the folder and leaves the whole file alone", async () => {
    const { done, path, files } = await gotten(whole, { checksum });
    await done;
    expect(await readFile(path)).toEqual(CONTENT);
    expect(await files()).toEqual(["file"]);
  });

  it("goes on where a connection broke, as often as tries bring something", async () => {
    const { done, path, requests } = await gotten(cutAfter(1000), { checksum, tries: 3 });
    await done;
    expect(await readFile(path)).toEqual(CONTENT);
    // What had not reached the disk when the connection broke is asked for again.
    const starts = requests.map(({ headers }) => Number(/\d+/.exec(headers.range ?? "0")?.[0]));
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expect([...new Set(starts)]).toEqual([0, 1000, 2000, 3000, 4000]);
  });

  it("goes on with what an earlier process left", async () => {
    const { done, path, requests } = await gotten(whole, { checksum }, CONTENT.subarray(0, 3000));
    await done;
    expect(await readFile(path)).toEqual(CONTENT);
    expect(requests.map(({ headers }) => headers.range)).toEqual(["bytes=3000-"]);
  });

  it("asks for nothing more when all bytes are there already", async () => {
    const { done, path, requests } = await gotten(whole, { checksum }, CONTENT);
    await done;
    expect(await readFile(path)).toEqual(CONTENT);
    expect(requests).toHaveLength(1);
  });

  it("starts over once when what was left belongs to another file", async () => {
    const { done, path, requests } = await gotten(whole, { checksum }, Buffer.from("of another file"));
    await done;
    expect(await readFile(path)).toEqual(CONTENT);
    expect(requests.map(({ headers }) => headers.range)).toEqual(["bytes=15-", undefined]);
  });

  it("believes nothing that was left where no sum would show the seam", async () => {
    const { done, path, requests } = await gotten(whole, {}, Buffer.from("of another file"));
    await done;
    expect(await readFile(path)).toEqual(CONTENT);
    expect(requests.map(({ headers }) => headers.range)).toEqual([undefined]);
  });

  it("takes the whole from a server that knows no ranges", async () => {
    const all: Answer = (_, response) => response.writeHead(200).end(CONTENT);
    const { done, path } = await gotten(all, { checksum }, CONTENT.subarray(0, 3000));
    await done;
    expect(await readFile(path)).toEqual(CONTENT);
  });

  it("counts the bytes of the file, not of what a server packed for the way", async () => {
    const small = Buffer.from("{}");
    const packed = gzipSync(small);
    expect(packed.length).toBeGreaterThan(small.length);
    const events: ProgressEvent[] = [];
    const zipped: Answer = (_, response) =>
      response.writeHead(200, { "content-encoding": "gzip", "content-length": packed.length }).end(packed);
    const { done, path, requests } = await gotten(zipped, { onProgress: (event) => events.push(event) });
    await done;
    expect(await readFile(path, "utf8")).toBe("{}");
    expect(requests).toHaveLength(1);
    expect(events).toEqual([{ phase: "download", done: 2, total: 0, note: "file" }]);
  });

  it("sends the headers it is given with every request, and tells of progress to the end", async () => {
    const events: ProgressEvent[] = [];
    const { done, requests } = await gotten(inTurn(cutAfter(1000), whole), {
      checksum,
      headers: { authorization: "Bearer x" },
      onProgress: (event) => events.push(event),
    });
    await done;
    expect(requests.map(({ headers }) => headers.authorization)).toEqual(["Bearer x", "Bearer x"]);
    expect(events.at(-1)).toEqual({ phase: "download", done: 5000, total: 5000, note: "file" });
    const counts = events.map((event) => event.done);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
  });
});

describe("download tries again", () => {
  it.each([500, 502, 503, 429])("after status %i", async (status) => {
    const { done, path } = await gotten(inTurn(say(status), say(status), whole), { checksum });
    await done;
    expect(await readFile(path)).toEqual(CONTENT);
  });

  it("and gives up after so many fruitless ones, with the last reason and no file", async () => {
    const { done, requests, files } = await gotten(say(503), { tries: 3 });
    await expect(done).rejects.toThrow(/\/file: cannot download: HTTP 503 Service Unavailable$/);
    expect(requests).toHaveLength(3);
    expect(await files()).toEqual([]);
  });

  it("when a server falls silent, at its start or in the middle", async () => {
    const silent: Answer = () => undefined;
    const hanging: Answer = (_, response) => {
      response.writeHead(200, { "content-length": CONTENT.length });
      response.write(CONTENT.subarray(0, 100));
    };
    const { done, path } = await gotten(inTurn(silent, hanging, whole), { checksum, silenceMs: 150 });
    await done;
    expect(await readFile(path)).toEqual(CONTENT);
    const dead = await gotten(silent, { silenceMs: 50, tries: 1 });
    await expect(dead.done).rejects.toThrow("no data for 0.05 s");
  });
});

describe("download refuses", () => {
  it.each([400, 401, 403, 404, 410])("status %i at once", async (status) => {
    const { done, requests } = await gotten(say(status));
    await expect(done).rejects.toThrow(DataError);
    await expect(done).rejects.toThrow(`HTTP ${status}`);
    expect(requests).toHaveLength(1);
  });

  it("bytes of another sum, and keeps none of them", async () => {
    const { done, files } = await gotten(whole, { checksum: { ...checksum, expected: "0".repeat(64) } });
    await expect(done).rejects.toThrow(
      `has SHA-256 ${checksum.expected}, expected ${"0".repeat(64)}: it was damaged or replaced`,
    );
    expect(await files()).toEqual([]);
  });

  it("more bytes than it was told to expect", async () => {
    const { done } = await gotten(whole, { mostBytes: 4999 });
    await expect(done).rejects.toThrow("more than 4999 bytes");
    await (await gotten(whole, { mostBytes: 5000 })).done;
  });

  it("a range that holds nothing, where nothing was asked for yet", async () => {
    const { done } = await gotten(say(416));
    await expect(done).rejects.toThrow(DataError);
    await expect(done).rejects.toThrow("HTTP 416");
  });

  it("to be sent elsewhere where headers must stay", async () => {
    const other = await serve(whole);
    const elsewhere: Answer = (_, response) => response.writeHead(302, { location: other.url }).end();
    await expect((await gotten(elsewhere, { redirect: "error", tries: 1 })).done).rejects.toThrow(DataError);
    expect(other.requests).toHaveLength(0);
    await (await gotten(elsewhere, { checksum })).done;
    expect(other.requests).toHaveLength(1);
  });

  it("to name an address that holds a secret: the label stands in every message", async () => {
    const label = "archive of model 7";
    const faults: readonly (readonly [Answer, DownloadOptions])[] = [
      [say(404), {}],
      [say(500), { tries: 1 }],
      [whole, { mostBytes: 10 }],
      [whole, { checksum: { ...checksum, expected: "0" } }],
    ];
    for (const [answer, options] of faults) {
      const { done, url } = await gotten(answer, { ...options, label });
      const message = await done.then(String, (error: Error) => error.message);
      expect(message).toMatch(new RegExp(`^${label}: `));
      expect(message).not.toContain(url);
    }
  });

  it("a folder that is a file", async () => {
    const dir = await temporaryFolder();
    await writeFile(join(dir, "taken"), "");
    const { url } = await serve(whole);
    await expect(download(url, join(dir, "taken", "file"))).rejects.toThrow(CheckpointError);
  });
});

describe("an abort ends a download with the signal's reason", () => {
  const reason = new Error("interrupted");
  it("before it began", async () => {
    const { done } = await gotten(whole, { signal: AbortSignal.abort(reason) });
    await expect(done).rejects.toBe(reason);
  });

  it("in the middle of the bytes, which are kept for the next try", async () => {
    const controller = new AbortController();
    const { done, files } = await gotten(
      (_, response) => {
        response.writeHead(200, { "content-length": CONTENT.length });
        response.write(CONTENT.subarray(0, 1000));
      },
      { checksum, signal: controller.signal, onProgress: () => controller.abort(reason) },
    );
    await expect(done).rejects.toBe(reason);
    expect(await files()).toEqual(["file.partial"]);
  });

  it("in the pause between two tries", async () => {
    const controller = new AbortController();
    const refuse: Answer = (request, response, call) => {
      say(500)(request, response, call);
      setTimeout(() => controller.abort(reason), 50);
    };
    const { done } = await gotten(refuse, { signal: controller.signal, pauseMs: 60_000 });
    await expect(done).rejects.toBe(reason);
  });
});
