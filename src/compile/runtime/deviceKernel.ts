/**
 * @module Kernels of our own over a device's memory: CUDA C++ for a card, and the same in TypeScript for memory of the
 * host, so that all that is done on a card is tried without one.
 */
import { CompileError } from "../../core/errors.js";
import type { Kernel, KernelArgument, Launch } from "./capi/card.js";
import type { AddressSpace } from "./session.js";

/** Bytes of the host's own memory at an address, in place. */
export type HostMemory = (address: number, bytes: number) => ArrayBufferLike;

/** A parameter of a kernel: an address or `long long`, `int`, `float`, `double`. */
export type ParameterType = "int64" | "int32" | "float32" | "float64";

export interface DeviceKernel<Name extends string = string> {
  /** Of the function in `source`. */
  readonly name: string;
  /** CUDA C++: `extern "C" __global__` functions. */
  readonly source: string;
  /** In the function's order. */
  readonly parameters: Readonly<Record<Name, ParameterType>>;
  /** The same on memory of the host; it does not depend on how the kernel is launched. */
  onHost(memory: HostMemory, args: Readonly<Record<Name, number>>): void;
}

/** Queues kernels, in order. */
export interface KernelQueue {
  /** @throws CompileError with the compiler's or the driver's words */
  launch<Name extends string>(
    kernel: DeviceKernel<Name>,
    launch: Launch,
    args: Readonly<Record<Name, bigint | number>>,
  ): void;
  /** Waits for all of them: before a run reads what they have written, or memory that they use is freed. */
  synchronize(): void;
}

function argument(type: ParameterType, value: bigint | number): KernelArgument {
  if (type === "int64") return BigInt(value);
  const number = Number(value);
  if (type === "int32") return { int32: number };
  return type === "float32" ? { float32: number } : { float64: number };
}

/** Kernels over this memory. */
export function kernelQueue({ card, view }: AddressSpace): KernelQueue {
  const kernels = new Map<string, Kernel>();
  const memory: HostMemory = (address, bytes) => {
    if (view) return view(BigInt(address), bytes / 4).buffer;
    throw new CompileError("kernels: memory that neither a card nor the host computes on");
  };
  return {
    launch({ name, source, parameters, onHost }, launch, args) {
      const names = Object.keys(parameters) as (keyof typeof args)[];
      if (card === undefined) {
        const numbers = names.map((each) => [each, Number(args[each])]);
        return onHost(memory, Object.fromEntries(numbers) as Record<(typeof names)[number], number>);
      }
      const kernel = kernels.get(name) ?? card.kernel(source, name);
      kernels.set(name, kernel);
      kernel(
        launch,
        names.map((each) => argument(parameters[each], args[each])),
      );
    },
    synchronize: () => card?.synchronize(),
  };
}
