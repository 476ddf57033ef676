/**
 * @module Device arrays whose memory is the host's.
 */
import { CompileError, ShapeError } from "../../core/errors.js";
import type { NdArray } from "../../core/ndarray.js";
import { type Device, type DeviceArray, type GraphArray, isDeviceArray } from "./session.js";

type Kind = Pick<NdArray, "dtype" | "shape">;

interface HostArray extends DeviceArray {
  /** @throws CompileError when the array has been disposed of */
  host(): NdArray;
}

/** An array's dtype and shape as messages say them. */
export const kindOf = ({ dtype, shape }: Kind): string => `${dtype}[${shape}]`;

/** @throws ShapeError unless both are of one shape and dtype */
export function checkSame(where: string, wanted: Kind, given: Kind): void {
  if (kindOf(wanted) !== kindOf(given)) {
    throw new ShapeError(`${where}: expected ${kindOf(wanted)}, got ${kindOf(given)}`);
  }
}

const isHostArray = (array: DeviceArray): array is HostArray => "host" in array;

/** The numbers of an array that lies on the host. @throws CompileError when it does not, or is disposed of */
export function hostOf(array: GraphArray): NdArray {
  if (!isDeviceArray(array)) return array;
  if (isHostArray(array)) return array.host();
  throw new CompileError(`device array of another runtime: ${kindOf(array)}: read it first`);
}

/** A copy of `array` that stands for memory of `device`. */
export function hostArray(array: NdArray, device: Device): DeviceArray {
  const { dtype, shape } = array;
  let data: NdArray["data"] | undefined = array.data.slice();
  const host = (): NdArray => {
    if (data) return { dtype, shape, data };
    throw new CompileError(`device array: used after it was disposed of: ${kindOf({ dtype, shape })}`);
  };
  const made: HostArray = {
    device,
    dtype,
    shape,
    host,
    read: async () => ({ ...host(), data: host().data.slice() }),
    write: async (next) => {
      checkSame("device array: write", made, next);
      host().data.set(next.data);
    },
    dispose: () => {
      data = undefined;
    },
  };
  return made;
}
