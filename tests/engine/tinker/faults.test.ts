import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { fetchWeights } from "../../../src/engine/tinker/archive.js";
import type { Fault } from "../../../src/engine/tinker/serve/server.js";
import { ADAM, CALL, type Faults, onCall, type Scene, scene } from "../../support/tinkerScene.js";
import { TOY } from "../../support/toyBackend.js";

const KEY = "tml-secret-key";
const SAMPLED = { max_tokens: 5, temperature: 1, top_p: 1, top_k: -1, seed: 3 } as const;
const PROMPT = { chunks: [{ type: "encoded_text", tokens: [4, 5, 6, 7, 8, 9] }] } as const;

/** Every kind of request that a run makes, and what comes of them. */
async function course({ client, model, tables, alive }: Scene) {
  const before = await model.forward({ data: CALL.data, loss: "cross_entropy" });
  await model.forwardBackward(CALL);
  const { gradNorm } = await model.optimStep(ADAM);
  const path = await model.save("step-000001");
  const { path: weights = "" } = await model.saveForSampler("policy");
  const session = await client.samplingSession(weights);
  const call = { prompt: PROMPT, samples: 2, params: SAMPLED, of: { sampling_session_id: session } };
  const { sequences } = await client.sample(call);
  const fresh = await client.createModel({ baseModel: TOY.model, rank: 8, seed: 1 });
  await fresh.load(path);
  const after = await fresh.forward({ data: CALL.data, loss: "cross_entropy" });
  await fresh.unload();
  const moved = tables().slice();
  const left = alive().filter((id) => id === model.id || id === fresh.id);
  return { before, gradNorm, sequences, after, moved, left: left.length };
}

const PATHS = [
  "/create_session",
  "/create_model",
  "/get_info",
  "/forward",
  "/forward_backward",
  "/optim_step",
  "/save_weights",
  "/save_weights_for_sampler",
  "/create_sampling_session",
  "/asample",
  "/load_weights",
  "/unload_model",
  "/retrieve_future",
] as const;

const PAGE = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
/** What a network, a proxy and a loaded server do once. */
const ONCE: Readonly<Record<string, Fault>> = {
  "an answer that is lost": { kind: "lost" },
  "an answer whose connection breaks in the middle": { kind: "cut" },
  "an answer cut in the middle of its JSON": { kind: "edit", edit: (whole) => whole.slice(0, -9) },
  "a page in place of the answer": { kind: "edit", edit: () => PAGE },
  "a proxy's 504 after the work": { kind: "edit", edit: () => PAGE, status: 504 },
  "a 500": { kind: "status", status: 500, body: "Internal Server Error" },
  "a 503 with a page": { kind: "status", status: 503, body: PAGE },
  "a 429 without Retry-After": { kind: "status", status: 429 },
  "a 429 with Retry-After": { kind: "status", status: 429, headers: { "retry-after": "7" } },
  "a billing pause": { kind: "status", status: 402 },
};

describe.each(Object.entries(ONCE))("%s, once,", (_, fault) => {
  it.each(PATHS)("changes nothing that comes of %s", async (path) => {
    const quiet = await course(await scene());
    expect(quiet.left).toBe(1);
    expect(await course(await scene(onCall(path, 0, fault)))).toEqual(quiet);
  });
});

describe("a 429", () => {
  const waits = async (headers: Record<string, string>) => {
    const { clock, model } = await scene(onCall("/optim_step", 0, { kind: "status", status: 429, headers }));
    await model.optimStep(ADAM);
    return clock.slept.filter((ms) => ms >= 1000);
  };
  it("is waited for as long as it says, or a second and longer each time", async () => {
    expect(await waits({ "retry-after": "7" })).toEqual([7000]);
    expect(await waits({})).toEqual([1000]);
    const { clock, model } = await scene(({ path, call }) =>
      path === "/optim_step" && call < 7 ? { kind: "status", status: 429 } : undefined,
    );
    await model.optimStep(ADAM);
    const seconds = clock.slept.filter((ms) => ms >= 1000).map((ms) => ms / 1000);
    expect(seconds).toEqual([1, 2, 4, 8, 16, 30, 30]);
  });

  it("that asks for more than is waited at all ends the call with its words", async () => {
    const busy = { kind: "status", status: 429, headers: { "retry-after": "3600" } } as const;
    const { model } = await scene(onCall("/optim_step", 0, { ...busy, body: '{"detail":"quota"}' }));
    await expect(model.optimStep(ADAM)).rejects.toThrow(/optim_step: status 429: quota; run again later/);
  });
});

