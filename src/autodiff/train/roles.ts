import type { Graph, Node, Parameter, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import { isScalarName } from "../../ops/scalar.ts";
import { hasTrait } from "../../ops/table.ts";
import { constantDim, productOfDims, sameDim } from "../../tensor/dim.ts";
import { reachedFrom } from "../checkpoints.ts";

/**
 * What a parameter is to the values that meet it: a factor of products (matrices, kernels of convolutions), a table whose
 * rows are looked up, a gain or a bias that meets them element by element or stands in a norm. Else `other`: tokens that
 * are joined to a sequence, learned queries.
 */
export type Role = "factor" | "table" | "gain or bias" | "other";

/** Of several uses the first counts. */
const order: readonly Role[] = ["factor", "table", "gain or bias", "other"];

/**
 * The role of each parameter, by how it is used, whatever its shape is and whoever owns it. What is made of parameters
 * alone stands for those that give it its elements: a weight that is normed, masked, or cut in parts. Linear in the nodes.
 */
export function rolesOf(graph: Graph, parameters: readonly Parameter[]): ReadonlyMap<Value, Role> {
  const fed = reachedFrom(
    graph,
    graph.inputs.map(({ value }) => value),
  );
  const standsFor = new Map<Value, readonly Value[]>(parameters.map(({ value }) => [value, [value]]));
  const roles = new Map<Value, Role>(parameters.map(({ value }) => [value, "other"]));
  const use = (value: Value, role: Role): void => {
    for (const parameter of standsFor.get(value) ?? [])
      if (order.indexOf(role) < order.indexOf(roles.get(parameter)!)) roles.set(parameter, role);
  };
  for (const node of graph.nodes) {
    for (const [value, role] of usesIn(node)) use(value, role);
    const [result] = node.results;
    if (result === undefined || fed.has(result)) {
      if (isScalarName(node.op)) for (const value of operandValues(node)) use(value, "gain or bias");
      continue;
    }
    if (isScalarName(node.op))
      for (const value of operandValues(node)) if (!isAsLarge(value, result)) use(value, "gain or bias");
    stand(node, standsFor);
  }
  return roles;
}

/** The operands whose part the op itself says. */
function usesIn(node: Node): readonly (readonly [Value, Role])[] {
  switch (node.op) {
    case "linear":
    case "conv2d": {
      const { weight, bias } = node.operands;
      return [[weight, "factor"], ...(bias === undefined ? [] : [[bias, "gain or bias"] as const])];
    }
    case "routed_linear":
      return [[node.operands.weight, "factor"]];
    case "matmul":
      return operandValues(node).map((value) => [value, "factor"]);
    case "embedding":
      return [[node.operands.table, "table"]];
    case "slice":
      // The rows for as many positions as there are now.
      return constantDim(node.attrs.size) === undefined ? [[node.operands.x, "table"]] : [];
    case "layer_norm":
    case "rms_norm":
    case "batch_norm": {
      const { weight, bias } = node.operands;
      return [weight, bias].flatMap((value) =>
        value === undefined ? [] : [[value, "gain or bias"] as const],
      );
    }
    case "attend":
      return node.operands.bias === undefined ? [] : [[node.operands.bias, "gain or bias"]];
    default:
      return [];
  }
}

const isAsLarge = (value: Value, result: Value): boolean =>
  sameDim(productOfDims(value.type.shape), productOfDims(result.type.shape));

/** The results of a node stand for the parameters that give them their elements. */
function stand(node: Node, standsFor: Map<Value, readonly Value[]>): void {
  const operands = hasTrait(node.op, "moves")
    ? operandValues(node)
    : operandValues(node).filter((value) => node.results.some((result) => isAsLarge(value, result)));
  const found = [...new Set(operands.flatMap((value) => standsFor.get(value) ?? []))];
  if (found.length > 0) for (const result of node.results) standsFor.set(result, found);
}
