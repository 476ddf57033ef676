import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { addDoctor } from "../../src/cli/doctor.js";
import { type Fault, startTinkerServer, type WireRequest } from "../../src/engine/tinker/serve/server.js";
import { type ChatBehaviour, startChatServer } from "../helpers/chatServer.js";
import { runCommand } from "../helpers/command.js";
import { startRayHead } from "../support/rayHead.js";
import { type ToyOptions, toyBackend } from "../support/toyBackend.js";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const each of open.splice(0)) await each.close();
});

/** A server behind a gate that lets nobody through without the key "right". */
async function locked(url: string): Promise<string> {
  const gate = createServer((asked, reply) => {
    const { "x-api-key": own, authorization } = asked.headers;
    if (own !== "right" && authorization !== "Bearer right") {
      return void reply.writeHead(401).end(`{"detail":"no such key: ${own ?? authorization}"}`);
    }
    const { method, headers } = asked;
    const sent = request(new URL(asked.url ?? "", url), { method, headers }, (answer) => {
      reply.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(reply);
    });
    asked.pipe(sent);
  });
  gate.listen(0, "127.0.0.1");
  await once(gate, "listening");
  open.push(gate);
  return `http://127.0.0.1:${(gate.address() as AddressInfo).port}`;
}

async function doctor(url: string, ...flags: readonly string[]) {
  const { printed, code } = await runCommand(addDoctor, "doctor", "--engine", url, ...flags);
  return { lines: printed.split("\n").map((line) => line.replace(/ {2,}/, " | ")), code };
}

async function toyServer(toy: ToyOptions = {}): Promise<string> {
  const server = await startTinkerServer({ backend: toyBackend(toy), version: "1.2.3" });
  open.push(server);
  return server.url;
}

