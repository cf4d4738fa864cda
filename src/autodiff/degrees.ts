import type { Graph, Node, NodeOf, Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import { hasTrait, type OpName } from "../ops/table.ts";

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

/** Of each result, or of all alike. */
type Rule<K extends OpName> = (node: NodeOf<K>, known: Known) => Degree | readonly Degree[];

/** An op that is not named has a degree only where nothing that it reads has a size. */
function degreeOf<K extends OpName>(node: NodeOf<K> & Node, known: Known): Degree | readonly Degree[] {
  const rule: Rule<K> | undefined = rules[node.op];
  return rule === undefined ? atSameSize(node, known) : rule(node, known);
}

type ReadsX = Pick<NodeOf<"neg">, "operands">;

const asX = ({ operands: { x } }: ReadsX, { degree }: Known): Degree => degree(x);

const power =
  (exponent: number) =>
  (node: ReadsX, known: Known): Degree =>
    times(asX(node, known), exponent);

const asAll = (node: Node, known: Known): Degree => same(operandValues(node), known);

const comparison = (node: Node, known: Known): Degree => (asAll(node, known) === "mixed" ? "mixed" : 0);

const product = (
  { operands: { x, weight, bias } }: Pick<NodeOf<"linear" | "conv2d">, "operands">,
  known: Known,
): Degree => withTerm(plus(known.degree(x), known.degree(weight)), bias, known);

const rowNorm = (node: ReadsX, known: Known): Degree =>
  asX(node, known) === "mixed" && known.of === "value" ? "mixed" : 0;

const rules: { readonly [K in OpName]?: Rule<K> } = {
  reshape: asX,
  broadcast: asX,
  permute: asX,
  cast: asX,
  slice: asX,
  neg: asX,
  abs: asX,
  relu: asX,
  cumsum: asX,
  reduce_sum: asX,
  reduce_mean: asX,
  reduce_max: asX,
  reduce_min: asX,
  max_pool2d: asX,
  dropout: asX,
  rope: (node, known) => (node.operands.positions === undefined ? asX(node, known) : atSameSize(node, known)),
  square: power(2),
  relu2: power(2),
  sqrt: power(1 / 2),
  rsqrt: power(-1 / 2),
  add: asAll,
  sub: asAll,
  max: asAll,
  min: asAll,
  concat: asAll,
  eq: comparison,
  ne: comparison,
  lt: comparison,
  le: comparison,
  gt: comparison,
  ge: comparison,
  where: ({ operands: { condition, x, y } }, known) =>
    known.degree(condition) === 0 ? same([x, y], known) : "mixed",
  mul: ({ operands: { x, y } }, { degree }) => plus(degree(x), degree(y)),
  div: ({ operands: { x, y } }, { degree }) => plus(degree(x), times(degree(y), -1)),
  matmul: ({ operands: { a, b } }, { degree }) => plus(degree(a), degree(b)),
  linear: product,
  conv2d: product,
  routed_linear: ({ operands: { x, weight, chosen } }, { degree }) =>
    degree(chosen) === 0 ? plus(degree(x), degree(weight)) : "mixed",
  take: ({ operands: { x, indices } }, { degree }) => (degree(indices) === 0 ? degree(x) : "mixed"),
  embedding: ({ operands: { ids, table } }, { degree }) => (degree(ids) === 0 ? degree(table) : "mixed"),
  attend: ({ operands: { q, k, v, bias } }, known) => {
    const scores = withTerm(plus(known.degree(q), known.degree(k)), bias, known);
    return scores === 0 ? known.degree(v) : "mixed";
  },
  layer_norm: rowNorm,
  rms_norm: rowNorm,
  l2_norm: rowNorm,
  batch_statistics: (node, known) => {
    const mean = asX(node, known);
    return [mean, times(mean, 2), "mixed", "mixed"];
  },
  batch_norm: ({ operands: { x, mean, variance } }, { of, degree }) => {
    if (of === "size" && degree(variance) !== 0) return 0;
    const own = degree(x);
    const isOwn = own !== "mixed" && degree(mean) === own && degree(variance) === 2 * own;
    return isOwn ? 0 : "mixed";
  },
  residual: ({ operands: { source, branches, source_gain, branch_gain } }, { degree }) => {
    const gained = (value: Value, gain: Value | undefined): Degree =>
      plus(degree(value), gain === undefined ? 0 : degree(gain));
    return agreed([gained(source, source_gain), ...branches.map((value) => gained(value, branch_gain))]);
  },
};

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
