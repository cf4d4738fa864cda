import { namedOperands } from "../../../ir/node.ts";
import type { NodeOf, Value } from "../../../ir/graph.ts";
import type { ScalarName } from "../../../ops/scalar.ts";
import { heldAs, type Held } from "../../../checkpoint/onnx/held.ts";
import type { Exporter, OnnxEmitter } from "../exporter.ts";

/** What a function of numbers is, of operands that are held alike. */
type Write = (exporter: Exporter, operands: readonly string[], held: Held) => string;

const op =
  (name: string): Write =>
  ({ one }, operands) =>
    one(name, operands);

const gelu =
  (approximate: "none" | "tanh", expanded: (exporter: Exporter, x: string) => string): Write =>
  (exporter, [x]) =>
    exporter.opset >= 20 ? exporter.one("Gelu", [x!], { approximate }) : expanded(exporter, x!);

/** x/2 · (1 + erf(x/√2)) */
const erfGelu = ({ one, number }: Exporter, x: string): string => {
  const erf = one("Erf", [one("Div", [x, number(Math.SQRT2)])]);
  return one("Mul", [one("Mul", [x, one("Add", [erf, number(1)])]), number(0.5)]);
};

/** x · sigmoid(2 √(2/π) (x + 0.044715 x³)), which is x/2 · (1 + tanh(…)) */
const tanhGelu = ({ one, number }: Exporter, x: string): string => {
  const cube = one("Mul", [one("Mul", [x, x]), x]);
  const inner = one("Add", [x, one("Mul", [cube, number(0.044715)])]);
  return one("Mul", [x, one("Sigmoid", [one("Mul", [inner, number(2 * Math.sqrt(2 / Math.PI))])])]);
};

/** The remainder with the sign of y: ONNX has it for whole numbers, and for floats that with the sign of x. */
const modulo: Write = ({ one, number }, [x, y], held) => {
  if (held === "i32") return one("Mod", [x!, y!]);
  const rest = one("Mod", [x!, y!], { fmod: 1 });
  const zero = number(0);
  const differ = one("Xor", [one("Less", [rest, zero]), one("Less", [y!, zero])]);
  const isOther = one("And", [differ, one("Not", [one("Equal", [rest, zero])])]);
  return one("Where", [isOther, one("Add", [rest, y!]), rest]);
};

const writers: { readonly [K in ScalarName]: Write } = {
  neg: op("Neg"),
  abs: op("Abs"),
  exp: op("Exp"),
  log: op("Log"),
  sqrt: op("Sqrt"),
  rsqrt: ({ one }, [x]) => one("Reciprocal", [one("Sqrt", [x!])]),
  sin: op("Sin"),
  cos: op("Cos"),
  tanh: op("Tanh"),
  sigmoid: op("Sigmoid"),
  erf: op("Erf"),
  relu: op("Relu"),
  relu2: ({ one }, [x]) => {
    const positive = one("Relu", [x!]);
    return one("Mul", [positive, positive]);
  },
  gelu: gelu("none", erfGelu),
  gelu_tanh: gelu("tanh", tanhGelu),
  silu: ({ one }, [x]) => one("Mul", [x!, one("Sigmoid", [x!])]),
  softplus: op("Softplus"),
  square: ({ one }, [x]) => one("Mul", [x!, x!]),
  floor: ({ one }, [x], held) => (held === "f32" ? one("Floor", [x!]) : x!),
  not: op("Not"),
  add: op("Add"),
  sub: op("Sub"),
  mul: op("Mul"),
  div: op("Div"),
  mod: modulo,
  pow: op("Pow"),
  min: op("Min"),
  max: op("Max"),
  eq: op("Equal"),
  ne: ({ one }, operands) => one("Not", [one("Equal", operands)]),
  lt: op("Less"),
  le: op("LessOrEqual"),
  gt: op("Greater"),
  ge: op("GreaterOrEqual"),
  and: op("And"),
  or: op("Or"),
  where: op("Where"),
};

const emitterOf =
  <K extends ScalarName>(name: K): OnnxEmitter<K> =>
  (node: NodeOf<K>, exporter) => {
    const operands = Object.values(namedOperands(node)) as readonly Value[];
    const condition = name === "where" ? [exporter.name(operands[0]!)] : [];
    const values = operands.slice(condition.length);
    const held = joined(values);
    return writers[name](
      exporter,
      [...condition, ...values.map((value) => heldName(exporter, value, held))],
      held,
    );
  };

/** A float among whole numbers makes all floats; bools beside numbers are 0 and 1. */
function joined(values: readonly Value[]): Held {
  const all = values.map(({ type }) => heldAs(type.dtype));
  return all.find((held) => held === "f32") ?? all.find((held) => held === "i32") ?? "bool";
}

const heldName = ({ name, cast }: Exporter, value: Value, held: Held): string =>
  heldAs(value.type.dtype) === held ? name(value) : cast(name(value), held);

/** A function of numbers each, whose operands broadcast as ONNX's do. */
export const elementwiseEmitters = Object.fromEntries(
  Object.keys(writers).map((name) => [name, emitterOf(name as ScalarName)]),
) as unknown as { readonly [K in ScalarName]: OnnxEmitter<K> };
