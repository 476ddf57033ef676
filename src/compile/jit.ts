/**
 * @module `jit(fn)`: a function over trees of tensors, compiled once per signature.
 */
import { CompileError, messageOf } from "../core/errors.js";
import { given } from "../core/given.js";
import { inTurn } from "../core/inTurn.js";
import { emptyHost } from "./runtime/hostArray.js";
import { memoryFor } from "./runtime/placed.js";
import { findRuntime } from "./runtime/runtime.js";
import {
  type BoundRun,
  type DeviceArray,
  type GraphArray,
  type HostArray,
  isDeviceArray,
  isHostArray,
  type Port,
  portsFor,
  type Runtime,
  type RuntimeOptions,
  type Session,
} from "./runtime/session.js";
import { type ArgumentTree, signatureTable } from "./signatures.js";
import { isExternal, type Signature, type TracedGraph, trace } from "./trace.js";
import {
  type ArgsOf,
  type ArgumentArray,
  flatten,
  type HostOf,
  leafPaths,
  type Structure,
  unflatten,
} from "./tree.js";

export interface JitOptions {
  /** What errors call the function. */
  readonly name: string;
  /**
   * Output element → argument whose memory it takes over, for functions that return a tuple: the returned tree is the
   * argument's, with new `data`; device arrays change in place. Trees must match. No host array changes when a run fails;
   * a device array may, where its output is made of it number by number.
   */
  readonly donate?: Readonly<Record<number, number>>;
  /**
   * Whether results stay where the graph runs, as device arrays that the caller disposes of; elsewhere than in memory of
   * the runtime's own they are host arrays all the same. `bfloat16`: float32 results of two axes and more stay rounded to
   * that. Default: false.
   */
  readonly keeps?: boolean | "bfloat16";
  /**
   * Arguments whose arrays' first axis may have any length, the same in all of them: one session serves all lengths.
   * Default: a length is part of the signature.
   */
  readonly rows?: readonly number[];
  readonly runtime?: RuntimeOptions;
}

/** A compiled function: the same arguments as host arrays, the same result as host arrays. */
export interface Compiled<Args extends readonly unknown[], Out> {
  (...args: HostArgs<Args>): Promise<HostOf<Out>>;
  /**
   * Binds a call to arrays, which makes calls of it cheap; where arrays are in memory by address (`Runtime.memory`).
   * @param results arrays that every run fills, in a tree like the function's
   * @throws CompileError for what cannot be traced, and where the runtime binds nothing
   */
  bind(args: HostArgs<Args>, results: ArgsOf<Out>): Promise<BoundRun>;
  /** Why calls that were to be replayed (`RuntimeOptions.replays`) are not. */
  notReplayed(): string | undefined;
  /** Frees the sessions. */
  dispose(): Promise<void>;
}

/** The arguments as trees of arrays. */
export type HostArgs<Args extends readonly unknown[]> = { [At in keyof Args]: ArgsOf<Args[At]> };

/** Which leaves are of arguments with free rows; undefined: none. */
function freeLeaves({ structure }: ArgumentTree, { rows }: JitOptions) {
  if (!rows) return undefined;
  const parts = rows.map((at) => (structure as readonly Structure[])[at] ?? []);
  const free = new Set(parts.flatMap((part) => leafPaths(part).map(({ leaf }) => leaf)));
  return (leaf: number) => free.has(leaf);
}

/** How a graph is traced for what will run it. A card computes in TF32 by itself. */
function tracingFor(
  { takesBits }: Runtime,
  isFree: ReturnType<typeof freeLeaves>,
  { device = "cpu", precision = "float32" }: RuntimeOptions = {},
) {
  const isEmulated = device !== "cuda";
  const isLowered = precision === "bf16" || (precision === "tf32" && isEmulated);
  const lower = isLowered ? { precision, isEmulated } : undefined;
  return {
    takesBits,
    isPlain: device === "webgpu",
    turnsThin: device === "cpu",
    ...given({ isFree, lower }),
  };
}

