/**
 * @module Device arrays whose memory is the host's.
 */
import { CompileError, ShapeError } from "../../core/errors.js";
import { sizeOf } from "../../core/ndarray.js";
import {
  type ArrayKind,
  type Device,
  type DeviceArray,
  type GraphArray,
  type HostArray,
  isDeviceArray,
} from "./session.js";

const MEMORY = {
  float32: Float32Array,
  int32: Int32Array,
  bfloat16: Uint16Array,
  float16: Uint16Array,
  uint8: Uint8Array,
} as const;

/** An array of zeros of any dtype. */
export function emptyHost({ dtype, shape }: ArrayKind): HostArray {
  return { dtype, shape, data: new MEMORY[dtype](sizeOf(shape)) } as HostArray;
}

interface Hosted extends DeviceArray {
  /** @throws CompileError when the array has been disposed of */
  host(): HostArray;
}

/** An array's dtype and shape as messages say them. */
export const kindOf = ({ dtype, shape }: ArrayKind): string => `${dtype}[${shape}]`;

/** Whether two arrays are of one dtype and shape. */
export const isSame = ({ dtype, shape }: ArrayKind, other: ArrayKind): boolean =>
  dtype === other.dtype &&
  shape.length === other.shape.length &&
  shape.every((side, axis) => side === other.shape[axis]);

/** @throws ShapeError unless both are of one shape and dtype */
export function checkSame(where: string, wanted: ArrayKind, given: ArrayKind): void {
  if (!isSame(wanted, given)) {
    throw new ShapeError(`${where}: expected ${kindOf(wanted)}, got ${kindOf(given)}`);
  }
}

const isHosted = (array: DeviceArray): array is Hosted => "host" in array;

/** The numbers of an array that lies on the host. @throws CompileError when it does not, or is disposed of */
export function hostOf(array: GraphArray): HostArray {
  if (!isDeviceArray(array)) return array;
  if (isHosted(array)) return array.host();
  throw new CompileError(`device array of another runtime: ${kindOf(array)}: read it first`);
}

/** A copy of `array` that stands for memory of `device`. */
export function hostArray(array: HostArray, device: Device): DeviceArray {
  const { dtype, shape } = array;
  let data: HostArray["data"] | undefined = array.data.slice();
  const host = (): HostArray => {
    if (data) return { dtype, shape, data } as HostArray;
    throw new CompileError(`device array: used after it was disposed of: ${kindOf({ dtype, shape })}`);
  };
  const made: Hosted = {
    device,
    dtype,
    shape,
    host,
    read: async () => ({ ...host(), data: host().data.slice() }) as HostArray,
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
