import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import v8 from "node:v8";
import vm from "node:vm";
import { describe, expect, it } from "vitest";
import { jit } from "../../src/compile/jit.js";
import { npmLibrary } from "../../src/compile/runtime/capi/library.js";
import { findRuntime } from "../../src/compile/runtime/runtime.js";
import { trace } from "../../src/compile/trace.js";
import { CompileError, ShapeError } from "../../src/core/errors.js";
import { type NdArray, ndarray, zeros } from "../../src/core/ndarray.js";
import { Rng } from "../../src/core/rng.js";
import { type Tensor, tf } from "../../src/core/tf.js";

/** Collects garbage: the flag makes the function known to contexts that are made after it. */
v8.setFlagsFromString("--expose-gc");
const collect = vm.runInNewContext("gc") as () => void;

const BINDINGS = ["c", "npm"] as const;
const { runtime } = await findRuntime("c");
const vector = (...values: number[]) => ndarray(values, [values.length]);

/** A session that adds its two inputs, `[2]` each. */
async function adding() {
  const signature = { structure: [0, 1], leaves: [zeros([2]), zeros([2])] };
  const graph = trace((args) => tf.add(...(args as [Tensor, Tensor])), "add", signature, runtime);
  return runtime.createSession(graph, { threads: 1 });
}

describe("the C API", () => {
  it("is what runs graphs here, at the version of the npm package", async () => {
    const found = await findRuntime();
    expect(found.reason).toBeUndefined();
    expect(found.runtime).toBe(runtime); // one environment, asked for by name or not
    expect(found.runtime.name).toBe(`ONNX Runtime ${npmLibrary().version}, C API`);
  });

  it.each(BINDINGS)("and the npm binding compute the same: %s", async (binding) => {
    const f = jit((x: Tensor) => tf.softmax(tf.mul(x, 3)), { name: "softmax", runtime: { binding } });
    const [low, high] = (await f(vector(0, Math.log(2) / 3))).data;
    expect(low).toBeCloseTo(1 / 3, 6);
    expect(high).toBeCloseTo(2 / 3, 6);
  });

  it("leaves the event loop free while a graph runs", async () => {
    const f = jit(
      (x: Tensor) => {
        let y = x as tf.Tensor2D;
        for (let at = 0; at < 200; at++) y = tf.softmax(tf.matMul(y, y)) as tf.Tensor2D;
        return y;
      },
      { name: "long", runtime: { binding: "c", threads: 1 } },
    );
    const x = zeros([512, 512]);
    await f(x);
    let isDone = false;
    const result = f(x).then(() => {
      isDone = true;
    });
    let turns = 0;
    for (; !isDone; turns++) await turn();
    await result;
    expect(turns).toBeGreaterThan(10);
  });

  it("fills the memory it is offered", async () => {
    const session = await adding();
    const offer = zeros([2]);
    const [sum] = await session.run([vector(1, 2), vector(10, 20)], new Map([[0, offer]]));
    expect(sum).toBe(offer);
    expect([...offer.data]).toEqual([11, 22]);
    await session.release();
  });

  it("donates by turns: two memories that change places", async () => {
    const f = jit((x: Tensor) => [tf.add(x, 1)] as const, {
      name: "next",
      donate: { 0: 0 },
      runtime: { binding: "c", threads: 1 },
    });
    const x = vector(1, 2);
    const seen = new Set<NdArray["data"]>();
    for (let at = 0; at < 6; at++) {
      seen.add(x.data);
      await f(x);
    }
    expect([...x.data]).toEqual([7, 8]);
    expect(seen.size).toBe(2);
  });

  it("refuses what would read or write elsewhere: wrong shapes, memory that moved away, sessions released", async () => {
    const session = await adding();
    const good = vector(1, 2);
    await expect(session.run([good])).rejects.toThrow();
    await expect(session.run([good, vector(1)])).rejects.toThrow("expected float32[2], got float32[1]");
    await expect(session.run([good, ndarray([1, 2], [2], "int32")])).rejects.toThrow(ShapeError);
    await expect(session.run([good, { ...good, data: new Float32Array(1) }])).rejects.toThrow(
      "8 bytes, got 4",
    );
    await expect(session.run([good, good], new Map([[0, zeros([3])]]))).rejects.toThrow(ShapeError);
    const moved = vector(3, 4);
    await session.run([good, moved]);
    structuredClone(moved.data, { transfer: [moved.data.buffer as ArrayBuffer] });
    await expect(session.run([good, moved])).rejects.toThrow("moved away");
    await session.release();
    await session.release();
    await expect(session.run([good, good])).rejects.toThrow("used after it was released");
  });

  it("waits for runs in progress before it frees a session", async () => {
    const session = await adding();
    const runs = [1, 2, 3].map((value) => session.run([vector(value, 0), vector(1, 1)]));
    await session.release();
    const sums = (await Promise.all(runs)).map(([sum]) => (sum as NdArray).data[0]);
    expect(sums).toEqual([2, 3, 4]);
  });

  it("says what of a graph it cannot load", async () => {
    const graph = { bytes: Uint8Array.of(1, 2, 3), inputs: [], outputs: [] };
    await expect(runtime.createSession(graph)).rejects.toThrow(CompileError);
    await expect(runtime.createSession(graph)).rejects.toThrow(/ONNX Runtime: .*protobuf/i);
  });
});