describe("a model whose answer was lost", () => {
  it.each([false, true])(
    "takes no place for long (a server that does repeats twice: %s)",
    async (isForgetful) => {
      for (const path of ["/create_model", "/retrieve_future"] as const) {
        const messages: string[] = [];
        const fault: Fault = path === "/create_model" ? { kind: "lost" } : { kind: "status", status: 404 };
        const { alive, model, requests, tables } = await scene(
          onCall(path, 0, fault),
          {},
          {
            ...{ isForgetful, sessionMs: 1500, onMessage: (message) => void messages.push(message) },
          },
        );
        expect(messages).toEqual([
          expect.stringMatching(/a model may have been made that nobody knows; it takes a place until/),
        ]);
        expect(alive()).toHaveLength(2);
        await vi.waitFor(() => expect(alive()).toEqual([model.id]), { timeout: 20_000, interval: 50 });
        // The model that is known lives on, whatever is done with it.
        await model.forwardBackward(CALL);
        await model.optimStep(ADAM);
        expect(tables()).toHaveLength((TOY.vocabulary + TOY.pictures) * TOY.vocabulary);
        expect(requests.filter((request) => request.path === "/create_session")).toHaveLength(3);
      }
    },
  );

  it("is not asked for without end", async () => {
    const lost: Faults = ({ path }) => (path === "/create_model" ? { kind: "lost" } : undefined);
    await expect(scene(lost)).rejects.toThrow(/the server may have done the work/);
  });

  it("is one to a server that knows its number", async () => {
    const { alive, model, client } = await scene();
    const body = {
      ...{ session_id: client.sessionId, model_seq_id: 5, base_model: TOY.model, lora_config: { rank: 8 } },
    };
    const send = async (more: object) =>
      (
        await fetch(`${client.server}/create_model`, {
          method: "POST",
          body: JSON.stringify({ ...body, ...more }),
        })
      ).json();
    const [one, again] = [await send({}), await send({})];
    expect(again).toEqual(one);
    expect(alive()).toHaveLength(2);
    expect(alive()).toContain(model.id);
    expect(await send({ lora_config: { rank: 4 } })).toEqual({
      detail: "create_model: model_seq_id was used for another model",
    });
  });
});

describe("a server that does repeated requests twice", () => {
  const lossOf = (path: string) => scene(onCall(path, 0, { kind: "lost" }), {}, { isForgetful: true });
  const untold = async (made: Scene) => {
    made.model.trustRepeats(false);
    return course(made);
  };

  it.each(["/forward", "/asample", "/create_sampling_session", "/unload_model", "/get_info"])(
    "is asked again where %s was lost: twice does no harm",
    async (path) => {
      expect(await untold(await lossOf(path))).toEqual(await course(await scene()));
    },
  );

  it.each(["/forward_backward", "/optim_step", "/save_weights"])(
    "is not asked again for %s: the run ends, with what to do",
    async (path) => {
      await expect(untold(await lossOf(path))).rejects.toThrow(
        /does not know a repeated request from a new one: resume from the last checkpoint/,
      );
    },
  );
});

describe("a session that is over", () => {
  it.each([404, 410])("is found out by its heartbeat (%i), and ends what is waited for", async (status) => {
    let isOver = false;
    const { model } = await scene(({ path, call }) => {
      if (path === "/session_heartbeat" && isOver)
        return { kind: "status", status, body: '{"detail":"Session not found"}' };
      return path === "/retrieve_future" && call > 0 ? { kind: "status", status: 408 } : undefined;
    });
    const running = model.forwardBackward(CALL);
    isOver = true;
    await expect(running).rejects.toThrow(
      `the session is over (status ${status} to its sign of life), and its models are gone; resume`,
    );
    await expect(model.optimStep(ADAM)).rejects.toThrow(/the session is over/);
  });
});

describe("an answer that is none", () => {
  it.each([
    ["a page", () => PAGE, /no JSON but a page \(502 Bad Gateway\); check that this is a Tinker server/],
    ["half an answer", (whole: string) => whole.slice(0, 40), /no JSON, or cut after 40 characters/],
    ["nothing", () => "", /no JSON, or cut after 0 characters/],
  ])("each time, %s, is said to be one", async (_, edit, words) => {
    const { model } = await scene(({ path, call }) =>
      path === "/retrieve_future" && call > 0 ? { kind: "edit", edit } : undefined,
    );
    await expect(model.forwardBackward(CALL)).rejects.toThrow(words);
  });

  const edited = (edit: (whole: string) => string) =>
    scene(({ path, call }) => (path === "/retrieve_future" && call > 0 ? { kind: "edit", edit } : undefined));
  const numbers = (change: (data: (number | string)[]) => void) => (whole: string) => {
    const answer = JSON.parse(whole) as { loss_fn_outputs: { logprobs: { data: (number | string)[] } }[] };
    for (const { logprobs } of answer.loss_fn_outputs) change(logprobs.data);
    return JSON.stringify(answer).replaceAll(/"(NaN|Infinity|-Infinity|null)"/g, "$1");
  };

  it.each(["NaN", "-Infinity", "Infinity", "null"])(
    "of log-probs with %s says what that means",
    async (value) => {
      const { model } = await edited((whole) => numbers((data) => void data.splice(0, 1, value))(whole));
      await expect(model.forward({ ...CALL, loss: "cross_entropy" })).rejects.toThrow(
        /sequence 0: log-prob 0 is no number: the weights there have overflowed: .*lower update.learningRate/,
      );
    },
  );

  it("of too few or too many log-probs or sequences is refused with both numbers", async () => {
    const forward = async (change: (whole: string) => string) =>
      (await edited(change)).model.forward({ ...CALL, loss: "cross_entropy" });
    await expect(forward(numbers((data) => void data.pop()))).rejects.toThrow(/expected 2 log-probs, got 1/);
    await expect(forward(numbers((data) => void data.push(-1)))).rejects.toThrow(
      /expected 2 log-probs, got 3/,
    );
    const fewer = (whole: string) => {
      const { loss_fn_outputs, ...rest } = JSON.parse(whole) as { loss_fn_outputs: unknown[] };
      return JSON.stringify({ ...rest, loss_fn_outputs: loss_fn_outputs.slice(1) });
    };
    await expect(forward(fewer)).rejects.toThrow(/sent 2 sequences, got results of 1/);
  });
});

