/**
 * @module Kernels that act on each element: arithmetic, comparison, logic, and choosing between two values.
 */
import {
  broadcastShape,
  type Call,
  cast,
  castTo,
  type Input,
  type Kernel,
  type KernelTable,
  number,
  typeOf,
} from "./kernel.js";

/** Two broadcast inputs, one node. */
const binary =
  (op: string): Kernel =>
  (call) => {
    const [a, b] = [call.input("a"), call.input("b")];
    const type = typeOf(a) === "bool" ? "int32" : typeOf(a);
    const names = [castTo(call, a, type), castTo(call, b, type)];
    return call.tracer.result(call.tracer.emit(op, names), broadcastShape(a, b), type);
  };

/** Two broadcast inputs, a truth value. */
const comparison =
  (op: string, isNegated = false): Kernel =>
  (call) => {
    const { tracer } = call;
    const [a, b] = [call.input("a"), call.input("b")];
    const type = typeOf(a) === "bool" && op !== "Equal" ? "int32" : typeOf(a);
    const compared = tracer.emit(op, [castTo(call, a, type), castTo(call, b, type)]);
    return tracer.result(isNegated ? tracer.emit("Not", [compared]) : compared, broadcastShape(a, b), "bool");
  };

const logical =
  (op: string): Kernel =>
  (call) => {
    const [a, b] = [call.input("a"), call.input("b")];
    const names = [castTo(call, a, "bool"), castTo(call, b, "bool")];
    return call.tracer.result(call.tracer.emit(op, names), broadcastShape(a, b), "bool");
  };

/** One input, one node, same shape and dtype. */
const unary =
  (op: string): Kernel =>
  (call) => {
    const x = call.input("x");
    return call.tracer.result(call.tracer.emit(op, [call.name("x")]), x.shape, typeOf(x));
  };

/** One input, an expression of a few nodes; integers are computed as floats. */
const floating =
  (build: (emit: (op: string, ...inputs: (string | number)[]) => string, x: string) => string): Kernel =>
  (call) => {
    const { tracer } = call;
    const x = call.input("x");
    const emit = (op: string, ...inputs: (string | number)[]) =>
      tracer.emit(
        op,
        inputs.map((each) => (typeof each === "number" ? tracer.constant([each], [], "float32") : each)),
      );
    return tracer.result(build(emit, castTo(call, x, "float32")), x.shape, "float32");
  };

/** ⌊a / b⌋ in double precision, exact for 32-bit integers. */
function flooredQuotient(call: Call): string {
  const inputs = [castTo(call, call.input("a"), "float64"), castTo(call, call.input("b"), "float64")];
  return call.tracer.emit("Floor", [call.tracer.emit("Div", inputs)]);
}

/** A float64 as an integer; 0 where the divisor is, as TensorFlow.js has it, and not what a processor makes of ∞. */
function wholeUnlessByZero(call: Call, value: string): string {
  const zero = call.tracer.constant([0], [], "float64");
  const isZero = call.tracer.emit("Equal", [castTo(call, call.input("b"), "float64"), zero]);
  return cast(call, call.tracer.emit("Where", [isZero, zero, value]), "int32");
}

/** One input, computed in double precision: near 0, 1 + x loses x in single precision. */
const precise =
  (build: (call: Call, x: string, one: string) => string): Kernel =>
  (call) => {
    const x = call.input("x");
    const result = build(call, castTo(call, x, "float64"), call.tracer.constant([1], [], "float64"));
    return call.tracer.result(cast(call, result, "float32"), x.shape, "float32");
  };

