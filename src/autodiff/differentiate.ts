import { noOrigin, type Graph, type Node, type Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import type { CoreOp } from "../ops/table.ts";
import { stageOf } from "../ops/table.ts";
import { lowerEdges } from "../passes/lower-edges.ts";
import { invariant } from "../support/invariant.ts";
import type { Diagnostic } from "../support/diagnostic.ts";
import { isFloat } from "../tensor/dtype.ts";
import { Backward } from "./backward.ts";
import { sumCotangents } from "./cotangents.ts";
import { vjpRules } from "./rules/table.ts";
import type { Cotangent, NoGradient, Vjp } from "./vjp.ts";

export interface Differentiation {
  /** The graph with its residual edges lowered, followed by the nodes that make the gradients. Outputs are as before. */
  readonly graph: Graph;
  /** The gradient for each value that was asked for, in that order: zeros if the loss does not depend on it. */
  readonly gradients: ReadonlyMap<Value, Value>;
  /**
   * The gradient of the loss with respect to any value on the way from a parameter to the loss, for probes: that of the
   * stream after an edge is the gradient of the result of its join.
   */
  readonly cotangents: ReadonlyMap<Value, Value>;
  /** Ops that cannot be differentiated as they are used; the gradients then lack their part. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reverse-mode differentiation: the gradients of the sum of `losses`, scalars, with respect to `wrt`. The cotangents of
 * a value are added in the order in which its readers come, last first. Nodes of a gradient keep the origin of the node
 * that they belong to, and so its part in a residual edge. Linear in the nodes.
 */
export function differentiate(
  source: Graph,
  losses: readonly Value[],
  wrt: readonly Value[],
): Differentiation {
  const graph = lowerEdges.run(source, () => undefined);
  const backward = new Backward(dependents(graph, wrt));
  const pending = new Map<Value, Cotangent[]>();
  const cotangents = new Map<Value, Value>();
  const give = (value: Value, cotangent: Cotangent): void => {
    const given = pending.get(value);
    if (given === undefined) pending.set(value, [cotangent]);
    else given.push(cotangent);
  };
  const take = (value: Value): Value | undefined => {
    const given = pending.get(value);
    if (given === undefined) return undefined;
    pending.delete(value);
    const sum = sumCotangents(given, value, backward);
    cotangents.set(value, sum);
    return sum;
  };
  for (const loss of losses) {
    invariant(loss.type.shape.length === 0, "a loss is a scalar");
    give(loss, backward.full(loss.type.dtype, [], 1));
  }
  for (const node of graph.nodes.toReversed()) pullBack(node, backward, take, give);
  backward.origin = noOrigin;
  const gradients = new Map(
    wrt.map((value) => [
      value,
      take(value) ?? cotangents.get(value) ?? backward.full(value.type.dtype, value.type.shape, 0),
    ]),
  );
  return {
    graph: { ...graph, nodes: [...graph.nodes, ...backward.nodes] },
    gradients,
    cotangents,
    diagnostics: backward.problems,
  };
}

/** The floats that depend on `wrt` by ops through which gradients flow. */
function dependents(graph: Graph, wrt: readonly Value[]): ReadonlySet<Value> {
  const found = new Set(wrt);
  for (const node of graph.nodes)
    if (!("none" in ruleOf(node)) && operandValues(node).some((value) => found.has(value)))
      for (const value of node.results) if (isFloat(value.type.dtype)) found.add(value);
  return found;
}

function ruleOf(node: Node): Vjp<CoreOp> | NoGradient {
  invariant(
    stageOf(node.op) === "core",
    `${node.op} is no op of the language: differentiation comes before fusion`,
  );
  return vjpRules[node.op as CoreOp] as Vjp<CoreOp> | NoGradient;
}

/** Gives the operands of a node their cotangents, by those of its results. */
function pullBack(
  node: Node,
  backward: Backward,
  take: (value: Value) => Value | undefined,
  give: (value: Value, cotangent: Cotangent) => void,
): void {
  const rule = ruleOf(node);
  if ("none" in rule || !node.results.some((value) => backward.wants(value))) return;
  backward.origin = { ...node.origin, fused: [] };
  const grads = node.results.map(take);
  if (grads.every((grad) => grad === undefined)) return;
  const given = rule(node as never, grads, backward) as Readonly<
    Record<string, Cotangent | undefined | readonly (Cotangent | undefined)[]>
  >;
  for (const [name, operand] of Object.entries(
    node.operands as Record<string, Value | readonly Value[] | undefined>,
  )) {
    const values = asList(operand);
    const cotangents = asList(given[name]);
    for (const [index, value] of values.entries()) {
      const cotangent = cotangents[index];
      if (value !== undefined && cotangent !== undefined && backward.wants(value)) give(value, cotangent);
    }
  }
}

/** One operand or many, as a list. */
const asList = <T>(operand: T | readonly T[]): readonly T[] =>
  Array.isArray(operand) ? (operand as readonly T[]) : [operand as T];
