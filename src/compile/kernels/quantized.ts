/**
 * @module Products with weights of 8 or 4 bits, and the weights widened: kernels that TensorFlow.js does not have.
 * Called from `quantized.ts` one folder up, which says what they compute.
 */
import type { Traced } from "../tracer.js";
import { type Call, type KernelTable, number } from "./kernel.js";

/** `[N, K/block, block·bits/8]` and `[N, K/block]`. */
function sizesOf(call: Call) {
  const [N, blocks, bytes] = call.input("packed").shape as [number, number, number];
  const bits = number(call, "bits");
  return { N, blocks, bits, block: (bytes * 8) / bits, K: (blocks * bytes * 8) / bits };
}

/** Bytes of two nibbles each, the low one first, as one byte a nibble. */
function nibbles({ tracer }: Call, packed: string, [N, blocks, bytes]: readonly number[]): string {
  const column = tracer.integers([N as number, blocks as number, bytes as number, 1]);
  const low = tracer.emit("BitwiseAnd", [packed, tracer.constant([15], [], "uint8")]);
  const high = tracer.emit("BitShift", [packed, tracer.constant([4], [], "uint8")], { direction: "RIGHT" });
  const columns = [low, high].map((each) => tracer.emit("Reshape", [each, column]));
  return tracer.emit("Concat", columns, { axis: 3 });
}

function dequantize(call: Call): Traced {
  const { tracer } = call;
  const { N, K, bits, block, blocks } = sizesOf(call);
  const packed = tracer.bytesOf(call.input("packed"));
  const bytes = bits === 4 ? nibbles(call, packed, call.input("packed").shape) : packed;
  const rows = tracer.emit("Reshape", [bytes, tracer.integers([N, K])]);
  const zero = tracer.fill(2 ** (bits - 1), [N, blocks], "uint8");
  const wide = tracer.emit("DequantizeLinear", [rows, call.name("scales"), zero], {
    axis: 1,
    block_size: block,
  });
  return tracer.result(wide, [N, K], "float32");
}

function matMulNBits(call: Call): Traced {
  const { tracer } = call;
  const { N, K, bits, block } = sizesOf(call);
  const product = tracer.emit(
    "MatMulNBits",
    [call.name("x"), tracer.bytesOf(call.input("packed")), call.name("scales")],
    { K, N, bits, block_size: block, accuracy_level: number(call, "accuracyLevel") },
    "com.microsoft",
  );
  return tracer.result(product, [...call.input("x").shape.slice(0, -1), N], "float32");
}

export const QUANTIZED: KernelTable = { MatMulNBits: matMulNBits, DequantizeBlocks: dequantize };
