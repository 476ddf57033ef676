import { describe, expect, it } from "vitest";
import { connectTinker } from "../../../src/engine/tinker/client.js";
import { type Fault, startTinkerServer } from "../../../src/engine/tinker/serve/server.js";
import {
  ADAM,
  CALL,
  datum,
  type Faults,
  onCall,
  open,
  quietStep,
  scene,
  step,
} from "../../support/tinkerScene.js";
import { toyBackend } from "../../support/toyBackend.js";

describe("a server in trouble", () => {
  it.each([429, 500, 502, 503])(
    "that answers %i once is asked again, and the step is taken once",
    async (status) => {
      const weights = await step(await scene(onCall("/optim_step", 0, { kind: "status", status })));
      expect(weights).toEqual(await quietStep());
    },
  );

  it.each(["/forward_backward", "/optim_step"])(
    "that loses the answer of %s takes the step once",
    async (path) => {
      const weights = await step(await scene(onCall(path, 0, { kind: "lost" })));
      expect(weights).toEqual(await quietStep());
    },
  );

  it("that does not know repeated requests ends the run when an answer is lost", async () => {
    const lost = onCall("/forward_backward", 0, { kind: "lost" });
    const noRepeats: Faults = (request) => {
      // A second ticket for the same number, as SkyRL 0.3.0.
      if (request.path === "/optim_step" && request.call === 1)
        return { kind: "reply", body: { request_id: "1" } };
      return lost(request);
    };
    const { model } = await scene(noRepeats);
    expect(await model.knowsRepeats()).toBe(false);
    await expect(model.forwardBackward(CALL)).rejects.toThrow(
      /does not know a repeated request from a new one: resume from the last checkpoint/,
    );
  });

  it("is found to know repeated requests where it does", async () => {
    const { model, tables } = await scene();
    const before = tables().slice();
    expect(await model.knowsRepeats()).toBe(true);
    expect(tables()).toEqual(before);
  });

  it("that has no result yet is asked again, whether it says 408, 425 or try_again", async () => {
    const later: Fault[] = [
      { kind: "status", status: 408 },
      { kind: "status", status: 425 },
      {
        kind: "reply",
        body: { type: "try_again", queue_state: "paused_capacity", queue_state_reason: "busy" },
      },
    ];
    const quiet = await quietStep();
    const one = await scene(({ path, call }) => (path === "/retrieve_future" ? later[call - 1] : undefined));
    const states: unknown[] = [];
    await one.model.forwardBackward(CALL, { onQueue: (state) => states.push(state) });
    await one.model.optimStep(ADAM);
    expect(one.tables()).toEqual(quiet);
    expect(states).toEqual([{ state: "paused_capacity", reason: "busy" }]);
  });

  it("that never has the result is given up, with what it said of its queue", async () => {
    const busy: Fault = { kind: "reply", body: { type: "try_again", queue_state: "paused_rate_limit" } };
    const faults: Faults = ({ path, call }) => (path === "/retrieve_future" && call > 0 ? busy : undefined);
    const { model } = await scene(faults, {}, { maxWaitMs: 5000 });
    await expect(model.forwardBackward(CALL)).rejects.toThrow(
      /no result within 5 s \(its queue: paused_rate_limit\)/,
    );
  });

  it("that pauses for billing is waited for, five seconds at a time, and not for ever", async () => {
    const pause: Fault = { kind: "status", status: 402, body: '{"detail":"add credit"}' };
    const once = await scene(onCall("/optim_step", 0, pause));
    expect(await step(once)).toEqual(await quietStep());
    expect(once.clock.slept).toContain(5000);
    const never = await scene(({ path }) => (path === "/optim_step" ? pause : undefined));
    await expect(step(never)).rejects.toThrow(/status 402: add credit; the account is paused for billing/);
  });

  it.each([404, 410])(
    "that has lost a ticket (%i) gets the request again under its number",
    async (status) => {
      const { model, requests, tables } = await scene(({ path, call }) =>
        path === "/retrieve_future" && call === 1 ? { kind: "status", status } : undefined,
      );
      await model.forwardBackward(CALL);
      await model.optimStep(ADAM);
      expect(tables()).toEqual(await quietStep());
      expect(requests.filter(({ path }) => path === "/forward_backward")).toHaveLength(2);
    },
  );

  it("that has lost a ticket which later requests build on cannot be helped", async () => {
    const { model } = await scene(({ path, body }) => {
      const isFirst = path === "/retrieve_future" && (body as { request_id: string }).request_id === "2";
      return isFirst ? { kind: "status", status: 404 } : undefined;
    });
    const first = model.forwardBackward(CALL);
    const second = model.optimStep(ADAM);
    await expect(first).rejects.toThrow(
      /lost after later requests were sent.*resume from the last checkpoint/,
    );
    await second;
  });

  it("whose work fails says why, and is not asked for it again", async () => {
    const failed: Fault = { kind: "reply", body: { error: "out of memory", category: "server" } };
    const { model, requests } = await scene(onCall("/retrieve_future", 1, failed));
    await expect(model.forwardBackward(CALL)).rejects.toThrow(/the work failed \(server\): out of memory/);
    expect(requests.filter(({ path }) => path === "/forward_backward")).toHaveLength(1);
  });

  it("that answers nonsense is named as no Tinker server", async () => {
    const { model } = await scene(onCall("/retrieve_future", 1, { kind: "reply", body: { hello: 1 } }));
    await expect(model.forwardBackward(CALL)).rejects.toThrow(
      /loss_fn_outputs: .*check that this is a Tinker server/,
    );
  });

  it("that cuts what does not fit is caught by its lengths", async () => {
    const { model } = await scene();
    const long = datum([4, 5, 6]);
    const short = { chunks: [{ type: "encoded_text", tokens: [4] }] } as const;
    await expect(
      model.forward({ data: [{ ...long, model_input: short }], loss: "cross_entropy" }),
    ).rejects.toThrow(/sequence 0: expected 2 log-probs, got 1/);
  });

  it("that counts a picture's tokens otherwise is caught by the same check", async () => {
    const { model } = await scene(undefined, { miscountsImages: true });
    const chunks = [
      { type: "image", data: "AAAA", format: "png", expected_tokens: 2 },
      { type: "encoded_text", tokens: [4] },
    ] as const;
    const { loss_fn_inputs } = datum([3, 3, 4, 5]);
    const data = [{ model_input: { chunks }, loss_fn_inputs }];
    await expect(model.forward({ data, loss: "cross_entropy" })).rejects.toThrow(
      /expected 3 log-probs, got 4: the server counts tokens otherwise, most likely those of a picture/,
    );
  });
});