/** A compiled signature. */
interface Entry {
  readonly graph: TracedGraph;
  readonly session: Session;
  /** For each output leaf, the input leaf it takes over. */
  readonly donated: ReadonlyMap<number, number>;
}

/** Why some runs are not replayed. */
function refusalOf(entries: readonly Entry[]): string | undefined {
  return entries.map(({ session }) => session.notReplayed?.()).find(Boolean);
}

/**
 * The memory of donated arguments: device arrays are filled in place; host arrays have a second memory each, which runs
 * fill while they read the first. Then the two change places.
 */
function spareMemory() {
  const spares = new WeakMap<HostArray, HostArray["data"]>();
  return {
    offers({ graph, donated, session }: Entry, leaves: readonly ArgumentArray[]): Map<number, GraphArray> {
      const taken = [...donated].flatMap(([output, input]): [number, GraphArray][] => {
        const leaf = leaves[input] as ArgumentArray;
        if (isDeviceArray(leaf)) return [[output, leaf]];
        const port = graph.outputs[output];
        if (!session.fillsOffers || !port || !isHostArray(leaf)) return [];
        const spare = spares.get(leaf);
        const { type: dtype, shape } = port;
        return [[output, spare ? ({ dtype, shape, data: spare } as HostArray) : emptyHost({ dtype, shape })]];
      });
      return new Map(taken);
    },
    moveInto(target: ArgumentArray, result: GraphArray): ArgumentArray {
      if (!isHostArray(target) || !isHostArray(result)) return target;
      spares.set(target, target.data);
      (target as { data: HostArray["data"] }).data = result.data;
      return target;
    },
  };
}

/** Runs a graph. Where its results stay, those that nobody has offered memory for get some. */
async function runInto(
  { graph, session }: Entry,
  inputs: readonly GraphArray[],
  offers: ReadonlyMap<number, GraphArray>,
  { keeps, runtime }: JitOptions,
): Promise<GraphArray[]> {
  const memory = keeps ? await memoryFor(runtime) : undefined;
  if (!memory) return session.run(inputs, offers);
  const kinds = portsFor(graph, inputs).outputs.flatMap(({ type: dtype, shape }, at) =>
    offers.has(at) ? [] : [[at, { dtype, shape }] as const],
  );
  const kept = memory.block(Object.fromEntries(kinds));
  try {
    const made = kinds.map(([at]) => [at, kept.arrays[at] as DeviceArray] as const);
    return await session.run(inputs, new Map([...offers, ...made]));
  } catch (cause) {
    kept.dispose();
    throw cause;
  }
}

type Shaped = { readonly dtype: string; readonly shape: readonly number[] };

/** Arguments that are inputs of the graph, not part of it. */
const isGiven = (leaf: ArgumentArray): leaf is GraphArray => !isExternal(leaf);

/** @param results a tree like the function's */
function bindTo({ graph, session }: Entry, { leaves }: ArgumentTree, results: unknown): BoundRun {
  const filled = flatten<GraphArray>(results);
  const [got, expected] = [filled.structure, graph.outputStructure].map((tree) =>
    leafPaths(tree)
      .map(({ path }) => path)
      .join(" "),
  );
  if (got !== expected) throw new CompileError(`results: expected ${expected}, got ${got}`);
  if (!session.bind) throw new CompileError("binding runs needs ONNX Runtime's C API");
  return session.bind(leaves.filter(isGiven), filled.leaves);
}