describe("sharegrpo doctor --engine", () => {
  it("says in words what works on a Tinker-wire server", async () => {
    const url = await toyServer({ aggregation: "mean" });
    const { lines, code } = await doctor(url);
    expect(code).toBe(0);
    expect(lines).toEqual([
      `✓ server | ${url}/api/v1 (sharegrpo 1.2.3), spoken to as by the Tinker SDK 0.24.1`,
      "✓ models | toy/bigram-16",
      "✓ model | toy/bigram-16, adapter of rank 8",
      "✓ images | seen: a black one and a white one are answered differently",
      "✓ aggregation | mean over sequences of token means",
      "✓ repeated requests | known again: a lost answer is asked for again",
      "✓ loss cross_entropy | computed as named",
      "✓ loss importance_sampling | computed as named",
      "✓ loss ppo | computed as named",
      "✓ loss cispo | computed as named",
    ]);
  });

  it("names a loss that a server computes as another", async () => {
    const { lines } = await doctor(await toyServer({ lossAs: { ppo: "cross_entropy" } }));
    expect(lines).toContain("– loss ppo | the server computes something else under this name");
  });

  it("names a server that drops images in silence, and one that refuses them", async () => {
    const { lines } = await doctor(await toyServer({ ignoresImages: true }));
    expect(lines).toContain("– images | dropped in silence: a black one is as good as a white one");
    const faults = ({ path, body }: WireRequest): Fault | undefined =>
      path === "/asample" && JSON.stringify(body).includes('"image"')
        ? { kind: "status", status: 400, body: '{"detail":"this model reads text"}' }
        : undefined;
    const server = await startTinkerServer({ backend: toyBackend(), version: "1.2.3", faults });
    open.push(server);
    expect((await doctor(server.url)).lines).toContainEqual(
      expect.stringMatching(/^– images \| .*status 400: this model reads text/),
    );
  });

  it("knows a Ray head", async () => {
    const head = await startRayHead({ states: ["SUCCEEDED"], logs: [""] });
    open.push(head);
    const { lines, code } = await doctor(head.url);
    expect(code).toBe(0);
    expect(lines[0]).toBe(`✓ server | ${head.url}, Ray 2.60.0`);
  });

  it("knows an OpenAI-compatible server, and that it takes no tokens", async () => {
    const server = await startChatServer({ answer: () => "1", models: ["a-model"] });
    open.push(server);
    const { lines } = await doctor(server.url);
    expect(lines[0]).toMatch(/^✓ server \| .*OpenAI-compatible$/);
    expect(lines[1]).toBe("✓ models | a-model");
    expect(lines[2]).toMatch(/^– token prompts \| not taken by \/completions: good for evaluate/);
    expect(lines[3]).toBe("– images | dropped in silence: a picture adds no tokens");
  });

  it("says that a model is not served, and who else is", async () => {
    const chats = await startChatServer({ answer: () => "1", models: ["a-model", "b-model"] });
    open.push(chats);
    const { lines } = await doctor(chats.url, "--model", "c-model");
    expect(lines.slice(1)).toEqual(["✓ models | a-model, b-model", "– model | c-model: is none of them"]);
    const other = await doctor(await toyServer(), "--model", "c-model");
    expect(other.lines.at(-1)).toMatch(/^– model \| .*c-model/);
  });

  it.each<[string, (hasImage: boolean) => ChatBehaviour]>([
    [
      "✓ images | taken by chats: one of 224 × 224 pixels adds 64 tokens",
      (hasImage) => ({ kind: "reply", text: "1", promptTokens: hasImage ? 71 : 7 }),
    ],
    [
      "– images | refused: status 400 to a chat with a picture",
      (hasImage) => (hasImage ? { kind: "status", status: 400 } : "1"),
    ],
    [
      "– images | not tried: status 500 at /chat/completions, to words alone",
      () => ({ kind: "status", status: 500 }),
    ],
    ["– images | ", () => ({ kind: "reset" })],
    ["✓ images | taken; the server does not say what it read", () => ({ kind: "junk", body: "{}" })],
  ])("tries a chat with a picture: %s", async (line, answer) => {
    const server = await startChatServer({
      answer: ({ images }) => answer(images.length > 0),
      models: ["m"],
    });
    open.push(server);
    const { lines, code } = await doctor(server.url);
    expect(code).toBe(0);
    expect(lines.at(-1)?.startsWith(line)).toBe(true);
    expect(lines[1]).toBe("✓ models | m");
  });

  it.each([
    ["a Tinker-wire server", async () => toyServer()],
    [
      "a Ray head",
      async () => {
        const head = await startRayHead({ states: ["SUCCEEDED"], logs: [""] });
        open.push(head);
        return head.url;
      },
    ],
    [
      "an OpenAI-compatible server",
      async () => {
        const server = await startChatServer({ answer: () => "1", models: ["a-model"] });
        open.push(server);
        return server.url;
      },
    ],
  ])("asks for the key of %s by its variable's name, and never shows it", async (_, start) => {
    const url = await locked(await start());
    for (const key of ["", "wrong-key"]) {
      vi.stubEnv("SHAREGRPO_ENGINE_KEY", key);
      const { lines, code } = await doctor(url);
      expect(code).toBe(1);
      expect(lines).toEqual([
        expect.stringMatching(
          /^– server \| http:.*: status 401: no such key: .*; set SHAREGRPO_ENGINE_KEY to a key that this server takes/,
        ),
      ]);
      expect(lines[0]).not.toContain("wrong-key");
    }
    vi.stubEnv("SHAREGRPO_ENGINE_KEY", "right");
    const { lines, code } = await doctor(url);
    expect([code, lines[0]]).toEqual([0, expect.stringMatching(/^✓ server/)]);
  });

  it("refuses what is no address, and never shows a password", async () => {
    await expect(doctor("localhost")).rejects.toThrow("engine.url: not an address: localhost: write http://");
    await expect(doctor("localhost:8000")).rejects.toThrow("not an address: localhost:8000");
    const other = await startChatServer({ answer: () => "1", models: null });
    open.push(other);
    const { lines } = await doctor(other.url.replace("//", "//me:secret@").replace("/v1", ""));
    expect(lines[0]).toMatch(/is no Tinker-wire server/);
    expect(lines[0]).not.toContain("secret");
  });

  it("takes an address of the kind ray:// for whatever answers there", async () => {
    const { lines } = await doctor((await toyServer()).replace("http://", "ray://"));
    expect(lines[0]).toMatch(/^✓ server \| http.*Tinker SDK 0\.24\.1$/);
  });

  it("says when nobody answers, or something else does, and exits with 1", async () => {
    const gone = await doctor("http://127.0.0.1:9");
    expect(gone).toMatchObject({ code: 1 });
    expect(gone.lines[0]).toMatch(/^– server \| .*ECONNREFUSED/);
    const other = await startChatServer({ answer: () => "1", models: null });
    open.push(other);
    const { lines, code } = await doctor(other.url.replace("/v1", ""));
    expect(code).toBe(1);
    expect(lines[0]).toMatch(/is no Tinker-wire server, no Ray dashboard and no OpenAI-compatible server/);
  });
});
