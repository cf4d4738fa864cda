import { Mismatch } from "../ops/define.ts";
import { EvaluationError } from "../ops/evaluate/error.ts";
import { recordOf } from "../ops/table.ts";
import { InternalError, invariant } from "../support/invariant.ts";
import { sizeOf, type HostTensor } from "../tensor/host.ts";
import { tensorType } from "../tensor/type.ts";
import {
  asMap,
  bindInputs,
  bindParameters,
  bindSymbols,
  checkGiven,
  type Symbols,
  type Tensors,
} from "./bind.ts";
import type { Graph, Node, Value } from "./graph.ts";
import { mapOperands, namedOperands } from "./node.ts";
import { boundAttributes, boundTypes, placeOf } from "./sizes.ts";
import { lastReads } from "./walk.ts";

export interface Bindings {
  /** By name; those with a default may be left off. */
  readonly inputs: Tensors;
  /** By full name; others than the graph's are not looked at. */
  readonly parameters: Tensors;
}

/** Sees each node after it ran; `--check-passes` compares by it. */
export type Observe = (node: Node, results: readonly HostTensor[]) => void;

/**
 * Runs a graph at any stage in float64 from the op records: the oracle that passes and back ends are compared with.
 * Returns the outputs by name. A value is dropped after its last reader, so memory stays near what is live.
 *
 * @throws EvaluationError for inputs, parameters or ids that do not fit, with a message for whoever gave them.
 */
export function interpret(
  graph: Graph,
  { inputs, parameters }: Bindings,
  { observe }: { readonly observe?: Observe } = {},
): Record<string, HostTensor> {
  const given = asMap(inputs);
  checkGiven(graph, given);
  const symbols = bindSymbols(graph, given);
  const values = new Map([...bindInputs(graph, given, symbols), ...bindParameters(graph, asMap(parameters))]);
  const last = lastReads(graph);
  const kept = new Set(graph.outputs.map(({ value }) => value));
  for (const [index, node] of graph.nodes.entries()) {
    const operands = mapOperands(namedOperands(node), (value) => valueOf(values, value));
    const results = runNode(node, operands as Record<string, HostTensor>, symbols);
    for (const [result, value] of node.results.entries())
      if (last.has(value) || kept.has(value)) values.set(value, results[result]!);
    observe?.(node, results);
    for (const value of Object.values(namedOperands(node)).flat())
      if (value !== undefined && last.get(value) === index) values.delete(value);
  }
  return Object.fromEntries(graph.outputs.map(({ name, value }) => [name, valueOf(values, value)]));
}

function valueOf(values: ReadonlyMap<Value, HostTensor>, value: Value): HostTensor {
  const tensor = values.get(value);
  invariant(tensor !== undefined, `the value ${value.hint ?? ""} is read before it is made`);
  return tensor;
}

function runNode(node: Node, operands: Record<string, HostTensor>, symbols: Symbols): readonly HostTensor[] {
  const attrs = boundAttributes(node, symbols);
  const types = boundTypes(
    node,
    mapOperands(operands, ({ dtype, shape }) => tensorType(dtype, ...shape)),
    attrs,
  );
  if (types instanceof Mismatch) throw new EvaluationError(`${placeOf(node)}: ${types.message}`);
  const results = evaluate(node, operands, attrs);
  results.forEach((result, index) => {
    const fits = result.data.length === sizeOf(result.shape) && result.dtype === types[index]?.dtype;
    if (!fits) throw new InternalError(`${node.op} evaluates to another type than it infers`);
  });
  return results;
}

function evaluate(node: Node, operands: Record<string, HostTensor>, attrs: never): readonly HostTensor[] {
  try {
    return recordOf(node.op).evaluate(operands as never, attrs);
  } catch (error) {
    if (error instanceof EvaluationError) throw new EvaluationError(`${placeOf(node)}: ${error.message}`);
    throw error;
  }
}
