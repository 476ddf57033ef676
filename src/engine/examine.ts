/**
 * @module What answers at an address, and what of this project works there: a Tinker-wire server, a Ray head, or an
 * OpenAI-compatible server.
 */
import { engineKey } from "../config/load.js";
import { parseBaseUrl } from "../core/chat/chatServer.js";
import { exchange } from "../core/chat/http.js";
import { ServerError } from "../core/errors.js";
import { examineOpenAi } from "./openAi/examine.js";
import { connectRay, parseRayUrl, RAY_API } from "./ray/jobs.js";
import { type EngineFinding, examineTinker } from "./tinker/examine.js";
import { parseTinkerUrl } from "./tinker/transport.js";

/** An address, and what to try there. */
export interface EngineQuestion {
  readonly url: string;
  readonly model?: string;
  /** Of the adapter that is tried on a Tinker-wire server. */
  readonly rank?: number;
}

const TIMEOUT_MS = 10_000;

/** Whether a path answers with JSON that has this key. */
async function answersWith(base: URL, path: string, key: string): Promise<boolean> {
  const url = new URL(base);
  url.pathname = path;
  const reply = await exchange({ url, method: "GET", timeoutMs: TIMEOUT_MS });
  try {
    const json: unknown = reply.status === 200 ? JSON.parse(reply.text) : undefined;
    return typeof json === "object" && json !== null && key in json;
  } catch {
    return false;
  }
}

async function rayFindings(url: string): Promise<EngineFinding[]> {
  try {
    const { server, rayVersion } = await connectRay({ url, token: engineKey() });
    return [
      { name: "server", isFine: true, note: `${server}, Ray ${rayVersion}` },
      {
        name: "jobs",
        isFine: true,
        note: `API version ${RAY_API.version}: engine.kind=ray hands whole runs over`,
      },
      {
        name: "EasyR1",
        isFine: true,
        note: "is looked for by the job itself; a wrong version ends it with both named",
      },
    ];
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return [{ name: "server", isFine: false, note: error.message }];
  }
}

/**
 * Examines what answers at an address, in lines for a person.
 * @throws ConfigError when it is no address
 */
export async function examineAddress({ url, model, rank = 8 }: EngineQuestion): Promise<EngineFinding[]> {
  const base = parseRayUrl(url);
  try {
    if (await answersWith(base, "/api/version", "ray_version")) return await rayFindings(url);
    if (
      await answersWith(base, `${parseTinkerUrl(url).pathname}/get_server_capabilities`, "supported_models")
    ) {
      return await examineTinker({ url, rank, key: engineKey(), ...(model ? { baseModel: model } : {}) });
    }
    const found = await examineOpenAi({
      base: parseBaseUrl(url),
      key: engineKey(),
      ...(model ? { model } : {}),
    });
    if (found) return found;
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return [{ name: "server", isFine: false, note: error.message }];
  }
  const note = `${url}: answers, but is no Tinker-wire server, no Ray dashboard and no OpenAI-compatible server; check port and path`;
  return [{ name: "server", isFine: false, note }];
}