/** Compiled functions of random shapes called at once, with garbage collected in between. */
async function storm(seed: number): Promise<void> {
  const rng = Rng.fromSeed(seed).split("storm");
  const options = { name: "storm", donate: { 0: 0 }, runtime: { binding: "c", threads: 1 } } as const;
  const f = jit((x: Tensor, y: Tensor) => [tf.add(x, y), tf.mul(y, 2)] as const, options);
  const g = jit((x: Tensor, y: Tensor) => [tf.sub(x, y), tf.mul(y, 2)] as const, options);
  const states = [zeros([3]), zeros([1000]), zeros([0]), zeros([])];
  const expected = states.map(() => 0);
  const calls: Promise<unknown>[] = [];
  for (let at = 0; at < 200; at++) {
    const which = rng.integer(0, states.length);
    const state = states[which] as NdArray;
    const y = zeros(state.shape);
    y.data.fill(at);
    if (rng.uniform() < 0.1) calls.push(expect(f(state, zeros([7, 7]))).rejects.toThrow());
    else {
      expected[which] = (expected[which] as number) + (which % 2 ? at : -at);
      const doubled = (which % 2 ? f : g)(state, y).then(([, twice]) => twice.data);
      calls.push(doubled.then((data) => expect(data.every((value) => value === 2 * at)).toBe(true)));
    }
    if (at % 20 === 0) {
      collect();
      await turn();
    }
  }
  await Promise.all(calls);
  states.forEach(({ data }, at) => {
    expect(data.every((value) => value === expected[at])).toBe(true);
  });
  await Promise.all([f.dispose(), g.dispose()]);
}

describe("under pressure", () => {
  it.each([1, 2, 3])(
    "concurrent calls, refused ones and collected memory give the right sums: seed %d",
    (seed) => storm(seed),
  );
});

describe("a machine where koffi does not load", () => {
  it("is told why, and uses the npm binding", () => {
    // The program's own files, with koffi's name made unknown to the loader.
    const hook = `
      import { register } from "node:module";
      const source = "export async function resolve(name, context, next) { if (name === 'koffi') throw new Error('no koffi here'); return next(name, context); }";
      register("data:text/javascript," + encodeURIComponent(source));
    `;
    const program = `
      const { findRuntime } = await import("./dist/src/compile/runtime/runtime.js");
      const { runtime, reason } = await findRuntime();
      console.log(JSON.stringify([runtime.name, reason]));
    `;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ["--import", `data:text/javascript,${encodeURIComponent(hook)}`, "--input-type=module", "-e", program],
      { encoding: "utf8", cwd: new URL("../..", import.meta.url) },
    );
    expect(stderr).not.toMatch(/Error/);
    expect(JSON.parse(stdout)).toEqual(["npm binding", "koffi: no koffi here: run `npm ci`"]);
    expect(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).toContain('"koffi": false');
  });
});
