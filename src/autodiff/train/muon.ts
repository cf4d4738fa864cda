import type { Graph, Node, Parameter, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import { isScalarName } from "../../ops/scalar.ts";
import { hasTrait } from "../../ops/table.ts";
import { constantDim } from "../../tensor/dim.ts";
import type { Backward } from "../backward.ts";
import type { Role } from "./roles.ts";

/** a x + b x³ + c x⁵ takes singular values in (0, 1] near 1 in five steps (Jordan et al. 2024). */
const QUINTIC = { a: 3.4445, b: -4.775, c: 2.0315 };

/** What keeps a gradient of zeros zero. */
const LEAST_NORM = 1e-7;

/**
 * A matrix with the singular vectors of `x` and singular values near 1, by Newton-Schulz steps on the wide side; of a stack of matrices
 * each by itself.
 */
export function orthogonal(b: Backward, x: Value, steps: number): Value {
  const [rows, columns] = x.type.shape.slice(-2).map((size) => constantDim(size)!) as [number, number];
  const tall = rows > columns;
  const isStack = x.type.shape.length > 2;
  const [down, across] = isStack ? ([1, 2] as const) : ([0, 1] as const);
  const turned = isStack ? [0, across, down] : [across, down];
  const flipped = (matrix: Value): Value =>
    tall ? b.emit("permute", { x: matrix }, { axes: turned }) : matrix;
  const squares = b.emit("reduce_sum", { x: b.square(x) }, { axes: [down, across], keep: isStack });
  const norm = b.unary("sqrt", squares);
  let wide = b.div(flipped(x), b.add(norm, LEAST_NORM));
  for (let step = 0; step < steps; step++) {
    const gram = b.emit("matmul", { a: wide, b: wide }, { transpose_b: true });
    const square = b.emit("matmul", { a: gram, b: gram }, {});
    const even = b.add(b.mul(gram, QUINTIC.b), b.mul(square, QUINTIC.c));
    wide = b.add(b.mul(wide, QUINTIC.a), b.emit("matmul", { a: even, b: wide }, {}));
  }
  return flipped(wide);
}

/** The root mean square of an orthogonal matrix is 1 / √max(rows, columns), of AdamW's usual step about 0.2. */
export const matrixScale = (rows: number, columns: number): number =>
  0.2 * Math.sqrt(Math.max(rows, columns));

/**
 * The parameters that Muon makes orthogonal: hidden matrices, which multiply, and stacks of such. What else there is, tables of embeddings and of positions and the
 * last product before a cross entropy keep AdamW, as the authors advise. Linear in the nodes.
 */
export function hiddenMatrices(
  graph: Graph,
  parameters: readonly Parameter[],
  roles: ReadonlyMap<Value, Role>,
): ReadonlySet<Value> {
  const stacks = new Set(
    graph.nodes.flatMap((node) => (node.op === "routed_linear" ? [node.operands.weight] : [])),
  );
  const matrices = new Set(
    parameters
      .map(({ value }) => value)
      .filter(
        (value) => (value.type.shape.length === 2 || stacks.has(value)) && roles.get(value) === "factor",
      ),
  );
  for (const value of [...tablesOf(graph), ...lastFactors(graph)]) matrices.delete(value);
  return matrices;
}

const isProduct = ({ op }: Node): boolean => op === "linear" || op === "matmul";

const tablesOf = ({ nodes }: Graph): readonly Value[] =>
  nodes.flatMap((node) => (node.op === "embedding" ? [node.operands.table] : []));

/** What makes something else of each element or moves it: caps, temperatures, biases and reshapes of logits. */
const isElementwise = ({ op }: Node): boolean => isScalarName(op) || hasTrait(op, "moves");

/** What is multiplied by the last products on the ways to the logits of a cross entropy. */
function lastFactors({ nodes }: Graph): readonly Value[] {
  const logits = new Set<Value>();
  return nodes.toReversed().flatMap((node) => {
    if (node.op === "cross_entropy") logits.add(node.operands.logits);
    if (!node.results.some((value) => logits.has(value))) return [];
    if (isProduct(node)) return operandValues(node);
    if (isElementwise(node)) for (const value of operandValues(node)) logits.add(value);
    return [];
  });
}