describe("a refusal", () => {
  it("names the field and repeats no token", async () => {
    const { model } = await scene();
    const tokens = [11, 12, 13, 14, 15, 11, 12, 13, 14, 15];
    const bad = datum(tokens);
    const weights = { data: ["x"], dtype: "float32" } as never;
    const call = {
      data: [{ ...bad, loss_fn_inputs: { ...bad.loss_fn_inputs, weights } }],
      loss: "ppo",
    } as const;
    const error = await model.forwardBackward(call).catch((reason: Error) => reason.message);
    expect(error).toMatch(/status 422: forward_backward_input\.data\.0\.loss_fn_inputs\.weights\.data\.0: /);
    // The address is not theirs: its port may hold any digits.
    expect(String(error).replace(/http:\S+/, "")).not.toMatch(/11|12, ?13/);
  });

  it("of a server that sends the request back is shown without it", async () => {
    const body = JSON.stringify({
      detail: [
        {
          type: "x",
          loc: ["body", "seq_id"],
          msg: "bad",
          input: [101, 102, 103, 104, 105, 106, 107, 108, 109],
        },
      ],
    });
    const { model } = await scene(onCall("/forward", 0, { kind: "status", status: 422, body }));
    const error = await model
      .forward({ ...CALL, loss: "cross_entropy" })
      .catch((reason: Error) => reason.message);
    expect(error).toMatch(/seq_id: bad/);
    expect(String(error).replace(/http:\S+/, "")).not.toMatch(/101/);
    const page = `values [101, 102, 103, 104, 105, 106, 107, 108, 109] and ${"QUJD".repeat(40)}`;
    const other = await scene(onCall("/forward", 0, { kind: "status", status: 400, body: page }));
    const text = await other.model
      .forward({ ...CALL, loss: "cross_entropy" })
      .catch((reason: Error) => reason.message);
    expect(text).toMatch(/status 400: values … and …;/);
  });

  it("of a loss setting names the setting", async () => {
    const { model } = await scene();
    await expect(model.forwardBackward({ ...CALL, loss: "ppo", config: { clip: 1 } })).rejects.toThrow(
      /loss_fn_config.*clip/,
    );
  });

  it("of a number used twice for different requests says to resume", async () => {
    const { model } = await scene(
      onCall("/optim_step", 0, {
        kind: "status",
        status: 409,
        body: '{"detail":"Training request sequence number was reused"}',
      }),
    );
    await expect(model.optimStep(ADAM)).rejects.toThrow(
      /409: Training request sequence number was reused; another request/,
    );
  });

  it("never shows the key", async () => {
    const backend = toyBackend();
    const faults: Faults = () => ({ kind: "status", status: 401, body: '{"detail":"bad key tml-secret"}' });
    const server = await startTinkerServer({ backend, version: "test", faults });
    open.push(server);
    const error = await connectTinker({ url: server.url, key: "tml-secret" }).catch(
      (reason: Error) => reason.message,
    );
    expect(error).toMatch(/401: bad key \*\*\*/);
  });
});
