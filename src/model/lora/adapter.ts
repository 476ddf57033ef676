/**
 * @module An adapter's arrays: made, put beside a network's parameters, and merged into them.
 *
 * Arrays are called like the layer they adapt, `….lora_A.weight` and `….lora_B.weight`; `layers.linear` adds the
 * adapter wherever its parameters hold one. `….lora_scale` is a constant of the graph, not a parameter.
 */
import { type NdArray, ndarray, type Params, scalar, zeros } from "../../core/ndarray.js";
import type { Rng } from "../../core/rng.js";
import type { Network } from "../family.js";
import { type AdaptedModule, adaptedModules, type LoraSpec } from "./spec.js";

export interface Adapter {
  readonly spec: LoraSpec;
  readonly modules: readonly AdaptedModule[];
  /** A `[r, in]` and B `[out, r]` of every module, f32. */
  readonly params: Params;
}

/** A module's A and B by name. */
export function adapterNames(module: string): { readonly a: string; readonly b: string } {
  return { a: `${module}.lora_A.weight`, b: `${module}.lora_B.weight` };
}

/**
 * A new adapter that changes nothing yet: B is 0, A uniform in ±1/√in, as PEFT begins.
 * @throws ModelError when the spec does not fit the network
 */
export function initAdapter(network: Network, spec: LoraSpec, rng: Rng): Adapter {
  const modules = adaptedModules(network, spec);
  const entries = modules.flatMap(({ name, inputs, outputs, rank }): [string, NdArray][] => {
    const { a, b } = adapterNames(name);
    const draws = rng.split("lora", name);
    const bound = 1 / Math.sqrt(inputs);
    const values = Float32Array.from({ length: rank * inputs }, () => bound * (2 * draws.uniform() - 1));
    return [
      [a, ndarray(values, [rank, inputs])],
      [b, zeros([outputs, rank])],
    ];
  });
  return { spec, modules, params: Object.fromEntries(entries) };
}

/** The scales of an adapter's modules, as graphs read them. */
export function adapterScales({ modules }: Pick<Adapter, "modules">): Params {
  return Object.fromEntries(modules.map(({ name, scale }) => [`${name}.lora_scale`, scalar(scale)]));
}

/** All that a graph reads of an adapter: arrays and scales. */
export function adapterInputs(adapter: Adapter): Params {
  return { ...adapter.params, ...adapterScales(adapter) };
}

/**
 * W + s·B·A, summed in float64.
 * @param weight `[out, in]` f32; not changed
 */
export function mergedWeight(weight: NdArray, module: AdaptedModule, params: Params): NdArray {
  const names = adapterNames(module.name);
  const [A, B] = [params[names.a], params[names.b]] as [NdArray, NdArray];
  const { inputs, outputs, rank, scale } = module;
  const merged = weight.data.slice();
  const row = new Float64Array(inputs);
  for (let out = 0; out < outputs; out++) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = scale * (B.data[out * rank + r] as number);
      if (factor === 0) continue;
      for (let at = 0; at < inputs; at++) {
        row[at] = (row[at] as number) + factor * (A.data[r * inputs + at] as number);
      }
    }
    for (let at = 0; at < inputs; at++) {
      const place = out * inputs + at;
      merged[place] = (weight.data[place] as number) + (row[at] as number);
    }
  }
  return { ...weight, data: merged };
}
