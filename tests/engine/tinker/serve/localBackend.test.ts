import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resolveConfig } from "../../../../src/config/load.js";
import { openEngine } from "../../../../src/engine/open.js";
import { createLocalBackend, type LocalLimits } from "../../../../src/engine/tinker/serve/localBackend.js";
import { readingOf } from "../../../../src/engine/tinker/serve/readDatum.js";
import { startTinkerServer, type TinkerServer } from "../../../../src/engine/tinker/serve/server.js";
import { temporaryFolder, writeFakeModel } from "../../../support/fakeModel.js";

let server: TinkerServer;
let session_id: string;
const errors: unknown[] = [];

/** A model of its own behind the wire. */
async function fakeBackend(limits: Partial<LocalLimits> = {}) {
  const dir = await temporaryFolder();
  const model = join(dir, "model");
  await writeFakeModel(model);
  const open = () => openEngine(resolveConfig({ model }, "test"), model);
  const reading = await readingOf(model);
  return createLocalBackend({ model: "fake", folder: join(dir, "kept"), ...reading, limits, open });
}

beforeAll(async () => {
  const backend = await fakeBackend();
  const onError = (error: unknown) => void errors.push(error);
  server = await startTinkerServer({ backend, version: "test", pollMs: 20_000, onError });
  ({ session_id } = (await post("/create_session", { tags: [], sdk_version: "0" })).json as never);
});
afterAll(() => server.close());

interface Reply {
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
}

async function post(path: string, body: unknown, url = server.url): Promise<Reply> {
  const reply = await fetch(`${url}/api/v1${path}`, { method: "POST", body: JSON.stringify(body) });
  return { status: reply.status, json: (await reply.json()) as Reply["json"] };
}

/** A request, and the result of its ticket. */
async function done(path: string, body: unknown, url = server.url): Promise<Reply> {
  const asked = await post(path, body, url);
  const { request_id } = asked.json;
  return request_id === undefined ? asked : post("/retrieve_future", { request_id }, url);
}

async function newModel(): Promise<string> {
  const asked = { session_id, base_model: "fake", lora_config: { rank: 8, seed: -3 } };
  return String((await done("/create_model", asked)).json["model_id"]);
}

const text = (...tokens: number[]) => ({ type: "encoded_text", tokens });
const tensor = (data: number[], dtype = "float32") => ({ data, dtype });
const datum = (tokens: number[], targets: number[], more: object = {}) => ({
  model_input: { chunks: [text(...tokens)] },
  loss_fn_inputs: { target_tokens: tensor(targets, "int64"), ...more },
});

const logProbsOf = ({ json }: Reply): number[][] =>
  (json["loss_fn_outputs"] as { logprobs: { data: number[] } }[]).map(({ logprobs }) => logprobs.data);

const said = ({ status, json }: Reply) => [status, JSON.stringify(json["detail"])] as const;

