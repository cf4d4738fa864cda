import type { Graph, Node, Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import { isScalarName, type ScalarName } from "../ops/scalar.ts";
import { hasTrait, type OpWith } from "../ops/table.ts";
import { constantDim } from "../tensor/dim.ts";
import { broadcastShapes, sameShape, type Shape } from "../tensor/type.ts";

/** The number that all elements of a node's result are, if the graph itself says so. */
export function numberOf(node: Node | undefined): number | undefined {
  if (node?.op === "full") return node.attrs.value;
  if (node?.op === "constant" && node.attrs.values.length === 1) return node.attrs.values[0];
  return undefined;
}

/**
 * The values that are known once the parameters are loaded: those that depend on parameters and constants only. The
 * plan computes them once, so work moved onto them costs nothing in a run.
 */
export function loadTimeValues(graph: Graph): ReadonlySet<Value> {
  const known = new Set<Value>(graph.parameters.map((parameter) => parameter.value));
  for (const node of graph.nodes)
    if (hasConstantTypes(node) && operandValues(node).every((value) => known.has(value)))
      for (const value of node.results) known.add(value);
  return known;
}

/** A result whose size or place waits for the run cannot be computed before it, nor can a size itself. */
const hasConstantTypes = (node: Node): boolean =>
  (node.op !== "extent" || constantDim(node.attrs.size) !== undefined) &&
  (node.op !== "slice" || constantDim(node.attrs.start) !== undefined) &&
  node.results.every((value) => value.type.shape.every((size) => constantDim(size) !== undefined));

/** A node of one scalar function: what chains and epilogues are made of. */
export type ScalarNode = Extract<Node, { readonly op: ScalarName }>;

export const isScalarNode = (node: Node | undefined): node is ScalarNode =>
  node !== undefined && isScalarName(node.op);

/** True if broadcasting `operands` alone gives `shape`: a further operand then stretches nothing. */
export function fillsShape(operands: readonly Value[], shape: Shape): boolean {
  let filled: Shape | undefined = [];
  for (const value of operands) {
    filled = broadcastShapes(filled, value.type.shape);
    if (filled === undefined) return false;
  }
  return sameShape(filled, shape);
}

/** A norm whose statistics are of the row, the last axis. */
export type RowNorm = Extract<Node, { readonly op: OpWith<"row_norm"> }>;

export const isNorm = (node: Node | undefined): node is RowNorm =>
  node !== undefined && hasTrait(node.op, "row_norm");
