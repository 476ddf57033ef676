import { describe, expect, it, vi } from "vitest";
import { connectTinker } from "../../../src/engine/tinker/client.js";
import { ADAM, CALL, datum, scene, step } from "../../support/tinkerScene.js";
import { TOY } from "../../support/toyBackend.js";

/** For what happens soon, on any machine. */
const LONG = { timeout: 10_000, interval: 5 };

describe("connectTinker", () => {
  it("opens a session, makes a model, scores, learns and samples", async () => {
    const { client, model } = await scene();
    expect(client.capabilities.supported_models).toEqual([{ model_name: TOY.model }]);
    const before = await model.forward({ data: CALL.data, loss: "cross_entropy" });
    expect(before.map(({ logProbs }) => logProbs.length)).toEqual([2, 1]);
    await model.forwardBackward(CALL);
    const { gradNorm } = await model.optimStep(ADAM);
    expect(gradNorm).toBeGreaterThan(0);
    const after = await model.forward({ data: CALL.data, loss: "cross_entropy" });
    expect(after[0]?.logProbs[0]).toBeGreaterThan(before[0]?.logProbs[0] ?? 0);
    expect(after[1]?.logProbs[0]).toBeLessThan(before[1]?.logProbs[0] ?? 0);
    const { session = "" } = await model.saveForSampler(undefined);
    const { sequences } = await client.sample({
      prompt: { chunks: [{ type: "encoded_text", tokens: [4, 5] }] },
      samples: 3,
      params: { max_tokens: 5, temperature: 1, top_p: 1, top_k: -1, seed: 3 },
      of: { sampling_session_id: session },
    });
    expect(sequences).toHaveLength(3);
    expect(sequences.every(({ tokens, logprobs }) => tokens.length === logprobs?.length)).toBe(true);
  });

  it("numbers a model's training calls from 1, without gaps", async () => {
    const { model, requests } = await scene();
    await model.forward({ data: CALL.data, loss: "cross_entropy" });
    await model.forwardBackward(CALL);
    await model.optimStep(ADAM);
    await model.save("step-1");
    const numbers = requests.flatMap(({ body }) => (body as { seq_id?: number }).seq_id ?? []);
    expect(numbers).toEqual([1, 2, 3, 4]);
    expect(model.nextSequence()).toBe(5);
  });

  it("saves weights with the optimizer, and a fresh model goes on from them exactly", async () => {
    const one = await scene();
    await step(one);
    const path = await one.model.save("step-000001");
    expect(path).toBe(`tinker://${one.model.id}/weights/step-000001`);
    const straight = await step(one);
    const fresh = await one.client.createModel({ baseModel: TOY.model, rank: 8, seed: 1 });
    await fresh.load(path);
    await fresh.forwardBackward(CALL);
    await fresh.optimStep(ADAM);
    expect(one.tables().slice()).toEqual(straight);
    const both = await Promise.all(
      [one.model, fresh].map((model) => model.forward({ data: CALL.data, loss: "cross_entropy" })),
    );
    expect(both[0]).toEqual(both[1]);
  });

  it("says what is wrong with an address, and who does not answer there", async () => {
    await expect(connectTinker({ url: "here" })).rejects.toThrow(
      "engine.url: not a server address: here: write http://host:port",
    );
    await expect(connectTinker({ url: "localhost:8000" })).rejects.toThrow(
      "engine.url: not a server address: localhost:8000: it must begin with http:// or https://",
    );
    const url = "http://127.0.0.1:9";
    await expect(connectTinker({ url })).rejects.toThrow(/ECONNREFUSED.*start the server/);
  });

  it("refuses a server that serves another model than was asked for, naming both", async () => {
    await expect(scene(undefined, { serves: "other/model-7b" })).rejects.toThrow(
      /asked for the model toy\/bigram-16, the server has other\/model-7b: set engine.baseModel/,
    );
  });

  it("names what a server refuses in the future", async () => {
    const { client } = await scene();
    await expect(client.createModel({ baseModel: TOY.model, rank: 65, seed: 1 })).rejects.toThrow(
      /status 400: lora_config.rank: 65 is above max_lora_rank 64/,
    );
  });

  it("keeps the session alive, and says so when it is over", async () => {
    const { server, model, requests } = await scene();
    const beats = () => requests.filter(({ path }) => path === "/session_heartbeat").length;
    await vi.waitFor(() => expect(beats()).toBeGreaterThan(1), LONG);
    server.endSessions();
    const words = /the session is over \(status 410 to its sign of life\)/;
    await vi.waitFor(() => expect(model.optimStep(ADAM)).rejects.toThrow(words), LONG);
  });
});

describe("a mini-batch that is too long for one request", () => {
  it("goes in several, in order, and their gradients add up", async () => {
    const data = Array.from({ length: 2100 }, (_, at) => datum([4 + (at % 5), 5, 6], at % 2 === 0 ? 1 : -1));
    const one = await scene();
    const outputs = await one.model.forwardBackward({ ...CALL, data });
    expect(one.requests.filter(({ path }) => path === "/forward_backward")).toHaveLength(3);
    expect(outputs).toHaveLength(2100);
    const last = await one.model.forward({ data: data.slice(-1), loss: "cross_entropy" });
    expect(outputs.at(-1)?.logProbs).toEqual(last[0]?.logProbs);
    await one.model.optimStep(ADAM);
    const other = await scene();
    for (const part of [data.slice(0, 700), data.slice(700)])
      await other.model.forwardBackward({ ...CALL, data: part });
    await other.model.optimStep(ADAM);
    for (const [at, weight] of one.tables().entries()) expect(weight).toBeCloseTo(other.tables()[at] ?? 0, 9);
  });
});

describe("a step whose requests are sent without waiting", () => {
  it("comes after every request of its mini-batch", async () => {
    const data = Array.from({ length: 1500 }, (_, at) => datum([4 + (at % 5), 5, 6], at % 2 === 0 ? 1 : -1));
    const [together, waiting] = [await scene(), await scene()];
    const sent = together.model.forwardBackward({ ...CALL, data });
    await Promise.all([sent, together.model.optimStep(ADAM)]);
    await waiting.model.forwardBackward({ ...CALL, data });
    await waiting.model.optimStep(ADAM);
    expect(together.tables()).toEqual(waiting.tables());
    const paths = together.requests.map(({ path }) => path).filter((path) => /forward|optim/.test(path));
    expect(paths.slice(-3)).toEqual(["/forward_backward", "/forward_backward", "/optim_step"]);
  });
});

describe("an interrupt", () => {
  it("stops the asking and sends nothing more", async () => {
    const { model, requests } = await scene(({ path, call }) =>
      path === "/retrieve_future" && call > 0 ? { kind: "status", status: 408 } : undefined,
    );
    const controller = new AbortController();
    const running = model.forwardBackward(CALL, { signal: controller.signal });
    await new Promise((resolve) => setTimeout(resolve, 50));
    controller.abort(new Error("interrupted"));
    await expect(running).rejects.toThrow("interrupted");
    const asked = () => requests.filter(({ path }) => path === "/retrieve_future").length;
    const before = asked();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(asked()).toBeLessThanOrEqual(before + 1);
    expect(requests.filter(({ path }) => path === "/forward_backward")).toHaveLength(1);
  });
});
