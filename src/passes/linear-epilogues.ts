import type { Graph, Node, NodeOf, Value } from "../ir/graph.ts";
import type { Limits } from "../kernels/target.ts";
import { constantDim, sameDim } from "../tensor/dim.ts";
import { sameShape, sameType, type TensorType } from "../tensor/type.ts";
import { isScalarNode, type ScalarNode } from "./facts.ts";
import { makeInPlace, mergeOrigins, removeDeadNodes } from "./nodes.ts";
import type { Pass, PassContext, Report } from "./pass.ts";
import { afterBias, makeExpression, stepOperands, type Step } from "./expressions.ts";
import { Uses } from "./uses.ts";

/**
 * f(linear(x, w, b), y)  =>  linear_epilogue(x, w, [b, y]) with the epilogue add(i0, i1); f(t0, i2).
 *
 * Residual adds that a norm reads are gone by now: add_norm takes gains, out-norms and several branches along, and both
 * make as many steps. Where a plain pre-norm edge has one branch that ends in a linear, an epilogue would move one row
 * less (r in, r' out and in again, y out, against f out and in, r in, r' and y out): 799 against 817 MB for GPT-2 on 256
 * tokens, weights included. For post-norm and sandwich edges (BERT, Gemma 2) both move the same.
 */
export const linearEpilogues: Pass = {
  name: "linear-epilogues",
  doc: "applies bias, activations, gains, products and residual adds to a linear's result before it is stored",
  run: (graph, context) => new Epilogues(graph, context).run(),
};

class Epilogues {
  readonly #graph: Graph;
  readonly #report: Report;
  readonly #limits: Limits;
  readonly #uses: Uses;
  /** Nodes that a kernel has taken over. */
  readonly #taken = new Set<Node>();
  /** The kernel in the place of a chain's last node. */
  readonly #kernels = new Map<Node, Node>();

  constructor(graph: Graph, { report, target }: PassContext) {
    this.#graph = graph;
    this.#report = report;
    this.#limits = target.limits;
    this.#uses = new Uses(graph);
  }

  run(): Graph {
    // Backwards: in silu(gate) · up the later linear takes the product, and the earlier one its activation.
    for (const node of this.#graph.nodes.toReversed()) if (node.op === "linear") this.#fuse(node);
    if (this.#kernels.size === 0) return this.#graph;
    const nodes = this.#graph.nodes.flatMap(
      (node) => this.#kernels.get(node) ?? (this.#taken.has(node) ? [] : [node]),
    );
    return removeDeadNodes({ ...this.#graph, nodes });
  }

  #fuse(linear: NodeOf<"linear">): void {
    const chain = this.#growChain(linear);
    const last = chain.at(-1);
    if (last === undefined) return;
    for (const { node } of chain) this.#taken.add(node);
    this.#taken.add(linear);
    const kernel = makeKernel(linear, chain, last.node.results);
    this.#kernels.set(last.node, kernel);
    const { origin } = kernel;
    if (origin.edges.length === 0) return;
    this.#report({
      pass: linearEpilogues.name,
      origin,
      edges: origin.edges,
      outcome: { kind: "fused", into: `linear_epilogue (${origin.fused.join(", ")})` },
    });
  }

  /** The elementwise nodes, each the only reader of the one before, that can follow the product in registers. */
  #growChain(linear: NodeOf<"linear">): Step[] {
    const product = linear.results[0]!;
    const extras = new Set<Value>(linear.operands.bias === undefined ? [] : [linear.operands.bias]);
    const chain: Step[] = [];
    for (let value = product; ;) {
      const node = this.#uses.soleReader(value);
      if (!isScalarNode(node) || this.#taken.has(node)) return chain;
      const operands = stepOperands(node, this.#uses);
      if (!mayFollow(node, operands, value, product.type)) return chain;
      for (const operand of operands)
        if (typeof operand !== "number" && operand !== value) extras.add(operand);
      if (extras.size > this.#limits.extras) return chain;
      chain.push({ node, operands });
      value = node.results[0]!;
    }
  }
}

const mayFollow = (
  node: ScalarNode,
  operands: Step["operands"],
  value: Value,
  product: TensorType,
): boolean =>
  sameType(node.results[0]!.type, product) &&
  operands.every((operand) => typeof operand === "number" || operand === value || isExtra(operand, product));

const isExtra = ({ type: { dtype, shape } }: Value, product: TensorType): boolean =>
  (dtype === product.dtype || dtype === "bool") &&
  (shape.length === 0 ||
    sameShape(shape, product.shape) ||
    (shape.length === 1 && (constantDim(shape[0]!) === 1 || sameDim(shape[0], product.shape.at(-1)))));

function makeKernel(linear: NodeOf<"linear">, chain: readonly Step[], results: readonly Value[]): Node {
  const { x, weight, bias } = linear.operands;
  const product = linear.results[0]!;
  const { expression, inputs } = makeExpression(chain, [product, ...(bias === undefined ? [] : [bias])]);
  const epilogue = bias === undefined ? expression : afterBias(expression);
  const origin = mergeOrigins([linear, ...chain.map(({ node }) => node)]);
  const attrs = { layout: linear.attrs.layout, epilogue };
  return makeInPlace("linear_epilogue", { x, weight, extras: inputs.slice(1) }, attrs, origin, results);
}
