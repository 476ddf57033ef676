import { describe, expect, it } from "vitest";
import { type ReplayApi, replays } from "../../src/compile/runtime/capi/replays.js";

/** Stands for run options: each is its number among those made, and is written down with its graph number. */
function optionsOf() {
  const graphs: string[] = [];
  const freed: bigint[] = [];
  const api: ReplayApi = {
    made: () => BigInt(graphs.length),
    CreateRunOptions: () => undefined,
    AddRunConfigEntry: (_, key, number) => void graphs.push(`${key}=${number}`),
    free: { ReleaseRunOptions: (options) => void freed.push(options) },
  };
  return { api, graphs, freed };
}

const PLAIN = "gpu_graph_id=-1";

describe("replays", () => {
  it("lets a set of addresses run plainly three times, then gives it a number of its own, and keeps to it", () => {
    const { api, graphs } = optionsOf();
    const { next } = replays(api);
    const run = (addresses: string) => graphs[Number(next(addresses))];
    expect([1, 2, 3, 4, 5].map(() => run("a"))).toEqual([
      ...[PLAIN, PLAIN, PLAIN, "gpu_graph_id=1", "gpu_graph_id=1"],
    ]);
    expect([1, 2, 3, 4].map(() => run("b")).at(-1)).toBe("gpu_graph_id=2");
    expect([run("c"), run("a")]).toEqual([PLAIN, "gpu_graph_id=1"]);
  });

  it("is full at last: what is known is replayed, what comes new runs plainly", () => {
    const { api, graphs, freed } = optionsOf();
    const made = replays(api);
    const run = (addresses: number) => graphs[Number(made.next(String(addresses)))];
    let sets = 0;
    for (; !made.isFull(); sets++) for (let at = 0; at < 4; at++) run(sets);
    expect(sets).toBe(32);
    expect([1, 2, 3, 4, 5].map(() => run(sets))).toEqual(new Array(5).fill(PLAIN));
    expect(run(0)).toBe("gpu_graph_id=1");
    made.release();
    expect(freed).toHaveLength(graphs.length);
  });
});
