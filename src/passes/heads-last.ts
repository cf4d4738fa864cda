import type { Graph, Node, Value } from "../ir/graph.ts";
import { makeNode, onlyResult, operandValues, withOperands } from "../ir/node.ts";
import { replaceValues, resultValues } from "../ir/walk.ts";
import { isNorm, isScalarNode } from "./facts.ts";
import { makeInPlace, removeDeadNodes } from "./nodes.ts";
import type { Pass } from "./pass.ts";

/**
 * attend(permute(q), permute(k), permute(v))  =>  permute(attend(q, k, v) with heads last), for the permute that swaps
 * heads and rows; two of them in a row cancel. On their way down the permutes pass rope, norms over the last axis, and
 * elementwise ops, none of which looks at the order of the two axes.
 */
export const headsLast: Pass = {
  name: "heads-last",
  doc: "lets attention read and write [B, T, H, K] as linears make and read it, instead of copies in another order",
  run: (graph) => new Sinking(graph).run(),
};

/** [B, T, H, K] to [B, H, T, K] and back. */
const swap: readonly number[] = [0, 2, 1, 3];

const isSwap = (node: Node): boolean =>
  node.op === "permute" &&
  node.attrs.axes.length === swap.length &&
  node.attrs.axes.every((axis, index) => axis === swap[index]);

class Sinking {
  readonly #graph: Graph;
  /** Values that are a swap of another one; they are made when something needs them as they are. */
  readonly #swapped = new Map<Value, { readonly base: Value; readonly by: Node }>();
  readonly #made = new Set<Value>();
  readonly #same = new Map<Value, Value>();
  readonly #nodes: Node[] = [];

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  run(): Graph {
    const hasAttention = this.#graph.nodes.some((node) => node.op === "attend");
    if (!hasAttention || !this.#graph.nodes.some(isSwap)) return this.#graph;
    for (const old of this.#graph.nodes)
      this.#visit(withOperands(old, (value) => this.#same.get(value) ?? value));
    const graph = replaceValues(this.#graph, this.#same);
    for (const value of resultValues(graph)) this.#make(value);
    return removeDeadNodes({ ...graph, nodes: this.#nodes });
  }

  #visit(node: Node): void {
    if (isSwap(node)) {
      const [x] = operandValues(node) as [Value];
      const base = this.#swapped.get(x)?.base;
      if (base === undefined) this.#swapped.set(onlyResult(node), { base: x, by: node });
      else this.#same.set(onlyResult(node), base);
      return;
    }
    const sunk = this.#sink(node);
    if (sunk === undefined) {
      for (const value of operandValues(node)) this.#make(value);
      this.#nodes.push(node);
      return;
    }
    this.#nodes.push(sunk);
    this.#swapped.set(onlyResult(node), { base: onlyResult(sunk), by: node });
  }

  /** The node on the values before their swaps; its result is then the one before the swap. */
  #sink(node: Node): Node | undefined {
    const base = (value: Value): Value => this.#swapped.get(value)?.base ?? value;
    if (node.op === "attend") {
      const { q, k, v, bias, mask } = node.operands;
      if (node.attrs.layout === "heads_last" || ![q, k, v].every((value) => this.#swapped.has(value)))
        return undefined;
      for (const value of [bias, mask]) if (value !== undefined) this.#make(value);
      const operands = { q: base(q), k: base(k), v: base(v), bias, mask };
      return makeNode(
        "attend",
        operands,
        { ...node.attrs, layout: "heads_last" },
        node.origin,
        hintsOf(node),
      );
    }
    if (node.op === "rope" && node.attrs.layout === "heads_first" && this.#swapped.has(node.operands.x)) {
      const operands = { ...node.operands, x: base(node.operands.x) };
      return makeNode("rope", operands, { ...node.attrs, layout: "heads_last" }, node.origin, hintsOf(node));
    }
    if (isNorm(node) && this.#swapped.has(node.operands.x)) return remake(node, base);
    return isScalarNode(node) && this.#passesScalar(node) ? remake(node, base) : undefined;
  }

  /** Every operand is swapped, or does not reach up to the swapped axes. */
  #passesScalar(node: Node): boolean {
    const operands = operandValues(node);
    return (
      operands.some((value) => this.#swapped.has(value)) &&
      operands.every((value) => this.#swapped.has(value) || value.type.shape.length <= 1)
    );
  }

  /** Makes a swapped value after all, for a reader that needs its axes where they were. */
  #make(value: Value): void {
    const found = this.#swapped.get(value);
    if (found === undefined || this.#made.has(value)) return;
    this.#made.add(value);
    this.#nodes.push(makeInPlace("permute", { x: found.base }, { axes: swap }, found.by.origin, [value]));
  }
}

/** The same op on other operands. */
const remake = (node: Node, change: (value: Value) => Value): Node => {
  const changed = withOperands(node, change);
  return makeNode(node.op, changed.operands, changed.attrs, node.origin, hintsOf(node)) as Node;
};

/** The value before the swap is called what the one after it was. */
const hintsOf = (node: Node): string[] => [onlyResult(node).hint ?? ""].filter((hint) => hint !== "");
