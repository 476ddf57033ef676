/**
 * @module Which outputs of a graph can be written into the memory of an input: where one node alone reads the input and
 * makes the output of it, each number of the one from that of the other, or where nothing reads the input at all.
 */
import type { OnnxGraph } from "./onnxWriter.js";
import { BROADCASTING } from "./optimize.js";

/** By number of the output, numbers of the inputs. */
export function overwrites({ nodes, inputs, outputs }: OnnxGraph): Map<number, ReadonlySet<number>> {
  const readers = new Map<string, number>();
  for (const name of nodes.flatMap((node) => node.inputs)) readers.set(name, (readers.get(name) ?? 0) + 1);
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const places = new Map(inputs.map(({ name }, at) => [name, at] as const));
  const unread = inputs.flatMap(({ name }, at) => (readers.has(name) ? [] : [at]));
  const found = new Map<number, ReadonlySet<number>>();
  for (const [at, output] of outputs.entries()) {
    const maker = makers.get(output.name);
    const isByNumber = maker !== undefined && (BROADCASTING.has(maker.op) || maker.op === "Identity");
    const read = isByNumber ? maker.inputs.filter((name) => readers.get(name) === 1) : [];
    const free = [...unread, ...read.flatMap((name) => places.get(name) ?? [])].filter((input) => {
      const port = inputs[input];
      return port?.type === output.type && port.shape.join() === output.shape.join();
    });
    if (free.length > 0) found.set(at, new Set(free));
  }
  return found;
}
