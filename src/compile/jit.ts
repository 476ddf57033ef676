/**
 * @module `jit(fn)`: a function over trees of tensors, compiled once per signature.
 */
import { CompileError, messageOf } from "../core/errors.js";
import type { NdArray } from "../core/ndarray.js";
import { npmBinding } from "./runtime/npmBinding.js";
import {
  type GraphArray,
  isDeviceArray,
  isHostArray,
  type RuntimeOptions,
  type Session,
} from "./runtime/session.js";
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
   * argument's, with new `data`; device arrays change in place. Trees must match. No host array changes when a run fails.
   */
  readonly donate?: Readonly<Record<number, number>>;
  readonly runtime?: RuntimeOptions;
}

/** A compiled function: the same arguments as host arrays, the same result as host arrays. */
export interface Compiled<Args extends readonly unknown[], Out> {
  (...args: HostArgs<Args>): Promise<HostOf<Out>>;
  /** Frees the sessions. */
  dispose(): Promise<void>;
}

/** The arguments as trees of arrays. */
export type HostArgs<Args extends readonly unknown[]> = { [At in keyof Args]: ArgsOf<Args[At]> };

/** A compiled signature. */
interface Entry {
  readonly graph: TracedGraph;
  readonly session: Promise<Session>;
  /** For each output leaf, the input leaf it takes over. */
  readonly donated: ReadonlyMap<number, number>;
}

function keyOf(structure: Structure, leaves: readonly ArgumentArray[]): string {
  const keys = leaves.map((leaf) => {
    const place = isExternal(leaf) ? `@${leaf.file}:${leaf.offset}` : "";
    return `${leaf.dtype}${leaf.shape.join("x")}${place}`;
  });
  return `${JSON.stringify(structure)}|${keys.join(",")}`;
}

/** Arguments that are inputs of the graph, not part of it. */
const isGiven = (leaf: ArgumentArray): leaf is GraphArray => !isExternal(leaf);

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
    const graph = trace((args) => fn(...(args as Args)), options.name, signature, npmBinding);
    const donated = donations(options, signature.structure, graph.outputStructure);
    return { graph, donated, session: npmBinding.createSession(graph, options.runtime) };
  };

  const call = async (...args: unknown[]): Promise<unknown> => {
    const { leaves, structure } = flatten<ArgumentArray>(args);
    const key = keyOf(structure, leaves);
    const { graph, donated, session } = entries.get(key) ?? compile({ structure, leaves });
    entries.set(key, { graph, donated, session });
    try {
      const results = await (await session).run(leaves.filter(isGiven), offers(donated, leaves));
      const outputs = results.map((result, at) => {
        const target = leaves[donated.get(at) ?? -1];
        if (!target) return result;
        if (isHostArray(target)) (target as { data: NdArray["data"] }).data = (result as NdArray).data;
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

/** The device arrays that outputs take over. */
function offers(
  donated: ReadonlyMap<number, number>,
  leaves: readonly ArgumentArray[],
): ReadonlyMap<number, GraphArray> {
  return new Map(
    [...donated].flatMap(([output, input]) => {
      const leaf = leaves[input];
      return leaf && isDeviceArray(leaf) ? [[output, leaf] as const] : [];
    }),
  );
}

/** Shapes of the arguments, the last few where there are many. */
function describe(leaves: readonly ArgumentArray[]): string {
  const shown = leaves.slice(-6).map((leaf) => `${leaf.dtype}[${leaf.shape}]`);
  return `${leaves.length > shown.length ? "…, " : ""}${shown.join(", ")}`;
}
