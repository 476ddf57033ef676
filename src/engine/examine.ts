/**
 * @module What answers at an address, and what of this project works there: a Tinker-wire server, a Ray head, or an
 * OpenAI-compatible server.
 */
import { engineKey } from "../config/load.js";
import { endpoint, headersOf, parseBaseUrl } from "../core/chat/chatServer.js";
import { exchange, isLocked, shownUrl, withoutKey } from "../core/chat/http.js";
import { ServerError } from "../core/errors.js";
import { examineOpenAi } from "./openAi/examine.js";
import { connectRay, parseRayUrl, RAY_API } from "./ray/jobs.js";
import { statusError } from "./tinker/answers.js";
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

/** A protocol's first question, and what its answer has. */
interface Question {
  readonly url: URL;
  readonly sign: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Asks first questions; remembers the first that was refused for its key. */
function createKnock() {
  let locked: ServerError | undefined;
  return {
    locked: () => locked,
    /** Whether an address answers as a protocol does. @throws ServerError when nobody answers */
    async answers({ url, sign, headers }: Question): Promise<boolean> {
      const reply = await exchange({ url, method: "GET", headers, timeoutMs: TIMEOUT_MS });
      if (isLocked(reply.status)) {
        locked ??= statusError(url, { ...reply, text: withoutKey(reply.text, engineKey()) });
      }
      try {
        const json: unknown = reply.status === 200 ? JSON.parse(reply.text) : undefined;
        return typeof json === "object" && json !== null && sign in json;
      } catch {
        return false;
      }
    },
  };
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
  const asked = parseRayUrl(url);
  const key = engineKey();
  const { answers, locked } = createKnock();
  const bearer = headersOf(key);
  const [ray, tinker, base] = [new URL(asked), parseTinkerUrl(asked.href), parseBaseUrl(asked.href)];
  ray.pathname = `${asked.pathname.replace(/\/$/, "")}/api/version`;
  try {
    if (await answers({ url: ray, sign: "ray_version", headers: bearer })) return await rayFindings(url);
    const capabilities = endpoint(tinker, "/get_server_capabilities");
    const headers = key === undefined ? {} : { "x-api-key": key };
    if (await answers({ url: capabilities, sign: "supported_models", headers })) {
      return await examineTinker({ url: tinker.href, rank, key, ...(model ? { baseModel: model } : {}) });
    }
    if (await answers({ url: endpoint(base, "/models"), sign: "data", headers: bearer })) {
      const found = await examineOpenAi({ base, key, ...(model ? { model } : {}) });
      if (found) return found;
    }
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return [{ name: "server", isFine: false, note: error.message }];
  }
  const unknown = `${shownUrl(asked)}: answers, but is no Tinker-wire server, no Ray dashboard and no OpenAI-compatible server; check port and path`;
  return [{ name: "server", isFine: false, note: locked()?.message ?? unknown }];
}
