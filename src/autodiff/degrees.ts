import type { Graph, Node, Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import { hasTrait } from "../ops/table.ts";

/**
 * How a value f(s) grows with the value s that it depends on: f(c · s) = c^degree · f(s) for every c > 0. Degree 0 does not
 * see the size of s at all; `mixed` has no degree.
 */
export type Degree = number | "mixed";

/**
 * What is asked for: the degree of the values themselves, or of their size alone. They differ behind a norm, which sets the
 * size of whatever it reads.
 */
export type DegreeOf = "value" | "size";

/** The degrees of everything that depends on `start`, among nodes in an order in which they run. An epsilon counts as 0. */
export function degreesFrom(
  start: Value,
  nodes: readonly Node[],
  zeros: ReadonlySet<Value>,
  of: DegreeOf,
): ReadonlyMap<Value, Degree> {
  const degrees = new Map<Value, Degree>([[start, 1]]);
  const known: Known = {
    of,
    // What does not depend on `start` does not see its size.
    degree: (value) => degrees.get(value) ?? 0,
    isZero: (value) => zeros.has(value),
  };
  for (const node of nodes) {
    if (!operandValues(node).some((value) => degrees.has(value))) continue;
    const degree = degreeOf(node, known);
    node.results.forEach((value, index) =>
      degrees.set(value, typeof degree === "object" ? degree[index]! : degree),
    );
  }
  return degrees;
}

/** Parameters that begin as zeros, constants that are zeros, and what only moves their elements. */
export function zerosOf(graph: Graph): ReadonlySet<Value> {
  const zeros = new Set<Value>();
  for (const { value, init } of graph.parameters)
    if (init.kind === "constant" && init.value === 0) zeros.add(value);
  for (const node of graph.nodes)
    if (
      (node.op === "full" && node.attrs.value === 0) ||
      (hasTrait(node.op, "moves") && operandValues(node).every((value) => zeros.has(value)))
    )
      zeros.add(node.results[0]!);
  return zeros;
}

interface Known {
  readonly of: DegreeOf;
  readonly degree: (value: Value) => Degree;
  readonly isZero: (value: Value) => boolean;
}

/** Of each result, or of all alike. An op that is not named has a degree only where nothing that it reads has a size. */
function degreeOf(node: Node, known: Known): Degree | readonly Degree[] {
  const { degree } = known;
  switch (node.op) {
    case "reshape":
    case "broadcast":
    case "permute":
    case "cast":
    case "slice":
    case "neg":
    case "abs":
    case "relu":
    case "cumsum":
    case "reduce_sum":
    case "reduce_mean":
    case "reduce_max":
    case "reduce_min":
    case "max_pool2d":
    case "dropout":
      return degree(node.operands.x);
    case "rope":
      return node.operands.positions === undefined ? degree(node.operands.x) : atSameSize(node, known);
    case "square":
    case "relu2":
      return times(degree(node.operands.x), 2);
    case "sqrt":
      return times(degree(node.operands.x), 1 / 2);
    case "rsqrt":
      return times(degree(node.operands.x), -1 / 2);
    case "add":
    case "sub":
    case "max":
    case "min":
    case "concat":
      return same(operandValues(node), known);
    case "eq":
    case "ne":
    case "lt":
    case "le":
    case "gt":
    case "ge":
      return same(operandValues(node), known) === "mixed" ? "mixed" : 0;
    case "where":
      return degree(node.operands.condition) === 0
        ? same([node.operands.x, node.operands.y], known)
        : "mixed";
    case "mul":
      return plus(degree(node.operands.x), degree(node.operands.y));
    case "div":
      return plus(degree(node.operands.x), times(degree(node.operands.y), -1));
    case "matmul":
      return plus(degree(node.operands.a), degree(node.operands.b));
    case "linear":
    case "conv2d":
      return withTerm(plus(degree(node.operands.x), degree(node.operands.weight)), node.operands.bias, known);
    case "embedding":
      return degree(node.operands.ids) === 0 ? degree(node.operands.table) : "mixed";
    case "attend": {
      const { q, k, v, bias } = node.operands;
      return withTerm(plus(degree(q), degree(k)), bias, known) === 0 ? degree(v) : "mixed";
    }
    case "layer_norm":
    case "rms_norm":
    case "l2_norm":
      return degree(node.operands.x) === "mixed" && known.of === "value" ? "mixed" : 0;
    case "batch_statistics": {
      const mean = degree(node.operands.x);
      return [mean, times(mean, 2), "mixed", "mixed"];
    }
    case "batch_norm": {
      const { x, mean, variance } = node.operands;
      if (known.of === "size" && degree(variance) !== 0) return 0;
      const own = degree(x);
      const isOwn = own !== "mixed" && degree(mean) === own && degree(variance) === 2 * own;
      return isOwn ? 0 : "mixed";
    }
    case "residual": {
      const { source, branches, source_gain, branch_gain } = node.operands;
      const gained = (value: Value, gain: Value | undefined): Degree =>
        plus(degree(value), gain === undefined ? 0 : degree(gain));
      return agreed([gained(source, source_gain), ...branches.map((value) => gained(value, branch_gain))]);
    }
    default:
      return atSameSize(node, known);
  }
}

/** 0 if nothing that the node reads has a size. */
const atSameSize = (node: Node, { degree }: Known): Degree =>
  operandValues(node).every((value) => degree(value) === 0) ? 0 : "mixed";

const plus = (x: Degree, y: Degree): Degree => (x === "mixed" || y === "mixed" ? "mixed" : x + y);
const times = (x: Degree, factor: number): Degree => (x === "mixed" ? "mixed" : x * factor);

/** Of a sum of values; zeros have every degree. */
const same = (values: readonly Value[], { degree, isZero }: Known): Degree =>
  agreed(values.filter((value) => !isZero(value)).map(degree));

const withTerm = (product: Degree, term: Value | undefined, { degree, isZero }: Known): Degree =>
  term === undefined || isZero(term) ? product : agreed([product, degree(term)]);

const agreed = (degrees: readonly Degree[]): Degree => {
  const [first = 0, ...others] = degrees;
  return others.every((other) => other === first) ? first : "mixed";
};