describe("a slow answer", () => {
  it.each(["/forward_backward", "/retrieve_future", "/asample"] as const)(
    "to %s is left in the middle at an interrupt, and nothing more is sent",
    async (path) => {
      const made = await scene(({ path: asked, call }) =>
        asked === path && call > 0 ? { kind: "hang" } : undefined,
      );
      const control = new AbortController();
      const { signal } = control;
      const { session = "" } = path === "/retrieve_future" ? {} : await made.model.saveForSampler(undefined);
      const call = { prompt: PROMPT, samples: 1, params: SAMPLED, of: { sampling_session_id: session } };
      if (path === "/asample") await made.client.sample(call);
      if (path === "/forward_backward") await made.model.forwardBackward(CALL);
      const running =
        path === "/asample"
          ? made.client.sample(call, { signal })
          : made.model.forwardBackward(CALL, { signal });
      const hung = running.catch((error: unknown) => error);
      await new Promise((resolve) => setTimeout(resolve, 100));
      control.abort(new Error("interrupted"));
      expect(await hung).toMatchObject({ message: "interrupted" });
      const others = () => made.requests.filter((request) => request.path !== "/session_heartbeat").length;
      const before = others();
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(others()).toBe(before);
    },
  );
});

describe("a refusal of any call", () => {
  const tokens = [101, 102, 103, 104];
  const input = { prompt: { tokens }, key: KEY };
  const detail = [
    { type: "int", loc: ["body", "prompt", 0, "x"], msg: `bad: ${JSON.stringify(tokens)}`, input },
  ];
  it.each(PATHS)("%s names the field, and shows neither tokens nor key", async (path) => {
    const body = JSON.stringify({ detail });
    const faults: Faults = (request) =>
      request.path === path ? { kind: "status", status: 422, body } : undefined;
    const error = await scene(faults, {}, { key: KEY })
      .then(course)
      .catch((reason: Error) => reason);
    expect(error).toBeInstanceOf(Error);
    const { message } = error as Error;
    expect(message).toContain(`${path}: status 422: prompt.0.x: bad: …; see what the server says`);
    expect(message.replace(/http:\S+/g, "")).not.toMatch(/101|102|tml-secret/);
  });

  it.each([
    [
      "as words",
      `invalid key ${KEY} for 101, 102, 103, 104, 105, 106, 107, 108, 109`,
      /^status 401: invalid key \*\*\* for …;/,
    ],
    ["as an object", `{"detail":{"code":7,"key":"${KEY}"}}`, /^status 401: \{"code":7,"key":"\*\*\*"\};/],
    ["as Python prints arrays", '{"error":"bad array([101 102 103 104])"}', /^status 401: bad array\(…\);/],
    ["of a work that failed", undefined, /^the work failed: key \*\*\*, tokens …;/],
  ])("%s, too", async (_, body, words) => {
    const failed = { error: `key ${KEY}, tokens (101, 102, 103, ..., 109)` };
    const fault: Fault = body ? { kind: "status", status: 401, body } : { kind: "reply", body: failed };
    const error = await scene(onCall("/retrieve_future", 0, fault), {}, { key: KEY }).catch(
      (reason: Error) => reason.message,
    );
    expect(String(error).replace(/^http:\S+ /, "")).toMatch(words);
  });
});

describe("the archive of weights", () => {
  it.each(["lost", "cut"] as const)("is asked for again when the answer is %s", async (kind) => {
    const made = await scene(({ path, call }) =>
      path.endsWith("/archive") && call === 0 ? { kind } : undefined,
    );
    const { path = "" } = await made.model.saveForSampler("policy");
    const folder = await mkdtemp(join(tmpdir(), "archive-"));
    // The toy keeps no archive: its refusal is what comes of the second asking.
    await expect(fetchWeights(made.client.transport, { path, folder })).rejects.toThrow(/status 404/);
    expect(made.requests.filter((request) => request.path.endsWith("/archive")).length).toBeGreaterThan(1);
  });
});
