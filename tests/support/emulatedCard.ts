/**
 * @module A card on the processor: CUDA C++ compiled by g++, one thread after the other, over the host's memory. For
 * kernels whose threads do not wait for each other.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import koffi from "koffi";
import type { Card, Kernel, KernelArgument } from "../../src/compile/runtime/capi/card.js";
import type { AddressSpace, DeviceMemory } from "../../src/compile/runtime/session.js";
import { invariant } from "../../src/core/errors.js";

/** Whether kernels can be tried here. */
export const hasCompiler = spawnSync("g++", ["--version"]).status === 0;

const PRELUDE = `
#include <cmath>
struct Index { unsigned x; };
static Index gridDim, blockDim, blockIdx, threadIdx;
#define __global__
`;

/** A function that goes through all threads of a launch: `run_NAME(blocks, threads, addresses of arguments)`. */
function runner(name: string, parameters: string): string {
  const args = parameters.split(",").map((parameter, at) => {
    const type = parameter.trim().replace(/\w+$/, "");
    return `*(${type.replace("const ", "")}*)args[${at}]`;
  });
  return `
extern "C" void run_${name}(unsigned blocks, unsigned threads, void **args) {
  gridDim.x = blocks; blockDim.x = threads;
  for (blockIdx.x = 0; blockIdx.x < blocks; blockIdx.x++)
    for (threadIdx.x = 0; threadIdx.x < threads; threadIdx.x++) ${name}(${args.join(", ")});
}`;
}

function compile(source: string) {
  const folder = mkdtempSync(join(tmpdir(), "kernels-"));
  try {
    const kernels = [...source.matchAll(/__global__ void (\w+)\(([^)]*)\)/g)];
    const runners = kernels.map(([, name = "", parameters = ""]) => runner(name, parameters));
    const [text, library] = [join(folder, "kernels.cpp"), join(folder, "kernels.so")];
    writeFileSync(text, [PRELUDE, source, ...runners].join("\n"));
    const options = ["-O2", "-ffp-contract=off", "-shared", "-fPIC", "-o", library, text];
    const { status, stderr } = spawnSync("g++", options, { encoding: "utf8" });
    invariant(status === 0, `g++: ${stderr}`);
    return koffi.load(library);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Numbers as a launch gives them, each in 8 bytes. */
function placesOf(args: readonly KernelArgument[]) {
  const values = new DataView(new ArrayBuffer(8 * args.length));
  for (const [at, arg] of args.entries()) {
    if (typeof arg === "bigint") values.setBigInt64(8 * at, arg, true);
    else if ("int32" in arg) values.setInt32(8 * at, arg.int32, true);
    else if ("float32" in arg) values.setFloat32(8 * at, arg.float32, true);
    else values.setFloat64(8 * at, arg.float64, true);
  }
  const start = koffi.address(values);
  return { values, addresses: BigUint64Array.from(args, (_, at) => start + BigInt(8 * at)) };
}

/** @param launched is told every kernel by name */
export function emulatedCard(space: AddressSpace, launched: (name: string) => void = () => undefined): Card {
  const libraries = new Map<string, ReturnType<typeof compile>>();
  const { upload, download, clear, copy } = space;
  return {
    ...{ upload, download, clear, copy },
    name: "a processor",
    multiprocessors: 2,
    memory: () => ({ free: 1e9, total: 1e9 }),
    synchronize: () => undefined,
    kernel(source, name): Kernel {
      const library = libraries.get(source) ?? compile(source);
      libraries.set(source, library);
      const run = library.func(`run_${name}`, "void", ["uint32_t", "uint32_t", "void *"]);
      return ({ blocks, threads }, args) => {
        launched(name);
        const { values, addresses } = placesOf(args);
        run(blocks, threads, addresses);
        invariant(values.byteLength > 0, "kept until the kernel has run");
      };
    },
  };
}

/** The same memory as a card's: what computes there are kernels. */
export function asCard(
  { view: _, ...memory }: DeviceMemory,
  launched?: (name: string) => void,
): DeviceMemory {
  return { ...memory, card: emulatedCard(memory, launched) };
}
