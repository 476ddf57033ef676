import { expect, it } from "vitest";
import { startTinkerServer } from "../../../../src/engine/tinker/serve/server.js";
import { toyBackend } from "../../../support/toyBackend.js";

it("requests above the number that may wait are 429, and done when they are sent again", async () => {
  const options = { backend: toyBackend(), version: "test", pollMs: 20_000, limits: { maxWaiting: 1 } };
  const server = await startTinkerServer(options);
  const post = async (path: string, body: object) => {
    const reply = await fetch(`${server.url}/api/v1${path}`, { method: "POST", body: JSON.stringify(body) });
    const json = (await reply.json()) as Readonly<Record<string, string>>;
    return { status: reply.status, json, retryAfter: reply.headers.get("retry-after") };
  };
  const base_model = "toy/bigram-16";
  const { session_id } = (await post("/create_session", { tags: [], sdk_version: "0" })).json;
  const model = { session_id, base_model, lora_config: { rank: 8 }, model_seq_id: 0 };
  const prompt = { chunks: [{ type: "encoded_text", tokens: [4] }] };
  const sample = { base_model, num_samples: 1, prompt, sampling_params: { max_tokens: 1 } };
  const { request_id } = (await post("/asample", sample)).json;
  expect(await post("/asample", sample)).toEqual({
    ...{ status: 429, retryAfter: "5" },
    json: {
      detail: expect.stringContaining("limit of 1 requests that wait or whose results were not fetched"),
    },
  });
  expect(await post("/create_model", model)).toMatchObject({ status: 429 });
  expect(await post("/retrieve_future", { request_id })).toMatchObject({ status: 200, retryAfter: null });
  // A refusal is not remembered as the answer to a request's number.
  const made = await post("/create_model", model);
  expect(made.status).toBe(200);
  const { request_id: making } = made.json;
  expect(await post("/retrieve_future", { request_id: making })).toMatchObject({ status: 200 });
  await server.close();
});
