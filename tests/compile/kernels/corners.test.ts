import { describe } from "vitest";
import { type NdArray, ndarray } from "../../../src/core/ndarray.js";
import { type Tensor, tf } from "../../../src/core/tf.js";
import { type Case, testCases } from "./cases.js";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const ODD = ndarray(
  [nan, inf, -inf, 0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3e38, 1e-40, -7, 88, -104, 1e10],
  [18],
);
/** Beyond 2²⁴, where floats lose whole numbers, and up to the ends of the type. */
const INTS = ndarray(
  [0, 1, -1, 2, -3, 7, -8, 46_341, -65_536, 2 ** 31 - 1, -(2 ** 31), 1_000_003],
  [12],
  "int32",
);
const SMALL = ndarray([0, 1, -1, 2, -3, 7, -8, 5, -5, 100, -100, 3], [12], "int32");
const NONZERO = ndarray([1, -1, 2, -2, 3, -3, 5, 7, -7, 4, 11, -13], [12], "int32");

const floats = (shape: readonly number[]) =>
  ndarray(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => ((at * 7) % 11) - 5),
    shape,
  );
const ints = (shape: readonly number[]) =>
  ndarray(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => ((at * 5) % 7) - 3),
    shape,
    "int32",
  );

const exact = (name: string, f: Case["f"], ...inputs: NdArray[]): Case => ({
  name,
  f,
  inputs,
  gradient: false,
});

const truth = (x: Tensor) => tf.greater(x, 0);

