import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { findRuntime } from "../../../../src/compile/runtime/runtime.js";
import type { Block, DeviceMemory, Runtime } from "../../../../src/compile/runtime/session.js";
import { Rng } from "../../../../src/core/rng.js";
import { generate, type RolloutRequest } from "../../../../src/engine/local/generate.js";
import { createLocalPolicy } from "../../../../src/engine/local/localPolicy.js";
import { DRAW_ROWS } from "../../../../src/engine/local/onDevice/drawKernel.js";
import type { LocalPolicy } from "../../../../src/engine/local/policy.js";
import { asCard, hasCompiler } from "../../../support/emulatedCard.js";
import { type FakePrompt, fakeModel, fakePrompt } from "../../../support/fakeModel.js";

let runtime: Runtime;
let memory: DeviceMemory;
let policies: readonly LocalPolicy[];
let prompts: FakePrompt[];

beforeAll(async () => {
  const model = await fakeModel({ sharpness: 10, endWeight: 6 });
  policies = [false, true].map((keepsArrays) => createLocalPolicy(model, { runtime: { keepsArrays } }));
  prompts = await Promise.all([
    fakePrompt(model, { words: "How many red circles?", grids: [[4, 6]] }),
    fakePrompt(model, { words: "How many blue squares are there? Think in <think> </think>, then answer." }),
    fakePrompt(model, { words: "red and blue", grids: [[4, 4]] }),
  ]);
  ({ runtime } = await findRuntime());
  memory = (await runtime.memory("cpu")) as DeviceMemory;
});

afterEach(() => vi.restoreAllMocks());

const SAMPLING = { temperature: 1, isGreedy: false, topP: 1, topK: 0, maxTokens: 40 };

function request(change: Partial<RolloutRequest> = {}): RolloutRequest {
  const responses = change.responses ?? 4;
  const streams = prompts.map((_, u) =>
    Array.from({ length: responses }, (_, i) => Rng.fromSeed(3).split(u, i).key),
  );
  return { prompts, responses, streams, decoding: SAMPLING, ...change };
}

/** Blocks that are made from now on, and not freed. */
function openBlocks(): () => number {
  const made = vi.spyOn(memory, "block").mock.results;
  const isOpen = ({ address }: Block) => {
    try {
      return address() > 0n;
    } catch {
      return false;
    }
  };
  return () => made.filter(({ value }) => isOpen(value as Block)).length;
}

describe("responses whose keys and values are in memory of a device", () => {
  it.each<[string, Partial<RolloutRequest>]>([
    ["sampled, rows retired and room added", { responses: 12, decoding: { ...SAMPLING, maxTokens: 70 } }],
    ["at another temperature", { decoding: { ...SAMPLING, temperature: 0.7 } }],
    ["with top-p", { decoding: { ...SAMPLING, topP: 0.9 } }],
    ["with top-k and top-p", { decoding: { ...SAMPLING, topP: 0.8, topK: 9 } }],
    ["one of each prompt, beside it", { responses: 1, decoding: { ...SAMPLING, maxTokens: 70 } }],
    ["greedy", { responses: 2, decoding: { ...SAMPLING, isGreedy: true } }],
    ["in several chunks", { maxRows: 4 }],
    ["of one token", { decoding: { ...SAMPLING, maxTokens: 1 } }],
  ])(
    "have the host's tokens and log-probs to the last bit, and leave nothing behind: %s",
    async (_, change) => {
      const open = openBlocks();
      const [host, device] = await Promise.all(policies.map((policy) => generate(policy, request(change))));
      expect(device).toEqual(host);
      expect(open()).toBe(0);
      expect(memory.block).toHaveBeenCalled();
    },
  );

  it("are drawn on the host where rounding decides", async () => {
    const { onHost } = DRAW_ROWS;
    const draws = vi
      .spyOn(DRAW_ROWS, "onHost")
      .mockImplementation((bytes, args) => onHost(bytes, { ...args, margin: 0.2 }));
    const downloads = vi.spyOn(memory, "download");
    const [host, device] = await Promise.all(policies.map((policy) => generate(policy, request())));
    expect(device).toEqual(host);
    expect(downloads.mock.calls.length).toBeGreaterThan(draws.mock.calls.length);
  });

  it.runIf(hasCompiler)("are the host's by the card's kernels, too", async () => {
    const launched = new Set<string>();
    const card = asCard(memory, (name) => launched.add(name));
    vi.spyOn(runtime, "memory").mockResolvedValue(card);
    const [host, device] = await Promise.all(policies.map((policy) => generate(policy, request())));
    expect(device).toEqual(host);
    expect([...launched].sort()).toEqual(["append_slot", "draw_rows", "gather_rows"]);
  });

  it("leave nothing behind when they are aborted between steps", async () => {
    const open = openBlocks();
    const control = new AbortController();
    const { download } = memory;
    let steps = 0;
    vi.spyOn(memory, "download").mockImplementation((from, into) => {
      download(from, into);
      if (++steps === 5) control.abort(new Error("enough"));
    });
    const [, device] = policies as [LocalPolicy, LocalPolicy];
    await expect(generate(device, request({ signal: control.signal }))).rejects.toThrow("enough");
    expect([steps, open()]).toEqual([5, 0]);
  });
});