export const ELEMENTWISE: KernelTable = {
  Add: binary("Add"),
  Sub: binary("Sub"),
  Multiply: binary("Mul"),
  Maximum: binary("Max"),
  Minimum: binary("Min"),
  Pow: binary("Pow"),
  RealDiv: (call) => {
    const [a, b] = [call.input("a"), call.input("b")];
    const names = [castTo(call, a, "float32"), castTo(call, b, "float32")];
    return call.tracer.result(call.tracer.emit("Div", names), broadcastShape(a, b), "float32");
  },
  FloorDiv: (call) => {
    const [a, b] = [call.input("a"), call.input("b")];
    const quotient = wholeUnlessByZero(call, flooredQuotient(call));
    return call.tracer.result(quotient, broadcastShape(a, b), "int32");
  },
  Mod: (call) => {
    // The sign of the divisor, as in Python.
    const { tracer } = call;
    const [a, b] = [call.input("a"), call.input("b")];
    const multiple = tracer.emit("Mul", [castTo(call, b, "float64"), flooredQuotient(call)]);
    const rest = tracer.emit("Sub", [castTo(call, a, "float64"), multiple]);
    // Not ONNX's Mod of integers: ONNX Runtime's ends the process for −2³¹ mod −1.
    const isWhole = a.dtype === "int32";
    const name = isWhole ? wholeUnlessByZero(call, rest) : cast(call, rest, "float32");
    return tracer.result(name, broadcastShape(a, b), isWhole ? "int32" : "float32");
  },
  SquaredDifference: (call) => {
    const { tracer } = call;
    const [a, b] = [call.input("a"), call.input("b")];
    const gap = tracer.emit("Sub", [call.name("a"), call.name("b")]);
    return tracer.result(tracer.emit("Mul", [gap, gap]), broadcastShape(a, b), typeOf(a));
  },
  Equal: comparison("Equal"),
  NotEqual: comparison("Equal", true),
  Less: comparison("Less"),
  LessEqual: comparison("LessOrEqual"),
  Greater: comparison("Greater"),
  GreaterEqual: comparison("GreaterOrEqual"),
  LogicalAnd: logical("And"),
  LogicalOr: logical("Or"),
  LogicalXor: logical("Xor"),
  LogicalNot: (call) => {
    const x = call.input("x");
    return call.tracer.result(call.tracer.emit("Not", [castTo(call, x, "bool")]), x.shape, "bool");
  },
  Neg: unary("Neg"),
  Abs: unary("Abs"),
  Sign: unary("Sign"),
  Identity: unary("Identity"),
  Relu: unary("Relu"),
  Floor: floating((emit, x) => emit("Floor", x)),
  Ceil: floating((emit, x) => emit("Ceil", x)),
  Round: floating((emit, x) => emit("Round", x)),
  Exp: floating((emit, x) => emit("Exp", x)),
  Expm1: precise(({ tracer }, x, one) => tracer.emit("Sub", [tracer.emit("Exp", [x]), one])),
  Log: floating((emit, x) => emit("Log", x)),
  Log1p: precise(({ tracer }, x, one) => tracer.emit("Log", [tracer.emit("Add", [x, one])])),
  Sqrt: floating((emit, x) => emit("Sqrt", x)),
  Rsqrt: floating((emit, x) => emit("Reciprocal", emit("Sqrt", x))),
  Square: (call) => {
    const x = call.input("x");
    const name = call.name("x");
    return call.tracer.result(call.tracer.emit("Mul", [name, name]), x.shape, typeOf(x));
  },
  Reciprocal: floating((emit, x) => emit("Reciprocal", x)),
  Sigmoid: floating((emit, x) => emit("Sigmoid", x)),
  Tanh: floating((emit, x) => emit("Tanh", x)),
  Erf: floating((emit, x) => emit("Erf", x)),
  Softplus: floating((emit, x) => emit("Softplus", x)),
  Sin: floating((emit, x) => emit("Sin", x)),
  Cos: floating((emit, x) => emit("Cos", x)),
  Tan: floating((emit, x) => emit("Tan", x)),
  Asin: floating((emit, x) => emit("Asin", x)),
  Acos: floating((emit, x) => emit("Acos", x)),
  Atan: floating((emit, x) => emit("Atan", x)),
  Sinh: floating((emit, x) => emit("Sinh", x)),
  Cosh: floating((emit, x) => emit("Cosh", x)),
  Asinh: floating((emit, x) => emit("Asinh", x)),
  Acosh: floating((emit, x) => emit("Acosh", x)),
  Atanh: floating((emit, x) => emit("Atanh", x)),
  Elu: floating((emit, x) => emit("Elu", x)),
  Selu: floating((emit, x) => emit("Selu", x)),
  Relu6: floating((emit, x) => emit("Clip", x, 0, 6)),
  LeakyRelu: (call) => {
    const x = call.input("x");
    const attributes = { alpha: { float: number(call, "alpha") } };
    const leaky = call.tracer.emit("LeakyRelu", [castTo(call, x, "float32")], attributes);
    return call.tracer.result(leaky, x.shape, "float32");
  },
  Prelu: (call) => {
    const [x, alpha] = [call.input("x"), call.input("alpha")];
    return call.tracer.result(
      call.tracer.emit("PRelu", [call.name("x"), call.name("alpha")]),
      broadcastShape(x, alpha),
      "float32",
    );
  },
  EluGrad: (call) => {
    // dy where y ≥ 0, dy · (y + 1) elsewhere
    const { tracer } = call;
    const y = call.input("y");
    const [zero, one] = [0, 1].map((value) => tracer.constant([value], [], "float32")) as [string, string];
    const isPositive = tracer.emit("GreaterOrEqual", [call.name("y"), zero]);
    const slope = tracer.emit("Where", [isPositive, one, tracer.emit("Add", [call.name("y"), one])]);
    return tracer.result(tracer.emit("Mul", [call.name("dy"), slope]), y.shape, "float32");
  },
  AddN: (call) => {
    const [first] = call.inputs as [Input];
    const names = call.inputs.map((each) => call.tracer.nameOf(each));
    const sum = names.reduce((left, right) => call.tracer.emit("Add", [left, right]));
    return call.tracer.result(sum, first.shape, typeOf(first));
  },
  IsNan: (call) => {
    const x = call.input("x");
    return call.tracer.result(call.tracer.emit("IsNaN", [castTo(call, x, "float32")]), x.shape, "bool");
  },
  IsInf: (call) => {
    const x = call.input("x");
    return call.tracer.result(call.tracer.emit("IsInf", [castTo(call, x, "float32")]), x.shape, "bool");
  },
  IsFinite: (call) => {
    // x − x is 0 for finite x, else NaN
    const { tracer } = call;
    const x = call.input("x");
    const name = castTo(call, x, "float32");
    const zero = tracer.constant([0], [], "float32");
    return tracer.result(tracer.emit("Equal", [tracer.emit("Sub", [name, name]), zero]), x.shape, "bool");
  },
  Step: (call) => {
    const { tracer } = call;
    const x = call.input("x");
    const type = typeOf(x);
    const zero = tracer.constant([0], [], type);
    const positive = tracer.emit("Greater", [call.name("x"), zero]);
    const high = tracer.constant([1], [], type);
    const low = tracer.constant([number(call, "alpha") ?? 0], [], type);
    return tracer.result(tracer.emit("Where", [positive, high, low]), x.shape, type);
  },
  ClipByValue: (call) => {
    const { tracer } = call;
    const x = call.input("x");
    const low = tracer.constant([number(call, "clipValueMin")], [], typeOf(x));
    const high = tracer.constant([number(call, "clipValueMax")], [], typeOf(x));
    return tracer.result(tracer.emit("Clip", [call.name("x"), low, high]), x.shape, typeOf(x));
  },
  Select: (call) => {
    const { tracer } = call;
    const [condition, t, e] = [call.input("condition"), call.input("t"), call.input("e")];
    // A vector condition chooses whole rows.
    const rank = Math.max(0, t.shape.length - condition.shape.length);
    const isRows = condition.shape.length === 1 && rank > 0;
    const chosen = isRows
      ? tracer.emit("Reshape", [
          castTo(call, condition, "bool"),
          tracer.integers([...condition.shape, ...Array<number>(rank).fill(1)]),
        ])
      : castTo(call, condition, "bool");
    if (typeOf(t) === "bool") {
      const picked = tracer.emit("Where", [chosen, castTo(call, t, "int32"), castTo(call, e, "int32")]);
      return tracer.result(cast(call, picked, "bool"), t.shape, "bool");
    }
    return tracer.result(
      tracer.emit("Where", [chosen, tracer.nameOf(t), tracer.nameOf(e)]),
      t.shape,
      typeOf(t),
    );
  },
  Cast: (call) => {
    const x = call.input("x");
    const to = String(call.attrs["dtype"]) as "float32" | "int32" | "bool";
    return call.tracer.result(castTo(call, x, to), x.shape, to);
  },
  ZerosLike: (call) => {
    const x = call.input("x");
    return call.tracer.result(call.tracer.fill(0, x.shape, typeOf(x)), x.shape, typeOf(x));
  },
  OnesLike: (call) => {
    const x = call.input("x");
    return call.tracer.result(call.tracer.fill(1, x.shape, typeOf(x)), x.shape, typeOf(x));
  },
  Fill: (call) => {
    const shape = call.attrs["shape"] as number[];
    const dtype = (call.attrs["dtype"] ?? "float32") as "float32" | "int32" | "bool";
    return call.tracer.result(call.tracer.fill(number(call, "value"), shape, dtype), shape, dtype);
  },
};