describe("kernels against the cpu backend: numbers at the edges", () => {
  const unary: Readonly<Record<string, (x: Tensor) => Tensor>> = {
    neg: tf.neg,
    abs: tf.abs,
    floor: tf.floor,
    ceil: tf.ceil,
    round: tf.round,
    exp: tf.exp,
    expm1: tf.expm1,
    log: tf.log,
    log1p: tf.log1p,
    sqrt: tf.sqrt,
    rsqrt: tf.rsqrt,
    square: tf.square,
    reciprocal: tf.reciprocal,
    sigmoid: tf.sigmoid,
    tanh: tf.tanh,
    relu: tf.relu,
    relu6: tf.relu6,
    elu: tf.elu,
    selu: tf.selu,
    softplus: tf.softplus,
    leakyRelu: (x) => tf.leakyRelu(x),
    isNaN: tf.isNaN,
    isInf: tf.isInf,
    isFinite: tf.isFinite,
    clip: (x) => tf.clipByValue(x, -1, 1),
    erf: tf.erf,
    logSigmoid: tf.logSigmoid,
  };
  testCases(
    "odd unary",
    Object.entries(unary).map(([name, f]) => exact(`${name} of odd floats`, f, ODD)),
  );
  testCases(
    "ints unary",
    Object.entries({
      neg: tf.neg,
      abs: tf.abs,
      sign: tf.sign,
      square: tf.square,
      relu: tf.relu,
      exp: tf.exp,
      isNaN: tf.isNaN,
      isInf: tf.isInf,
      isFinite: tf.isFinite,
      clip: (x: Tensor) => tf.clipByValue(x, -1, 1),
      step: (x: Tensor) => tf.step(x),
      leakyRelu: (x: Tensor) => tf.leakyRelu(x),
    }).map(([name, f]) => exact(`${name} of ints`, f, SMALL)),
  );
  const binary: Readonly<Record<string, (x: Tensor, y: Tensor) => Tensor>> = {
    add: tf.add,
    sub: tf.sub,
    mul: tf.mul,
    maximum: tf.maximum,
    minimum: tf.minimum,
    equal: tf.equal,
    notEqual: tf.notEqual,
    less: tf.less,
    lessEqual: tf.lessEqual,
    greater: tf.greater,
    greaterEqual: tf.greaterEqual,
    squaredDifference: tf.squaredDifference,
  };
  const outer = (f: (x: Tensor, y: Tensor) => Tensor) => (x: Tensor) => f(tf.expandDims(x, 1), x);
  testCases(
    "odd binary",
    Object.entries({ ...binary, div: tf.div }).map(([name, f]) =>
      exact(`${name} of odd floats`, outer(f), ODD),
    ),
  );
  testCases(
    "ints binary",
    Object.entries(binary).map(([name, f]) => exact(`${name} of ints`, outer(f), SMALL)),
  );
  testCases("large ints", [
    exact("add wraps", outer(tf.add), INTS),
    exact("sub wraps", outer(tf.sub), INTS),
    exact("maximum", outer(tf.maximum), INTS),
    exact("less", outer(tf.less), INTS),
    exact("equal", outer(tf.equal), INTS),
    exact("neg", tf.neg, INTS),
    exact("floorDiv", (x, y) => tf.floorDiv(tf.expandDims(x, 1), y), INTS, NONZERO),
    exact("sum wraps", (x) => tf.sum(x), INTS),
    exact("max", (x) => tf.max(x), INTS),
    exact("cast to float", (x) => tf.cast(x, "float32"), INTS),
    exact("cast to bool", (x) => tf.cast(x, "bool"), INTS),
    exact("cumsum", (x) => tf.cumsum(x), INTS),
    exact("prod", (x) => tf.prod(x), SMALL),
  ]);
  testCases("casts", [
    exact("odd floats to bool", (x) => tf.cast(x, "bool"), ODD),
    exact("halves to ints", (x) => tf.cast(x, "int32"), ndarray([0.5, -0.5, 1.9, -1.9, 2e9, -2e9], [6])),
    exact("bool to int", (x) => tf.cast(truth(x), "int32"), ODD),
    exact("bool to bool", (x) => tf.cast(truth(x), "bool"), ODD),
    exact("add truths", (x) => tf.add(truth(x), truth(x)), ODD),
    exact("mul truth by float", (x) => tf.mul(tf.cast(truth(x), "float32"), 2), ODD),
    exact("max of truths", (x) => tf.max(tf.cast(truth(x), "int32")), ODD),
    exact("where keeps out NaN", (x) => tf.where(tf.isNaN(x), tf.zerosLike(x), x), ODD),
    exact("int and float", (x, y) => tf.add(x, tf.slice(y, 0, 12)), SMALL, ODD),
    exact("concat of truths", (x) => tf.concat([truth(x), tf.isNaN(x)]), ODD),
    exact("less of truths", (x) => tf.less(truth(x), tf.isNaN(x)), ODD),
    exact("sign of -0", (x) => tf.sign(x), ndarray([0, -0], [2])),
  ]);
  testCases("folds", [
    exact("max with NaN", (x) => tf.max(x), ODD),
    exact("min with NaN", (x) => tf.min(x), ODD),
    exact("sum of infinities", (x) => tf.sum(x), ndarray([inf, 1, -inf], [3])),
    exact("mean of nothing", (x) => tf.mean(x, 1), floats([3, 0])),
    exact("prod of nothing", (x) => tf.prod(x, 1), floats([3, 0])),
    exact("sum over all of nothing", (x) => tf.sum(x), floats([0, 3])),
    exact("max over the full axis of an empty batch", (x) => tf.max(x, 1), floats([0, 3])),
    exact("argMax takes the first of equals", (x) => tf.argMax(x, 1), ndarray([1, 3, 3, 2, 2, 2], [2, 3])),
    exact("argMin takes the first of equals", (x) => tf.argMin(x, 1), ndarray([1, 1, 3, 2, 2, 2], [2, 3])),
    exact("argMax of truths", (x) => tf.argMax(truth(x)), floats([6])),
    exact("softmax with a masked place", (x) => tf.softmax(x), ndarray([0, -inf, 1], [3])),
    exact("logSoftmax with a masked place", (x) => tf.logSoftmax(x), ndarray([0, -inf, 1], [3])),
    exact("softmax of large logits", (x) => tf.softmax(x), ndarray([1000, 999, -1000], [3])),
    exact("softmax of one", (x) => tf.softmax(x), floats([4, 1])),
    exact("logSumExp of large", (x) => tf.logSumExp(x), ndarray([1000, 999], [2])),
    exact(
      "topk of equals",
      (x) => {
        const { values, indices } = tf.topk(x, 3);
        return [values, indices];
      },
      ndarray([1, 3, 3, 3, 2, 0], [6]),
    ),
    exact(
      "topk of all",
      (x) => {
        const { values, indices } = tf.topk(x, 4);
        return [values, indices];
      },
      floats([3, 4]),
    ),
    exact("cumsum of one", (x) => tf.cumsum(x, 0, true), floats([1])),
    exact("cumsum of nothing", (x) => tf.cumsum(x, 1), floats([2, 0])),
    exact("norm", (x) => tf.norm(x), floats([3, 4])),
  ]);
  testCases("shapes with 0 and 1", [
    exact(
      "matMul without rows",
      (a, b) => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D),
      floats([0, 4]),
      floats([4, 3]),
    ),
    exact(
      "matMul without columns",
      (a, b) => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D),
      floats([2, 4]),
      floats([4, 0]),
    ),
    exact("batched matMul over nothing", (a, b) => tf.matMul(a, b), floats([2, 3, 0]), floats([2, 0, 4])),
    exact("matMul of no batch", (a, b) => tf.matMul(a, b), floats([0, 3, 2]), floats([0, 2, 4])),
    exact(
      "matMul of no batch transposed",
      (a, b) => tf.matMul(a, b, false, true),
      floats([0, 3, 2]),
      floats([0, 4, 2]),
    ),
    exact(
      "matMul of ones",
      (a, b) => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D),
      floats([1, 1]),
      floats([1, 1]),
    ),
    exact("tile zero times", (x) => tf.tile(x, [2, 0]), floats([2, 3])),
    exact("tile of nothing", (x) => tf.tile(x, [2, 3]), floats([0, 3])),
    exact("tile of truths", (x) => tf.tile(truth(x), [2, 1]), floats([2, 3])),
    exact("tile of ints", (x) => tf.tile(x, [2, 2]), ints([2, 3])),
    exact("transpose of nothing", (x) => tf.transpose(x), floats([0, 3])),
    exact("transpose in five axes", (x) => tf.transpose(x, [4, 2, 0, 3, 1]), floats([2, 1, 3, 2, 2])),
    exact("reverse of nothing", (x) => tf.reverse(x, 0), floats([0, 3])),
    exact("reverse of ints", (x) => tf.reverse(x, 0), ints([4])),
    exact("reverse of truths", (x) => tf.reverse(truth(x), 0), floats([4])),
    exact(
      "pad in four axes",
      (x) =>
        tf.pad(
          x,
          [
            [0, 1],
            [1, 0],
            [0, 0],
            [2, 2],
          ],
          -1,
        ),
      floats([1, 2, 1, 2]),
    ),
    exact("pad of truths", (x) => tf.pad(truth(x), [[1, 2]]), floats([4])),
    exact("pad by nothing", (x) => tf.pad(x, [[0, 0]]), floats([3])),
    exact("stack of scalars", (x) => tf.stack([tf.sum(x), tf.max(x)]), floats([3])),
    exact("stack of one", (x) => tf.stack([x]), floats([3])),
    exact("stack of truths", (x) => tf.stack([truth(x), tf.logicalNot(truth(x))], 1), floats([3])),
    exact("unstack of one", (x) => tf.unstack(x), floats([1, 3])),
    exact("split with an empty part", (x) => tf.split(x, [0, 3], 1), floats([2, 3])),
    exact("split of ints", (x) => tf.split(x, 3, 1), ints([2, 3])),
    exact("slice of one row at the end", (x) => tf.slice(x, [2], [1]), ints([3])),
    exact("broadcastTo nothing", (x) => tf.broadcastTo(x, [0, 3]), floats([1, 3])),
    exact("broadcastTo of a scalar", (x) => tf.broadcastTo(x, [2, 1, 3]), floats([])),
    exact(
      "broadcastTo of ints and truths",
      (x) => [tf.broadcastTo(x, [2, 3]), tf.broadcastTo(truth(x), [2, 3])],
      ints([3]),
    ),
    exact("concat along the last of five axes", (x) => tf.concat([x, x], 4), floats([1, 2, 1, 2, 1])),
    exact("concat of a single one", (x) => tf.concat([x]), ints([3])),
    exact("reshape of nothing", (x) => tf.reshape(x, [3, 0, 2]), floats([0, 6])),
    exact("squeeze of all", (x) => tf.squeeze(x), floats([1, 1, 1])),
    exact(
      "ranges",
      (x) => [
        tf.range(0, 0),
        tf.range(3, 0, -1),
        tf.range(0, 1, 0.3),
        tf.linspace(2, 5, 1),
        tf.add(x, tf.range(0, 3)),
      ],
      floats([3]),
    ),
    exact("range backwards without a step", (x) => tf.add(x, tf.range(3, 0)), floats([3])),
    exact(
      "sum by broadcasting in five axes",
      (x, y) => tf.add(x, y),
      floats([2, 1, 3, 1, 2]),
      floats([3, 1, 2, 1]),
    ),
    exact(
      "truths by broadcasting",
      (x, y) => tf.logicalAnd(truth(x), truth(y)),
      floats([3, 1]),
      floats([1, 4]),
    ),
    exact(
      "select of truths by broadcasting",
      (x, y) => tf.where(truth(x), y, x),
      floats([3, 1]),
      floats([3, 1]),
    ),
  ]);
  testCases("indices at the edges", [
    exact("gather of ints", (x, i) => tf.gather(x, i), ints([4, 3]), ndarray([3, 0, 3], [3], "int32")),
    exact(
      "gather along the last axis",
      (x, i) => tf.gather(x, i, -1),
      floats([2, 2, 3]),
      ndarray([2, 0], [2], "int32"),
    ),
    exact("gather from one row", (x, i) => tf.gather(x, i), floats([1, 3]), ndarray([0, 0], [2], "int32")),
    exact("gather by float indices", (x, i) => tf.gather(x, tf.cast(i, "int32")), floats([4]), floats([0])),
    exact(
      "gatherND by all axes",
      (x, i) => tf.gatherND(x, i),
      ints([2, 3]),
      ndarray([1, 2, 0, 0], [2, 2], "int32"),
    ),
    exact("gatherND by no index", (x, i) => tf.gatherND(x, i), floats([2, 3]), ndarray([], [0, 1], "int32")),
    exact(
      "oneHot beyond the depth",
      (i) => tf.oneHot(i as tf.Tensor1D, 3),
      ndarray([0, 3, -1, 2], [4], "int32"),
    ),
    exact(
      "oneHot of a matrix as truths",
      (i) => tf.oneHot(i, 2, 1, 0, "bool"),
      ndarray([0, 1, 1, 0], [2, 2], "int32"),
    ),
    exact(
      "segment sum with an empty segment",
      (x, i) => tf.unsortedSegmentSum(x, i as tf.Tensor1D, 4),
      floats([3, 2]),
      ndarray([3, 1, 3], [3], "int32"),
    ),
    exact(
      "segment sum of nothing",
      (x, i) => tf.unsortedSegmentSum(x, i as tf.Tensor1D, 2),
      floats([0, 3]),
      ndarray([], [0], "int32"),
    ),
    exact(
      "scatterND of ints",
      (x, i) => tf.scatterND(i, x, [4]),
      ints([2]),
      ndarray([3, 1], [2, 1], "int32"),
    ),
    exact(
      "tensorScatterUpdate of nothing",
      (x, i) => tf.tensorScatterUpdate(x, i, tf.zeros([0])),
      floats([3]),
      ndarray([], [0, 1], "int32"),
    ),
  ]);
});
