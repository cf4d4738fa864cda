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
  bindStates,
  bindSymbols,
  checkGiven,
  type Symbols,
  type Tensors,
} from "./bind.ts";
import type { Graph, Node, Value } from "./graph.ts";
import { mapOperands, namedOperands } from "./node.ts";
import { boundAttributes, boundTypes, placeOf } from "./sizes.ts";
import { lastReads, resultValues } from "./walk.ts";

export interface Bindings {
  /** By name; those with a default may be left off. */
  readonly inputs: Tensors;
  /** By full name; others than the graph's are not looked at. */
  readonly parameters: Tensors;
  /** By name, as the run finds them; all of the graph's. */
  readonly states?: Tensors;
  /** The run-time dims that no input need say. */
  readonly dims?: Readonly<Record<string, number>>;
}

/** What a run gives and what it leaves, by name. */
export interface RunResults {
  readonly outputs: Record<string, HostTensor>;
  readonly states: Record<string, HostTensor>;
}

/** Sees each node after it ran; `--check-passes` compares by it. */
export type Observe = (node: Node, results: readonly HostTensor[]) => void;

/** The outputs, by name, of a run whose states nobody asks for. */
export const interpret = (
  graph: Graph,
  bindings: Bindings,
  options: { readonly observe?: Observe } = {},
): Record<string, HostTensor> => interpretRun(graph, bindings, options).outputs;

/**
 * Runs a graph at any stage in float64 from the op records: the oracle that passes and back ends are compared with. A
 * value is dropped after its last reader, so memory stays near what is live. States that are given stay as they are.
 *
 * @throws EvaluationError for inputs, parameters, states or ids that do not fit, with a message for whoever gave them.
 */
export function interpretRun(
  graph: Graph,
  { inputs, parameters, states = {}, dims = {} }: Bindings,
  { observe }: { readonly observe?: Observe } = {},
): RunResults {
  const given = asMap(inputs);
  checkGiven(graph, given);
  const symbols = bindSymbols(graph, given, dims);
  const values = new Map([
    ...bindInputs(graph, given, symbols),
    ...bindParameters(graph, asMap(parameters)),
    ...bindStates(graph, asMap(states), symbols),
  ]);
  const last = lastReads(graph);
  const kept = resultValues(graph);
  for (const [index, node] of graph.nodes.entries()) {
    const operands = mapOperands(namedOperands(node), (value) => valueOf(values, value));
    const results = runNode(node, operands as Record<string, HostTensor>, symbols);
    for (const [result, value] of node.results.entries())
      if (last.has(value) || kept.has(value)) values.set(value, results[result]!);
    observe?.(node, results);
    for (const value of Object.values(namedOperands(node)).flat())
      if (value !== undefined && last.get(value) === index) values.delete(value);
  }
  return {
    outputs: Object.fromEntries(graph.outputs.map(({ name, value }) => [name, valueOf(values, value)])),
    states: Object.fromEntries(graph.states.map(({ name, next }) => [name, valueOf(values, next)])),
  };
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
