/**
 * @module Kernels that act on each element: arithmetic, comparison, logic, and choosing between two values.
 */
import { broadcastShape, castTo, type Kernel, type KernelTable, number, typeOf } from "./kernel.js";

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
    const { tracer } = call;
    const [a, b] = [call.input("a"), call.input("b")];
    const quotient = tracer.emit("Div", [castTo(call, a, "float32"), castTo(call, b, "float32")]);
    const floored = tracer.emit("Floor", [quotient]);
    return tracer.result(tracer.emit("Cast", [floored], { to: 6 }), broadcastShape(a, b), "int32");
  },
  Mod: (call) => {
    // The sign of the divisor, as in Python: a − b·⌊a/b⌋.
    const { tracer } = call;
    const [a, b] = [call.input("a"), call.input("b")];
    const [x, y] = [castTo(call, a, "float32"), castTo(call, b, "float32")];
    const floored = tracer.emit("Floor", [tracer.emit("Div", [x, y])]);
    const rest = tracer.emit("Sub", [x, tracer.emit("Mul", [y, floored])]);
    const type = typeOf(a);
    const typed = type === "float32" ? rest : tracer.emit("Cast", [rest], { to: 6 });
    return tracer.result(typed, broadcastShape(a, b), type === "float32" ? type : "int32");
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
  Expm1: floating((emit, x) => emit("Sub", emit("Exp", x), 1)),
  Log: floating((emit, x) => emit("Log", x)),
  Log1p: floating((emit, x) => emit("Log", emit("Add", x, 1))),
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
  IsNan: (call) => {
    const x = call.input("x");
    return call.tracer.result(call.tracer.emit("IsNaN", [castTo(call, x, "float32")]), x.shape, "bool");
  },
  Step: (call) => {
    const { tracer } = call;
    const x = call.input("x");
    const zero = tracer.constant([0], [], "float32");
    const positive = tracer.emit("Greater", [call.name("x"), zero]);
    const high = tracer.constant([1], [], "float32");
    const low = tracer.constant([number(call, "alpha") ?? 0], [], "float32");
    return tracer.result(tracer.emit("Where", [positive, high, low]), x.shape, "float32");
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
