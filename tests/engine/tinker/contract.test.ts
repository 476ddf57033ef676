import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import {
  REQUEST_LIMITS,
  type RequestPath,
  requestsWithin,
} from "../../../src/engine/tinker/serve/requests.js";
import * as wire from "../../../src/engine/tinker/wire.js";
import { scene } from "../../support/tinkerScene.js";

/** A call of SkyRL a956457 (JAX backend, CPU) as it was recorded, below `/api/v1`. */
interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
  readonly status: number;
  readonly data: unknown;
}

const FILE = fileURLToPath(new URL("../../golden/tinker/skyrl-a956457.jsonl", import.meta.url));
const TRACE = readFileSync(FILE, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Exchange)
  .map((exchange) => ({ ...exchange, path: exchange.path.slice("/api/v1".length) }));

const requests = requestsWithin(REQUEST_LIMITS);

const ANSWERS: Readonly<Record<string, z.ZodType>> = {
  "/create_session": wire.sessionSchema,
  "/create_model": wire.createdModelSchema,
  "/get_info": wire.modelInfoSchema,
  "/forward": wire.futureSchema,
  "/forward_backward": wire.futureSchema,
  "/optim_step": wire.futureSchema,
  "/save_weights": wire.futureSchema,
  "/load_weights": wire.futureSchema,
  "/save_weights_for_sampler": wire.futureSchema,
  "/asample": wire.futureSchema,
};

/** What the future of each call holds. */
const RESULTS: Readonly<Record<string, z.ZodType>> = {
  "/create_model": wire.createdModelSchema,
  "/forward": wire.lossOutputSchema,
  "/forward_backward": wire.lossOutputSchema,
  "/optim_step": wire.optimizerOutputSchema,
  "/save_weights": wire.savedSchema,
  "/save_weights_for_sampler": wire.samplerSchema,
  "/asample": wire.sampleOutputSchema,
};

describe("the recorded trace", () => {
  it("is long enough to mean something", () => {
    expect(TRACE.length).toBeGreaterThan(40);
  });

  it("holds requests that this project's server takes, where SkyRL took them", () => {
    const refused = TRACE.filter(({ path, status }) => path in requests && status === 200)
      .map(({ path, body }) => ({ path, parsed: requests[path as RequestPath].safeParse(body) }))
      .filter(({ parsed }) => !parsed.success);
    expect(refused).toEqual([]);
  });

  it("holds answers that the client reads", () => {
    const read = TRACE.filter(({ path, status }) => path in ANSWERS && status === 200);
    expect(read.length).toBeGreaterThan(15);
    for (const { path, data } of read) expect(() => ANSWERS[path]?.parse(data), path).not.toThrow();
  });

  it("holds results that the client reads", () => {
    const asked = new Map<string, string>();
    let results = 0;
    for (const { path, body, data, status } of TRACE) {
      if (status !== 200) continue;
      if (path === "/retrieve_future") {
        const call = asked.get((body as { request_id: string }).request_id) ?? "";
        if (call in RESULTS) results++;
        expect(() => RESULTS[call]?.parse(data), call).not.toThrow();
      } else if (path in ANSWERS && "request_id" in (data as object)) {
        asked.set((data as { request_id: string }).request_id, path);
      }
    }
    expect(results).toBeGreaterThan(12);
  });

  it("was made by the calls that the client makes", async () => {
    const { client, model, requests } = await scene();
    const data = [
      {
        model_input: { chunks: [{ type: "encoded_text", tokens: [4, 5] } as const] },
        loss_fn_inputs: { target_tokens: { data: [5, 6], dtype: "int64" as const, shape: [2] } },
      },
    ];
    await model.forward({ data, loss: "cross_entropy" });
    await model.save("one");
    await model.saveForSampler(undefined);
    expect(client.sessionId).toMatch(/^session_[0-9a-f]{8}$/);
    expect(model.id).toMatch(/^model_[0-9a-f]{8}$/);
    const paths = [...new Set(requests.map(({ path }) => path))].filter(
      (path) => path !== "/session_heartbeat",
    );
    const recorded = new Set(TRACE.map(({ path }) => path));
    expect(paths.filter((path) => !recorded.has(path))).toEqual([]);
  });
});
