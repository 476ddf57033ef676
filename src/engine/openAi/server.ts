/**
 * @module Which program answers at an OpenAI-compatible address, in which version: what it takes beside chats hangs on that.
 */
import { z } from "zod";
import { besideApi, headersOf } from "../../core/chat/chatServer.js";
import { exchange, isLocked, shownUrl } from "../../core/chat/http.js";
import { ConfigError } from "../../core/errors.js";
import { given } from "../../core/given.js";

/** Programs whose ways are known, with the version that they were read in or tried with. */
export const SERVERS = {
  vllm: { name: "vLLM", known: "0.33.0" },
  sglang: { name: "SGLang", known: "0.5.23" },
  llama: { name: "llama.cpp", known: "b11549" },
} as const;
export type ServerKind = keyof typeof SERVERS;

export interface Server {
  readonly kind: ServerKind;
  /** As the server says it. */
  readonly version: string;
  /** SGLang: samples of one request share its seed, and are the same. */
  readonly isDeterministic?: boolean;
  /** SGLang: whether it was started for adapters. */
  readonly hasAdapters?: boolean;
}

/** How to ask a server. */
export interface ServerAddress {
  /** With `/v1`. */
  readonly base: URL;
  readonly key?: string | undefined;
}

/** For questions of what a server is. */
export const TIMEOUT_MS = 30_000;

/** An answer's status, and its JSON where that is 200 and of the shape that was asked for. */
export async function ask<Answer>(
  { key }: ServerAddress,
  url: URL,
  schema: z.ZodType<Answer>,
  body?: object,
): Promise<{ readonly status: number; readonly answer?: Answer | undefined }> {
  const method = body === undefined ? "GET" : "POST";
  const reply = await exchange({
    ...{ url, method, headers: headersOf(key), timeoutMs: TIMEOUT_MS },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const { status } = reply;
  if (status !== 200) return { status };
  try {
    return { status, answer: schema.safeParse(JSON.parse(reply.text)).data };
  } catch {
    return { status };
  }
}

/** JSON of an answer with status 200; undefined: another status, or no JSON of this shape. */
export async function askJson<Answer>(...asked: Parameters<typeof ask<Answer>>): Promise<Answer | undefined> {
  return (await ask(...asked)).answer;
}

/** Where each says its version and ways. SGLang first: it answers more than one of them. */
const INTRODUCTIONS: readonly { readonly path: string; readonly schema: z.ZodType<Server> }[] = [
  {
    path: "/server_info",
    schema: z
      .object({
        version: z.string(),
        internal_states: z.unknown(),
        enable_deterministic_inference: z.boolean().nullish(),
        enable_lora: z.boolean().nullish(),
      })
      .transform(({ version, enable_deterministic_inference, enable_lora }) => ({
        ...{ kind: "sglang", version, isDeterministic: enable_deterministic_inference === true },
        hasAdapters: enable_lora === true,
      })),
  },
  {
    path: "/version",
    schema: z.object({ version: z.string() }).transform(({ version }) => ({ kind: "vllm", version })),
  },
  {
    path: "/props",
    schema: z
      .object({ build_info: z.string() })
      .transform(({ build_info: version }) => ({ kind: "llama", version })),
  },
];

/**
 * Finds out who answers; no server: none of those known.
 * @returns where a key was asked for, too
 * @throws ServerError when nobody answers
 */
export async function whoAnswers(
  address: ServerAddress,
): Promise<{ readonly server?: Server; readonly lockedAt?: string }> {
  let lockedAt: string | undefined;
  for (const { path, schema } of INTRODUCTIONS) {
    const { status, answer } = await ask(address, besideApi(address.base, path), schema);
    if (answer) return { server: answer };
    if (isLocked(status)) lockedAt ??= path;
  }
  return given({ lockedAt });
}

const modelsSchema = z.object({
  data: z.array(z.object({ id: z.string(), parent: z.string().nullish() })),
});

/** Models and adapters that a server has now; an adapter names the model that it is of. */
export async function modelsOn(
  address: ServerAddress,
): Promise<readonly { readonly id: string; readonly isAdapter: boolean }[]> {
  const models = await askJson(address, besideApi(address.base, "/v1/models"), modelsSchema);
  return (models?.data ?? []).map(({ id, parent }) => ({ id, isAdapter: Boolean(parent) }));
}

const numbersOf = (version: string): number[] => (version.match(/\d+/g) ?? []).map(Number);

/** Below 0: the version comes before the one that is known; above: after. llama.cpp counts builds and changes little. */
function againstKnown({ kind, version }: Server): number {
  if (kind === "llama") return 0;
  const [theirs, ours] = [numbersOf(version), numbersOf(SERVERS[kind].known)];
  const differences = ours.map((number, place) => (theirs[place] ?? 0) - number);
  return differences.find((difference) => difference !== 0) ?? 0;
}

export const isOlder = (server: Server): boolean => againstKnown(server) < 0;

/** A server by name and version, and whether that is newer than all that is known. */
export function describeServer(server: Server): string {
  const { name, known } = SERVERS[server.kind];
  const remark = againstKnown(server) > 0 ? ` (newer than ${known}, the newest known here)` : "";
  return `${name} ${server.version}${remark}`;
}

/**
 * A server that takes tokens.
 * @throws ConfigError naming its version and the one that is needed; ServerError when nobody answers
 */
export async function requireServer(address: ServerAddress): Promise<Server> {
  const url = shownUrl(address.base);
  const { server, lockedAt } = await whoAnswers(address);
  if (!server && lockedAt !== undefined) {
    throw new ConfigError(
      `${url}: asks for another key before it says what it is (at ${lockedAt}): check the key`,
    );
  }
  if (!server) {
    const names = Object.values(SERVERS).map(({ name, known }) => `${name} ${known}`);
    throw new ConfigError(
      `${url}: unknown server: tokens are taken by ${names.join(", ")} or newer; chats need none of them`,
    );
  }
  if (isOlder(server)) {
    const { known } = SERVERS[server.kind];
    throw new ConfigError(
      `${url}: unsupported version: ${describeServer(server)}: its token route is that of ${known}`,
    );
  }
  return server;
}
