/**
 * @module Work that a server does in its own time: a request is answered at once with a ticket, and the ticket is
 * exchanged for the result when there is one.
 */
import { z } from "zod";
import { shownUrl } from "../../core/chat/http.js";
import { ServerError } from "../../core/errors.js";
import { garbledError, withoutEchoes } from "./answers.js";
import { type Call, isPending, type Transport } from "./transport.js";
import { failedSchema, notReadySchema } from "./wire.js";

/** Why a server lets its work wait. */
export interface QueueState {
  /** `paused_capacity`, `paused_rate_limit`, `active`. */
  readonly state: string;
  readonly reason?: string;
}

export interface FutureWatch {
  readonly signal?: AbortSignal | undefined;
  readonly onQueue?: ((state: QueueState) => void) | undefined;
}

/** A result, or a ticket that the server no longer knows. */
export type Retrieved<Result> =
  | { readonly kind: "done"; readonly result: Result }
  | { readonly kind: "lost"; readonly error: ServerError };

/** Least time between two askings, so that a server which answers at once is not flooded. */
const PAUSE_MS = 50;

const anything = z.unknown();

function readFailure(transport: Transport, json: unknown): ServerError | undefined {
  const failed = failedSchema.safeParse(json);
  if (!failed.success) return undefined;
  const { error, category } = failed.data;
  const url = shownUrl(transport.base);
  const said = `${url}: the work failed${category ? ` (${category})` : ""}: ${withoutEchoes(error)}`;
  return new ServerError(`${said}; see what the server says about this request`, { kind: "rejected", url });
}

function endlessError(transport: Transport, state: QueueState | undefined): ServerError {
  const url = shownUrl(transport.base);
  const queue = state ? ` (its queue: ${state.state}${state.reason ? `, ${state.reason}` : ""})` : "";
  const message = `${url}: no result within ${transport.maxWaitMs / 1000} s${queue}; see the server's log, then resume`;
  return new ServerError(message, { kind: "timeout", url });
}

/**
 * Asks until the work is done, has failed, or is lost.
 * @throws ServerError when it failed or took longer than `maxWaitMs`; the signal's reason when aborted
 */
export async function retrieve<Result>(
  transport: Transport,
  requestId: string,
  schema: z.ZodType<Result>,
  { signal, onQueue }: FutureWatch = {},
): Promise<Retrieved<Result>> {
  const { clock, maxWaitMs } = transport;
  const startedMs = clock.now();
  const call = {
    path: "/retrieve_future",
    body: { request_id: requestId },
    isRepeatable: true,
    isPoll: true,
    signal,
  };
  let queue: QueueState | undefined;
  for (;;) {
    signal?.throwIfAborted();
    const askedMs = clock.now();
    if (askedMs - startedMs > maxWaitMs) throw endlessError(transport, queue);
    const asked = await askOnce(transport, { ...call, answer: anything });
    if ("lost" in asked) return { kind: "lost", error: asked.lost };
    if ("json" in asked) {
      const notReady = notReadySchema.safeParse(asked.json);
      if (!notReady.success) return { kind: "done", result: readResult(transport, asked.json, schema) };
      const { queue_state, queue_state_reason } = notReady.data;
      queue = {
        state: queue_state ?? "active",
        ...(queue_state_reason ? { reason: queue_state_reason } : {}),
      };
      onQueue?.(queue);
    }
    const early = PAUSE_MS - (clock.now() - askedMs);
    if (early > 0) await clock.sleep(early, signal);
  }
}

/** The answer's JSON, nothing yet, or the word that the ticket is unknown. */
async function askOnce(
  transport: Transport,
  call: Call<unknown>,
): Promise<{ readonly json: unknown } | { readonly lost: ServerError } | { readonly isPending: true }> {
  try {
    return { json: await transport.call(call) };
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    if (isPending(error)) return { isPending: true };
    if (error.details.status === 404 || error.details.status === 410) return { lost: error };
    throw error;
  }
}

function readResult<Result>(transport: Transport, json: unknown, schema: z.ZodType<Result>): Result {
  const failure = readFailure(transport, json);
  if (failure) throw failure;
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw garbledError(transport.base, `${issue?.path.join(".")}: ${issue?.message}`);
}
