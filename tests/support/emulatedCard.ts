/**
 * @module A card on the processor: CUDA C++ compiled by g++, over the host's memory. One thread runs after the other; where
 * they wait for each other, every thread of a block is a fiber that runs up to the next barrier. Shows that the text
 * says what is meant, not what threads do that race.
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
#include <ucontext.h>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <vector>
using std::min;
struct Index { unsigned x; };
static Index gridDim, blockDim, blockIdx, threadIdx;
#define __global__
#define __device__ static
#define __shared__ static
static inline unsigned __float_as_uint(float value) { unsigned bits; memcpy(&bits, &value, 4); return bits; }
static inline float __uint_as_float(unsigned bits) { float value; memcpy(&value, &bits, 4); return value; }

static ucontext_t scheduler;
static std::vector<ucontext_t> fibers;
static std::vector<bool> isDone;
static std::function<void()> work;
static inline void __syncthreads() { swapcontext(&fibers[threadIdx.x], &scheduler); }
static void fiber() { work(); isDone[threadIdx.x] = true; }
static void runBlock(unsigned threads) {
  static const size_t STACK = 1 << 15;
  static std::vector<char> stacks;
  stacks.resize(STACK * threads);
  fibers.assign(threads, ucontext_t());
  isDone.assign(threads, false);
  for (unsigned t = 0; t < threads; t++) {
    getcontext(&fibers[t]);
    fibers[t].uc_stack.ss_sp = &stacks[STACK * t];
    fibers[t].uc_stack.ss_size = STACK;
    fibers[t].uc_link = &scheduler;
    makecontext(&fibers[t], fiber, 0);
  }
  for (bool isAny = true; isAny;) {
    isAny = false;
    for (threadIdx.x = 0; threadIdx.x < threads; threadIdx.x++) {
      if (isDone[threadIdx.x]) continue;
      isAny = true;
      swapcontext(&scheduler, &fibers[threadIdx.x]);
    }
  }
}
`;

/** A function that goes through all threads of a launch: `run_NAME(blocks, threads, addresses of arguments)`. */
function runner(name: string, parameters: string, waits: boolean): string {
  const args = parameters.split(",").map((parameter, at) => {
    const type = parameter.trim().replace(/\w+$/, "");
    return `*(${type.replace("const ", "")}*)args[${at}]`;
  });
  const call = `${name}(${args.join(", ")})`;
  return `
extern "C" void run_${name}(unsigned blocks, unsigned threads, void **args) {
  gridDim.x = blocks; blockDim.x = threads;
  work = [=] { ${call}; };
  for (blockIdx.x = 0; blockIdx.x < blocks; blockIdx.x++)
    ${waits ? "runBlock(threads);" : `for (threadIdx.x = 0; threadIdx.x < threads; threadIdx.x++) ${call};`}
}`;
}

function compile(source: string) {
  const folder = mkdtempSync(join(tmpdir(), "kernels-"));
  try {
    const kernels = [...source.matchAll(/__global__ void (\w+)\(([^)]*)\)/g)];
    const runners = kernels.map(([, name = "", parameters = ""]) =>
      runner(name, parameters, source.includes("__syncthreads")),
    );
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
