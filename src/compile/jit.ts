/**
 * @module `jit(fn)`: a function over trees of tensors, compiled once per signature.
 */
import { CompileError, messageOf } from "../core/errors.js";
import type { NdArray } from "../core/ndarray.js";
import { zip } from "../core/zip.js";
import { createSession, type GraphSession, type RuntimeOptions } from "./runtime.js";
import { type Signature, type TracedGraph, trace } from "./trace.js";
import { flatten, type HostOf, leafPaths, type Structure, unflatten } from "./tree.js";

export interface JitOptions {
  /** What errors call the function. */
  readonly name: string;
  /**
   * Output element → argument whose memory it takes over, for functions that return a tuple: the returned tree is the
   * argument's, with new `data`. Trees must match. Nothing is written when a run fails.
   */
  readonly donate?: Readonly<Record<number, number>>;
  readonly runtime?: RuntimeOptions;
}

export interface Compiled<Args extends readonly unknown[], Out> {
  (...args: HostArgs<Args>): Promise<HostOf<Out>>;
  /** Frees the sessions. */
  dispose(): Promise<void>;
}

/** The arguments as host trees. */
export type HostArgs<Args extends readonly unknown[]> = { [At in keyof Args]: HostOf<Args[At]> };

/** A compiled signature. */
interface Entry {
  readonly graph: TracedGraph;
  readonly session: Promise<GraphSession>;
  /** For each output leaf, the input leaf it takes over. */
  readonly donated: ReadonlyMap<number, number>;
}

function keyOf(structure: Structure, leaves: readonly NdArray[]): string {
  return `${JSON.stringify(structure)}|${leaves.map((leaf) => `${leaf.dtype[0]}${leaf.shape.join("x")}`).join(",")}`;
}

/** For each output leaf, the input leaf whose memory it takes over. */
function donations(options: JitOptions, input: Structure, output: Structure): Map<number, number> {
  const map = new Map<number, number>();
  for (const [to, from] of Object.entries(options.donate ?? {})) {
    const outputs = leafPaths((output as readonly Structure[])[Number(to)] ?? []);
    const inputs = new Map(
      leafPaths((input as readonly Structure[])[from] ?? []).map(({ path, leaf }) => [path, leaf]),
    );
    if (outputs.length !== inputs.size || !outputs.every(({ path }) => inputs.has(path))) {
      throw new CompileError(
        `${options.name}: donate ${to} ← ${from}: expected trees of the same leaves, got ${outputs.length} and ${inputs.size}`,
      );
    }
    for (const { path, leaf } of outputs) map.set(leaf, inputs.get(path) as number);
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
  const entries = new Map<string, Entry>();

  const compile = (signature: Signature): Entry => {
    const graph = trace((args) => fn(...(args as Args)), options.name, signature);
    const donated = donations(options, signature.structure, graph.outputStructure);
    return { graph, donated, session: createSession(graph.bytes, options.runtime) };
  };

  const call = async (...args: unknown[]): Promise<unknown> => {
    const { leaves, structure } = flatten<NdArray>(args);
    const key = keyOf(structure, leaves);
    const { graph, donated, session } = entries.get(key) ?? compile({ structure, leaves });
    entries.set(key, { graph, donated, session });
    try {
      const inputs = zip(graph.inputs, leaves).map(([{ name }, array]) => ({ name, array }));
      const results = await (await session).run(inputs, graph.outputs);
      const outputs = results.map((result, at) => {
        const target = leaves[donated.get(at) ?? -1];
        if (!target) return result;
        (target as { data: NdArray["data"] }).data = result.data;
        return target;
      });
      return unflatten(graph.outputStructure, outputs);
    } catch (cause) {
      session.catch(() => entries.delete(key)); // a session that could not be made is tried again
      throw new CompileError(`${options.name}(${describe(leaves)}): ${messageOf(cause)}`, { cause });
    }
  };

  const dispose = async () => {
    const compiled = [...entries.values()];
    entries.clear();
    await Promise.all(compiled.map(async ({ session }) => (await session).release()));
  };
  return Object.assign(call, { dispose }) as Compiled<Args, Out>;
}

/** Shapes of the arguments, the last few where there are many. */
function describe(leaves: readonly NdArray[]): string {
  const shown = leaves.slice(-6).map((leaf) => `${leaf.dtype}[${leaf.shape}]`);
  return `${leaves.length > shown.length ? "…, " : ""}${shown.join(", ")}`;
}