describe("forward", () => {
  let model_id: string;
  beforeAll(async () => {
    model_id = await newModel();
  });
  const forward = (...data: object[]) =>
    done("/forward", { model_id, forward_input: { data, loss_fn: "cross_entropy" } });

  it("gives a datum the same log-probs alone, beside others and in several chunks", async () => {
    const [one, other] = [datum([4, 5, 6], [5, 6, 7]), datum([9, 8], [8, 30])];
    const [a] = logProbsOf(await forward(one));
    const [b] = logProbsOf(await forward(other));
    const both = logProbsOf(await forward(one, other));
    expect(a).toHaveLength(3);
    for (const [found, alone] of [
      [both[0], a],
      [both[1], b],
    ]) {
      for (const [at, value] of (found as number[]).entries())
        expect(value).toBeCloseTo(alone?.[at] as number, 5);
    }
    const parted = { ...one, model_input: { chunks: [text(4), text(), text(5, 6)] } };
    const [again] = logProbsOf(await forward(parted));
    for (const [at, value] of (again as number[]).entries()) expect(value).toBeCloseTo(a?.[at] as number, 5);
  });

  it("is log-probs: over all tokens after one they sum to 1", async () => {
    const rows = await forward(...Array.from({ length: 311 }, (_, token) => datum([4], [token])));
    const total = logProbsOf(rows).reduce((sum, [logProb]) => sum + Math.exp(logProb as number), 0);
    // Rows of the embedding beyond the tokenizer's are never sampled, and so are no part of it.
    expect(total).toBeCloseTo(1, 4);
  });

  it("answers 0 where the prompt's own tokens have no weight, and reads no target there", async () => {
    const ignored = datum([4, 5, 6], [-100, 6, 7], { weights: tensor([0, 1, 1]) });
    const [whole] = logProbsOf(await forward(datum([4, 5, 6], [5, 6, 7])));
    const [found] = logProbsOf(await forward(ignored));
    expect(found?.[0]).toBe(0);
    expect(found?.[2]).toBeCloseTo(whole?.[2] as number, 5);
  });

  it.each<[string, object, RegExp]>([
    ["targets of another number", datum([4, 5], [5]), /1 targets for 2 tokens/],
    ["a target below 0", datum([4, 5], [5, -1]), /target_tokens: not one of .* at place 1: -1/],
    ["half a target", datum([4, 5], [5, 6.5]), /not one of this model's 311 tokens at place 1: 6\.5/],
    [
      "a target that the input does not go on with",
      datum([4, 9], [5, 6]),
      /place 1 holds another token than target 0/,
    ],
    ["a target that the model has not", datum([4, 5], [5, 311]), /model's 311 tokens at place 1: 311/],
    ["a token that it has not", datum([311], [5]), /chunks: not one of this model's 311 tokens: 311/],
  ])("refuses %s", async (_, given, message) => {
    const [status, detail] = said(await forward(given));
    expect(status).toBe(400);
    expect(detail).toMatch(message);
  });

  it.each<[string, object, string]>([
    ["a token below 0", datum([-4], [5]), "model_input"],
    ["half a token", datum([4.5], [5]), "model_input"],
    ["a token beyond 32 bits", datum([1e12], [5]), "model_input"],
    ["weights of another number", datum([4], [5], { weights: tensor([1, 1]) }), "as long as target_tokens"],
    ["text for numbers", datum([4], ["5"] as never), "target_tokens"],
  ])("refuses %s before it is queued, naming the field", async (_, given, field) => {
    const [status, detail] = said(await forward(given));
    expect(status).toBe(422);
    expect(detail).toContain(field);
  });

  it("takes nothing at all, and answers nothing", async () => {
    const nothing = { model_input: { chunks: [] }, loss_fn_inputs: { target_tokens: tensor([], "int64") } };
    expect(logProbsOf(await forward(nothing))).toEqual([[]]);
    const [status] = said(await forward());
    expect(status).toBe(422);
  });
});

describe("training", () => {
  it("a step without a gradient changes nothing; a refused datum adds none", async () => {
    const model_id = await newModel();
    const read = async () => {
      const input = { data: [datum([4, 5], [5, 6])], loss_fn: "cross_entropy" };
      return logProbsOf(await done("/forward", { model_id, forward_input: input }))[0];
    };
    const before = await read();
    const bad = { data: [datum([4, 5], [5, -1])], loss_fn: "cross_entropy" };
    expect((await done("/forward_backward", { model_id, forward_backward_input: bad })).status).toBe(400);
    const { json } = await done("/optim_step", { model_id, adam_params: { learning_rate: 0.1 } });
    expect(json["metrics"]).toMatchObject({ grad_norm: 0 });
    expect(await read()).toEqual(before);
    const good = { data: [datum([4, 5], [5, 6])], loss_fn: "cross_entropy" };
    await done("/forward_backward", { model_id, forward_backward_input: good });
    await done("/optim_step", { model_id, adam_params: { learning_rate: 0.01 } });
    const after = await read();
    for (const [at, value] of (after as number[]).entries())
      expect(value).toBeGreaterThan(before?.[at] as number);
  });

  it.each([
    { beta1: 1 },
    { beta1: -0.1 },
    { beta2: 1.5 },
    { eps: -1 },
    { learning_rate: -1e-4 },
    { weight_decay: -1 },
    { grad_clip_norm: -1 },
  ])("refuses Adam's %j, which would leave no weights", async (adam_params) => {
    const [status, detail] = said(await done("/optim_step", { model_id: "any", adam_params }));
    expect(status).toBe(422);
    expect(detail).toContain(Object.keys(adam_params)[0]);
  });

  it("loads no weights from outside the folder of those it keeps", async () => {
    const model_id = await newModel();
    for (const path of [
      "tinker://../weights/x",
      "tinker://./weights/x",
      "tinker://a/b/weights/x",
      "/etc",
      "",
    ]) {
      const [status, detail] = said(await done("/load_weights", { model_id, path }));
      expect(status).toBe(400);
      expect(detail).toContain("not a checkpoint of weights");
    }
    const [, missing] = said(await done("/load_weights", { model_id, path: "tinker://none/weights/x" }));
    expect(missing).toContain("no checkpoint none/x");
  });

  it.each(["", "a/b", "../a", "a.b", "a b", "n".repeat(256)])(
    "keeps nothing under the name %j",
    async (path) => {
      expect((await done("/save_weights", { model_id: "any", path })).status).toBe(422);
    },
  );
});

describe("asample", () => {
  const sample = (params: object, more: object = {}) => {
    const prompt = { chunks: [text(4, 5)] };
    return done("/asample", {
      base_model: "fake",
      prompt,
      sampling_params: { max_tokens: 4, ...params },
      ...more,
    });
  };
  const tokensOf = ({ json }: Reply) =>
    (json["sequences"] as { tokens: number[] }[]).map(({ tokens }) => tokens.join(" "));

  it("gives the same for the same seed, another for another, and different samples of one", async () => {
    const seeded = async (seed: number) => tokensOf(await sample({ seed }, { num_samples: 3 }));
    const first = await seeded(7);
    expect(await seeded(7)).toEqual(first);
    expect(await seeded(8)).not.toEqual(first);
    expect(await seeded(-7)).not.toEqual(first);
    expect(new Set(first).size).toBe(3);
  });

  it("is greedy at temperature 0, with top_k 1 and with next to no top_p", async () => {
    const ways = [{ temperature: 0 }, { top_k: 1 }, { top_p: 1e-9 }, { temperature: 1e-6 }];
    const found = await Promise.all(ways.map(async (way) => tokensOf(await sample(way))[0]));
    expect(new Set(found).size).toBe(1);
  });

  it.each<[string, object, object, RegExp]>([
    ["an empty prompt", {}, { prompt: { chunks: [] } }, /prompt: empty: give at least one token/],
    ["a prompt of empty text", {}, { prompt: { chunks: [text()] } }, /prompt: empty/],
    ["no length", { max_tokens: null }, {}, /max_tokens: missing/],
    ["the prompt's log-probs", {}, { prompt_logprobs: true }, /prompt_logprobs: this server gives none/],
    [
      "streams of another number",
      { sharegrpo_streams: [[1, 2]] },
      { num_samples: 2 },
      /1 streams for 2 samples/,
    ],
    ["another model", {}, { base_model: "other" }, /other: this server has fake/],
    ["weights that nobody saved", {}, { model_path: "tinker://a/b" }, /unknown weights: tinker:\/\/a\/b/],
    [
      "a picture that is none",
      {},
      { prompt: { chunks: [{ type: "image", data: "AAAA", format: "png" }] } },
      /image chunk: cannot read image of 3 bytes/,
    ],
    [
      "a file of this machine",
      {},
      { prompt: { chunks: [{ type: "image_asset_pointer", location: "/etc/passwd", format: "png" }] } },
      /this server reads no files or addresses/,
    ],
  ])("refuses %s", async (_, params, more, message) => {
    const [status, detail] = said(await sample(params, more));
    expect(status).toBe(400);
    expect(detail).toMatch(message);
  });
});

describe("what asks for more than the server gives", () => {
  const most = { maxTokens: 4, maxSamples: 3, maxDatums: 2, maxBytes: 4000 };
  let bounded: TinkerServer;
  beforeAll(async () => {
    const backend = await fakeBackend({ maxContext: 6, maxModels: 1 });
    bounded = await startTinkerServer({ backend, version: "test", pollMs: 20_000, limits: most });
  });
  afterAll(() => bounded.close());
  const there = (path: string, body: unknown) => done(path, body, bounded.url);
  const sample = (tokens: number[], max_tokens: number, num_samples: number) => {
    const prompt = { chunks: [text(...tokens)] };
    return there("/asample", { base_model: "fake", num_samples, prompt, sampling_params: { max_tokens } });
  };

  it("is refused at once, naming the field and the limit; the limit itself is not", async () => {
    expect((await sample([4], 4, 3)).status).toBe(200);
    for (const [reply, field, limit] of [
      [await sample([4], 5, 1), "max_tokens", 4],
      [await sample([4], 1e9, 1), "max_tokens", 4],
      [await sample([4], 1, 4), "num_samples", 3],
    ] as const) {
      const [status, detail] = said(reply);
      expect(status).toBe(422);
      expect(detail).toContain(`"${field}"`);
      expect(detail).toContain(`above this server's limit of ${limit}`);
    }
    const data = Array.from({ length: 3 }, () => datum([4], [5]));
    const input = { data, loss_fn: "cross_entropy" };
    for (const [path, key] of [
      ["/forward", "forward_input"],
      ["/forward_backward", "forward_backward_input"],
    ] as const) {
      const [status, detail] = said(await there(path, { model_id: "any", [key]: input }));
      expect([status, detail]).toEqual([
        422,
        expect.stringMatching(/"data".*above this server's limit of 2/),
      ]);
    }
  });

  it("is refused by its images and tokens, by its bytes, and beside what is there", async () => {
    const [status, detail] = said(await sample([4, 5, 6, 7, 8, 9, 10], 1, 1));
    expect([status, detail]).toEqual([
      400,
      expect.stringContaining("chunks: 7 tokens, those of images among them: above this server's limit of 6"),
    ]);
    const long = await there("/create_session", { tags: ["x".repeat(4000)], sdk_version: "0" });
    expect(said(long)).toEqual([400, expect.stringContaining("above this server's limit of 4000 bytes")]);
    // The untrained model, which was sampled, takes the one place.
    const { json } = await there("/create_session", { tags: [], sdk_version: "0" });
    const asked = { session_id: json["session_id"], base_model: "fake", lora_config: { rank: 8 } };
    expect(said(await there("/create_model", asked))).toEqual([
      400,
      expect.stringContaining("create_model: above this server's limit of 1 models at once: unload one"),
    ]);
  });
});

describe("create_session", () => {
  it("refuses an SDK that sends protobuf, with its version and the one that is read", async () => {
    const session = (sdk_version: string) => post("/create_session", { tags: [], sdk_version });
    for (const version of ["0.25.0", "0.38.0", "1.0.0"]) {
      const [status, detail] = said(await session(version));
      expect(status).toBe(400);
      expect(detail).toContain(`sdk_version: ${version} sends protobuf`);
      expect(detail).toContain("pip install tinker==0.24.1");
    }
    for (const version of ["0.24.1", "0.3.0", "0", "dev"]) expect((await session(version)).status).toBe(200);
  });
});

describe("an address", () => {
  it.each([
    ["POST", "/api/v1constructor"],
    ["POST", "/api/v1/constructor"],
    ["POST", "/api/v1/__proto__"],
    ["POST", "/create_session"],
    ["POST", "/foo/bar/create_session"],
    ["GET", "/foobar/healthz"],
    ["GET", "/api/v1/training_runs/../../../etc/checkpoints/x/archive"],
    ["GET", "/api/v1/training_runs/%2e%2e/checkpoints/x/download"],
    ["GET", "/"],
  ])("%s %s is none of this server's", async (method, path) => {
    const reply = await fetch(`${server.url}${path}`, {
      method,
      ...(method === "POST" ? { body: "{}" } : {}),
    });
    expect(reply.status).toBe(404);
    expect(await reply.json()).toEqual({ detail: expect.stringMatching(/[Nn]ot [Ff]ound/) });
  });

  it("says how long its refusals are, or the SDK takes them for a proxy's", async () => {
    const reply = await fetch(`${server.url}/api/v1/create_session`, {
      method: "POST",
      body: '{"tags": [], "sdk_version": "0.38.0"}',
    });
    expect(Number(reply.headers.get("content-length"))).toBe((await reply.arrayBuffer()).byteLength);
  });

  it("that is one takes JSON alone", async () => {
    for (const [body, status] of [
      ["{", 400],
      ["", 422],
      ["null", 422],
      ["[]", 422],
    ] as const) {
      const reply = await fetch(`${server.url}/api/v1/forward`, { method: "POST", body });
      expect([body, reply.status]).toEqual([body, status]);
    }
    expect((await fetch(`${server.url}/api/v1/healthz?x=1`)).status).toBe(200);
  });
});

it("nothing of all this was a fault of the server's own", () => {
  expect(errors).toEqual([]);
});
