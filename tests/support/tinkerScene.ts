/**
 * @module A Tinker client, a server on loopback that misbehaves on demand, and a policy behind it that can be looked at.
 */
import { afterEach } from "vitest";
import type { Clock } from "../../src/core/chat/servers.js";
import { connectTinker, type TinkerClient, type TinkerOptions } from "../../src/engine/tinker/client.js";
import type { TrainingModel } from "../../src/engine/tinker/model.js";
import {
  type Fault,
  startTinkerServer,
  type TinkerServer,
  type TinkerServerOptions,
  type WireRequest,
} from "../../src/engine/tinker/serve/server.js";
import type { Datum } from "../../src/engine/tinker/wire.js";
import { TOY, type ToyOptions, toyBackend } from "./toyBackend.js";

export const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

/** Time that passes only by waiting for it, and is over at once. */
export function fastClock(): Clock & { readonly slept: number[] } {
  const slept: number[] = [];
  let now = 0;
  return {
    slept,
    now: () => now,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      slept.push(ms);
      now += ms;
    },
  };
}

export interface Scene {
  readonly server: TinkerServer;
  readonly client: TinkerClient;
  readonly model: TrainingModel;
  readonly tables: () => Float64Array;
  /** Ids of the models that take a place on the server. */
  readonly alive: () => string[];
  readonly clock: ReturnType<typeof fastClock>;
  readonly requests: { readonly path: string; readonly status: number; readonly body: unknown }[];
}

export type Faults = (request: WireRequest) => Fault | undefined;

export async function scene(
  faults: Faults = () => undefined,
  toy: ToyOptions = {},
  more: Partial<TinkerOptions & Pick<TinkerServerOptions, "isForgetful" | "sessionMs">> = {},
): Promise<Scene> {
  const backend = toyBackend(toy);
  const requests: { path: string; status: number; body: unknown }[] = [];
  const onRequest = ({ path, body }: WireRequest, status: number) =>
    void requests.push({ path, status, body });
  const { isForgetful = false, sessionMs = 60_000, ...patience } = more;
  const server = await startTinkerServer({
    ...{ backend, version: "test", pollMs: 200, sessionMs, isForgetful, faults, onRequest },
  });
  open.push(server);
  const clock = fastClock();
  const client = await connectTinker({
    url: server.url,
    clock,
    timeoutMs: 2000,
    heartbeatMs: 20,
    ...patience,
  });
  open.push(client);
  const model = await client.createModel({ baseModel: TOY.model, rank: 8, seed: 1 });
  const { alive } = backend;
  return { server, client, model, tables: () => backend.tables(model.id), alive, clock, requests };
}

/** A fault for one call of one path. */
export const onCall =
  (path: string, call: number, fault: Fault): Faults =>
  (request) =>
    request.path === path && request.call === call ? fault : undefined;

const tensor = (data: number[], dtype: "float32" | "int64" = "float32") => ({
  data,
  dtype,
  shape: [data.length],
});

export function datum(tokens: readonly number[], advantage = 1): Datum {
  const rest = tokens.slice(1).map(() => advantage);
  return {
    model_input: { chunks: [{ type: "encoded_text", tokens: tokens.slice(0, -1) }] },
    loss_fn_inputs: {
      target_tokens: tensor(tokens.slice(1), "int64"),
      weights: tensor(rest.map(() => 1)),
      advantages: tensor(rest),
      logprobs: tensor(rest.map(() => -2)),
    },
  };
}

export const ADAM = {
  learning_rate: 0.1,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weight_decay: 0,
  grad_clip_norm: 0,
};
export const CALL = { data: [datum([4, 5, 6]), datum([7, 8], -1)], loss: "importance_sampling" } as const;

/** One optimizer step, and the weights after it. */
export async function step({ model, tables }: Scene): Promise<Float64Array> {
  await model.forwardBackward(CALL);
  await model.optimStep(ADAM);
  return tables().slice();
}

export async function quietStep(): Promise<Float64Array> {
  return step(await scene());
}
