import { scalarFunctions, type ScalarFunction, type ScalarName } from "../../ops/scalar.ts";
import { defineLayer, word, type AnyLayerRecord } from "./define.ts";

/** `not`, `and` and `or` are words of the language; `gelu_tanh`, `max` and `min` are reached through other layers. */
const left: ReadonlySet<string> = new Set(["not", "and", "or", "gelu", "gelu_tanh", "max", "min", "where"]);

const functionLayer = (name: ScalarName, scalar: ScalarFunction): AnyLayerRecord =>
  defineLayer({
    doc: `${scalar.doc}, element by element`,
    operands: ["x", "y"].slice(0, scalar.arity),
    parameters: {},
    owns: [],
    build: (site, [x, y]) => site.emit(name, { x: x!, ...(y === undefined ? {} : { y }) }, {}),
  });

const plainFunctions = Object.fromEntries(
  Object.entries(scalarFunctions)
    .filter(([name]) => !left.has(name))
    .map(([name, scalar]) => [name, functionLayer(name as ScalarName, scalar)]),
);

/** Every scalar function as a layer; those of two operands take a tuple. */
export const elementwiseLayers: Readonly<Record<string, AnyLayerRecord>> = {
  ...plainFunctions,
  gelu: defineLayer({
    doc: "x · Φ(x) (Hendrycks and Gimpel 2016); approx: tanh is GPT-2's 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))",
    operands: ["x"],
    parameters: { approx: word(["none", "tanh"], "none") },
    owns: [],
    build: (site, [x], { approx }) => site.emit(approx === "tanh" ? "gelu_tanh" : "gelu", { x: x! }, {}),
  }),
  where: defineLayer({
    doc: "y where the condition is true, else z, element by element",
    operands: ["condition", "y", "z"],
    parameters: {},
    owns: [],
    build: (site, [condition, y, z]) => site.emit("where", { condition: condition!, x: y!, y: z! }, {}),
  }),
};
