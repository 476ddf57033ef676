import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { exchange, type HttpRequest, shownUrl } from "../../../src/core/chat/http.js";
import { ServerError } from "../../../src/core/errors.js";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listening(server: Server): Promise<URL> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/x`);
}

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<URL> {
  const server = createServer(answer);
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return listening(server);
}

/** A server that says what no HTTP library would. */
async function serveRaw(answer: (socket: Socket) => unknown): Promise<URL> {
  const sockets: Socket[] = [];
  const server = createTcpServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    answer(socket);
  });
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return listening(server);
}

const ask = (url: URL, more: Partial<HttpRequest> = {}) =>
  exchange({ url, method: "GET", timeoutMs: 10_000, ...more });

async function failure(work: Promise<unknown>): Promise<ServerError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ServerError) return error;
  throw new Error(`expected a ServerError, got ${String(error)}`);
}

describe("exchange", () => {
  it.each([200, 204, 301, 404, 418, 500, 599])(
    "gives back status %i with headers and text",
    async (status) => {
      const url = await serve((_, response) => response.writeHead(status, { "x-more": "1" }).end("é😀"));
      const reply = await ask(url);
      expect([reply.status, reply.headers["x-more"]]).toEqual([status, "1"]);
      expect(reply.text).toBe(status === 204 ? "" : "é😀");
    },
  );

  it("puts letters together that came in two pieces", async () => {
    const bytes = Buffer.from("é😀");
    const url = await serve((_, response) => {
      response.writeHead(200);
      response.write(bytes.subarray(0, 3), () => setTimeout(() => response.end(bytes.subarray(3)), 10));
    });
    expect((await ask(url)).text).toBe("é😀");
  });

  it.each([
    ["text of more bytes than letters", "é😀", 6],
    ["bytes", Uint8Array.of(0, 255), 2],
    ["nothing", "", 0],
  ])("sends %s with its length", async (_, body, length) => {
    const seen: Buffer[] = [];
    const url = await serve(async (request, response) => {
      for await (const piece of request) seen.push(piece as Buffer);
      response.end(`${request.method} ${request.headers["content-length"]} ${request.headers["x-key"]}`);
    });
    const reply = await ask(url, { method: "PUT", body, headers: { "x-key": "k" } });
    expect(reply.text).toBe(`PUT ${length} k`);
    expect(Buffer.concat(seen)).toEqual(Buffer.from(body));
  });

  it("takes an answer of as many bytes as allowed and refuses one more", async () => {
    const url = await serve((_, response) => response.end("x".repeat(1000)));
    expect((await ask(url, { maxBytes: 1000 })).text).toHaveLength(1000);
    const error = await failure(ask(url, { maxBytes: 999 }));
    expect(error.details.kind).toBe("garbled");
    expect(error.message).toBe(`${url.href}: the answer is longer than 999 bytes`);
  });
});

describe("exchange says what a server did instead", () => {
  it.each([
    ["nothing", () => undefined],
    ["headers and no body", (_: unknown, response: ServerResponse) => response.writeHead(200).flushHeaders()],
  ])("it sent %s in time", async (_, answer) => {
    const error = await failure(ask(await serve(answer), { timeoutMs: 50 }));
    expect(error.details.kind).toBe("timeout");
    expect(error.message).toContain("no whole answer within 0.05 s");
  });

  it.each([
    ["closed the connection", (socket: Socket) => socket.end()],
    ["spoke another protocol", (socket: Socket) => socket.end("SSH-2.0-OpenSSH_9.6\r\n")],
    [
      "stopped in the middle of a body of known length",
      (socket: Socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"),
    ],
    [
      "stopped in the middle of a body in chunks",
      (socket: Socket) => socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhal"),
    ],
  ])("it %s", async (_, answer) => {
    const url = await serveRaw((socket) => socket.once("data", () => answer(socket)));
    const error = await failure(ask(url));
    expect(error.details).toMatchObject({ kind: "unreachable", url: url.href });
    expect(error.message).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1\/x: cannot be reached: .+; .+/);
  });

  it("nobody listens", async () => {
    const server = createTcpServer();
    const url = await listening(server);
    await new Promise((resolve) => server.close(resolve));
    const error = await failure(ask(url));
    expect(error.message).toMatch(/ECONNREFUSED.*; start the server, or correct host and port$/);
  });

  it("it has no TLS where it should", async () => {
    const url = await serve((_, response) => response.end());
    const error = await failure(ask(new URL(url.href.replace("http:", "https:"))));
    expect(error.details.kind).toBe("unreachable");
    expect(error.message).toMatch(/certificate, or use http:\/\//);
  });

  it("a header that cannot be sent, as a key with a line break, is no fault of the server's", async () => {
    const url = await serve((_, response) => response.end());
    const error = await failure(ask(url, { headers: { authorization: "Bearer secret\n" } }));
    expect(error.details.kind).toBe("refused");
    expect(error.message).toMatch(/authorization.*; check the key: it may hold a line break$/);
    expect(error.message).not.toContain("secret");
  });
});

describe("an abort ends an exchange with the signal's reason", () => {
  const reason = new Error("interrupted");
  it("before anything is sent", async () => {
    let calls = 0;
    const url = await serve((_, response) => response.end(String(++calls)));
    await expect(ask(url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(calls).toBe(0);
  });

  it.each([
    ["while it waits for headers", () => undefined],
    ["in the middle of the body", (_: unknown, response: ServerResponse) => response.write("half")],
  ])("%s", async (_, answer) => {
    const controller = new AbortController();
    const url = await serve((request, response) => {
      answer(request, response);
      setTimeout(() => controller.abort(reason), 20);
    });
    await expect(ask(url, { signal: controller.signal })).rejects.toBe(reason);
  });
});

describe("shownUrl", () => {
  it("leaves out user, password, query and fragment", () => {
    expect(shownUrl(new URL("https://me:pass@host:8000/v1/chat?key=secret#x"))).toBe(
      "https://host:8000/v1/chat",
    );
  });
});