/** For each output leaf, the input leaf whose memory it takes over. @throws CompileError unless they are alike */
function donations(options: JitOptions, input: Signature, graph: TracedGraph): Map<number, number> {
  const map = new Map<number, number>();
  for (const [to, from] of Object.entries(options.donate ?? {})) {
    const refuse = (what: string): never => {
      throw new CompileError(`${options.name}: donate ${to} ← ${from}: expected ${what}`);
    };
    const outputs = leafPaths((graph.outputStructure as readonly Structure[])[Number(to)] ?? []);
    const inputs = new Map(
      leafPaths((input.structure as readonly Structure[])[from] ?? []).map(({ path, leaf }) => [path, leaf]),
    );
    if (outputs.length !== inputs.size || !outputs.every(({ path }) => inputs.has(path))) {
      refuse(`trees of the same leaves, got ${outputs.length} and ${inputs.size}`);
    }
    for (const { path, leaf } of outputs) {
      const taken = inputs.get(path) as number;
      const { type, shape } = graph.outputs[leaf] as Port;
      const [given, made] = [
        describe(input.leaves.slice(taken, taken + 1)),
        describe([{ dtype: type, shape }]),
      ];
      if (given !== made) refuse(`${given} as the argument has it, got ${made}`);
      map.set(leaf, taken);
    }
  }
  return map;
}

/**
 * Compiles `fn`. It runs once per signature (shapes, dtypes and tree structure of its arguments) to be traced, and must
 * compute with tensors alone.
 * @throws CompileError (when called) for what cannot be traced, and for failures of the runtime
 */
export function jit<Args extends readonly unknown[], Out>(
  fn: (...args: Args) => Out,
  options: JitOptions,
): Compiled<Args, Out> {
  const entries = signatureTable<Entry>();
  const memory = spareMemory();
  // One call at a time: what a call changes in place, the next one reads.
  const take = inTurn();

  const compile = async (signature: ArgumentTree): Promise<Entry> => {
    const { runtime } = await findRuntime(options.runtime?.binding);
    const narrows = options.keeps === "bfloat16" && (await memoryFor(options.runtime)) !== undefined;
    const tracing = { ...tracingFor(runtime, freeLeaves(signature, options), options.runtime), narrows };
    const graph = trace((args) => fn(...(args as Args)), options.name, signature, tracing);
    const donated = donations(options, signature, graph);
    try {
      return { graph, donated, session: await runtime.createSession(graph, options.runtime) };
    } catch (cause) {
      throw failure(options, signature.leaves, cause);
    }
  };

  /** Does something with a call's graph. @throws CompileError naming the function and its arguments */
  const using = async <T>(
    args: readonly unknown[],
    work: (entry: Entry, tree: ArgumentTree) => T | Promise<T>,
  ): Promise<T> => {
    const tree = flatten<ArgumentArray>(args);
    const isFree = () => freeLeaves(tree, options);
    const entry = entries.find(tree, isFree) ?? entries.add(tree, isFree(), await compile(tree));
    try {
      return await work(entry, tree);
    } catch (cause) {
      throw failure(options, tree.leaves, cause);
    }
  };

  const run = (args: readonly unknown[]): Promise<unknown> =>
    using(args, async (entry, { leaves }) => {
      const results = await runInto(entry, leaves.filter(isGiven), memory.offers(entry, leaves), options);
      const outputs = results.map((result, at) => {
        const input = entry.donated.get(at);
        return input === undefined ? result : memory.moveInto(leaves[input] as ArgumentArray, result);
      });
      return unflatten(entry.graph.outputStructure, outputs);
    });

  const release = async () => {
    const compiled = entries.all();
    entries.clear();
    await Promise.all(compiled.map(({ session }) => session.release()));
  };
  return Object.assign((...args: unknown[]) => take(() => run(args)), {
    bind: (args: readonly unknown[], results: unknown) =>
      take(() => using(args, (entry, tree) => bindTo(entry, tree, results))),
    notReplayed: () => refusalOf(entries.all()),
    dispose: () => take(release),
  }) as Compiled<Args, Out>;
}

function failure({ name }: JitOptions, leaves: readonly Shaped[], cause: unknown): CompileError {
  return new CompileError(`${name}(${describe(leaves)}): ${messageOf(cause)}`, { cause });
}

/** Shapes of the arguments, the last few where there are many. */
function describe(leaves: readonly Shaped[]): string {
  const shown = leaves.slice(-6).map((leaf) => `${leaf.dtype}[${leaf.shape}]`);
  return `${leaves.length > shown.length ? "…, " : ""}${shown.join(", ")}`;
}
