/**
 * @module Sessions of a Tinker server. Servers drop one that shows no sign of life, with the models in it; so every
 * model has one of its own: a model whose id never came back goes with its session.
 */
import { setInterval } from "node:timers";
import { z } from "zod";
import { shownUrl } from "../../core/chat/http.js";
import { ServerError } from "../../core/errors.js";
import type { Transport } from "./transport.js";
import { sessionSchema, WIRE_SDK_VERSION } from "./wire.js";

/** A place on a server for as long as we are heard of. */
export interface Session {
  readonly id: string;
  /** What the server said of it. */
  readonly messages: readonly string[];
  /** Answers nothing more once the session is over. */
  readonly transport: Transport;
  /** Stops the signs of life; the server forgets the session. */
  close(): void;
}

/** What servers say to a sign of life of a session that they do not have: the hosted service and SkyRL a956457. */
const OVER: readonly unknown[] = [410, 404];

function overError(transport: Transport, cause: ServerError): ServerError {
  const url = shownUrl(transport.base);
  const message = `${url}: the session is over (status ${cause.details.status} to its sign of life), and its models are gone; resume from the last checkpoint`;
  return new ServerError(message, { ...cause.details, kind: "refused", cause });
}

/** Keeps a session alive. @returns what ended it, if anything did, and how to stop */
function keepAlive(transport: Transport, sessionId: string, everyMs: number) {
  let ended: ServerError | undefined;
  const call = {
    path: "/session_heartbeat",
    body: { session_id: sessionId, type: "session_heartbeat" },
    answer: z.unknown(),
    isRepeatable: true,
  };
  const timer = setInterval(() => {
    transport.once(call).catch((error: unknown) => {
      // A missed beat is made up for by the next; what is over stays over.
      if (!(error instanceof ServerError) || !OVER.includes(error.details.status)) return;
      ended = overError(transport, error);
      clearInterval(timer);
    });
  }, everyMs);
  timer.unref();
  return { ended: () => ended, stop: () => clearInterval(timer) };
}

/** A transport that answers nothing more once the session is over. */
function guarded(transport: Transport, ended: () => ServerError | undefined): Transport {
  const check = () => {
    const error = ended();
    if (error) throw error;
  };
  return {
    ...transport,
    async call(call) {
      check();
      return transport.call(call);
    },
    async once(call) {
      check();
      return transport.once(call);
    },
  };
}

/** @throws ServerError when the server opens none */
export async function openSession(
  open: Transport,
  { heartbeatMs, signal }: { readonly heartbeatMs: number; readonly signal?: AbortSignal | undefined },
): Promise<Session> {
  const { session_id, info_message, warning_message, error_message } = await open.call({
    path: "/create_session",
    body: {
      ...{ tags: ["sharegrpo"], user_metadata: null, sdk_version: WIRE_SDK_VERSION, type: "create_session" },
    },
    answer: sessionSchema,
    // One that nobody heard of is dropped for its silence.
    isRepeatable: true,
    signal,
  });
  const life = keepAlive(open, session_id, heartbeatMs);
  return {
    id: session_id,
    messages: [info_message, warning_message, error_message].flatMap((message) => message || []),
    transport: guarded(open, life.ended),
    close: life.stop,
  };
}
