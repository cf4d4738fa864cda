import type { Graph, Value } from "../../ir/graph.ts";
import { namedOperands } from "../../ir/node.ts";
import { hasTrait, recordOf } from "../../ops/table.ts";
import { lowerEdges } from "../../passes/lower-edges.ts";
import { runPasses } from "../../passes/pipeline.ts";
import { showType } from "../../tensor/type.ts";
import type { StoredTensor } from "../../checkpoint/stored.ts";
import { constantDim } from "../../tensor/dim.ts";
import { invariant } from "../../support/invariant.ts";
import type { ImportedOnnx } from "./import.ts";
import { recognize } from "./recognize.ts";

/** What parameters and inputs of a graph go by where it is compared with another. */
type NameOf = (value: Value) => string | undefined;

/**
 * Holds the graph that a text was lowered to against the model that it was written of: every parameter has its tensor, of its
 * shape, no tensor is left over, and each output is computed by the same nodes. Anything else is a bug of the import.
 */
export function checkImported({ graph, names, parameterNames, tensors }: ImportedOnnx, written: Graph): void {
  for (const { name, value } of written.parameters) {
    const shape = tensors.get(name)?.shape;
    const isSame =
      shape?.length === value.type.shape.length &&
      value.type.shape.every((size, axis) => constantDim(size) === shape[axis]);
    invariant(isSame, `the tensor of ${name} is not ${showType(value.type)}`);
  }
  invariant(
    written.parameters.length === tensors.size,
    "a tensor of the model is in no parameter of the text",
  );
  const called = new Map([
    ...graph.inputs.map(({ name, value }) => [value, names.get(name)] as const),
    ...parameterNames,
  ]);
  const other = differingOutputs(graph, (value) => called.get(value), written);
  invariant(other.length === 0, `the text computes ${other.join(", ")} otherwise than the model`);
}

/**
 * The outputs of a graph that are not computed as those of another: from the same parameters by the same nodes, in one form.
 */
function differingOutputs(given: Graph, nameInGiven: NameOf, written: Graph): readonly string[] {
  const known = new Map<string, number>();
  const inWritten = new Map(
    [...written.inputs, ...written.parameters].map(({ name, value }) => [value, name] as const),
  );
  const [a, b] = [
    numbered(given, nameInGiven, known),
    numbered(plain(written), (value) => inWritten.get(value), known),
  ];
  return written.outputs.flatMap(({ name }, index) => (a[index] === b[index] ? [] : [name]));
}

/** The graph of a text as an imported one is: without edges, what several nodes compute in one. */
const plain = (graph: Graph): Graph =>
  recognize({ graph: runPasses(graph, { passes: [lowerEdges] }), tensors: new Map<string, StoredTensor>() })
    .graph;

/** A number for each output, the same for what is computed alike. */
function numbered(graph: Graph, nameOf: NameOf, known: Map<string, number>): readonly number[] {
  const numbers = new Map<Value, number>();
  const numberOf = (key: string): number => {
    const number = known.get(key) ?? known.size;
    known.set(key, number);
    return number;
  };
  for (const { value } of [...graph.inputs, ...graph.parameters])
    numbers.set(value, numberOf(`${nameOf(value) ?? ""}: ${showType(value.type)}`));
  for (const node of graph.nodes) {
    const operands = namedOperands(node);
    const slots = Object.keys(recordOf(node.op).operands).map((name) => {
      const operand = operands[name];
      if (operand === undefined) return "-";
      return Array.isArray(operand)
        ? (operand as readonly Value[]).map((value) => numbers.get(value))
        : numbers.get(operand as Value);
    });
    if (hasTrait(node.op, "commutative")) slots.sort((x, y) => Number(x) - Number(y));
    const key = JSON.stringify([node.op, slots, node.attrs], exact);
    node.results.forEach((value, index) =>
      numbers.set(value, numberOf(`${key} ${index}: ${showType(value.type)}`)),
    );
  }
  return graph.outputs.map(({ value }) => numbers.get(value)!);
}

/** Numbers to the last digit that float32 has, in which both are computed. */
const exact = (_name: string, value: unknown): unknown =>
  typeof value === "number" && !Number.isSafeInteger(value) ? String(Math.fround(value)) : value;
