import type { Graph, Node, NodeOf, Origin, Value } from "../ir/graph.ts";
import { makeNode, onlyResult } from "../ir/node.ts";
import { constantDim } from "../tensor/dim.ts";
import { afterBias } from "./expressions.ts";
import { makeInPlace, mergeOrigins, removeDeadNodes } from "./nodes.ts";
import type { Pass } from "./pass.ts";
import { Uses } from "./uses.ts";

/**
 * linear(x, dequantize(w))  =>  packed_linear(x, w), and the same with an epilogue; linear(round_blocks(x), dequantize(w))
 * =>  packed_linear(x, w) with activations int8. A weight that is several joined by rows is the join of their codes.
 * embedding(dequantize(t), ids)  =>  packed_embedding(t, ids). routed_linear(x, reshape(dequantize(w)), chosen)  =>
 * packed_routed_linear(x, w, chosen).
 */
export const fusePacked: Pass = {
  name: "fuse-packed",
  doc: "reads packed weights where they lie: products and embeddings take codes and scales instead of the whole matrix",
  run: (graph, { target }) => {
    const hasPacked = graph.nodes.some(({ op }) => op === "dequantize");
    return hasPacked ? new Packed(graph, target.limits.extras).run() : graph;
  },
};

type Dequantize = NodeOf<"dequantize">;
type Product = NodeOf<"linear"> | NodeOf<"linear_epilogue">;

/** A matrix that lies in codes. */
interface Matrix {
  readonly operands: Dequantize["operands"];
  readonly attrs: Dequantize["attrs"];
}

class Packed {
  readonly #uses: Uses;
  readonly #graph: Graph;
  readonly #extras: number;
  /** Joins of codes, by the join of matrices in whose place they are. */
  readonly #joined = new Map<Value, { readonly nodes: readonly Node[]; readonly matrix: Matrix }>();

  constructor(graph: Graph, extras: number) {
    this.#graph = graph;
    this.#uses = new Uses(graph);
    this.#extras = extras;
  }

  run(): Graph {
    const nodes = this.#graph.nodes.flatMap((node) => this.#fused(node));
    return removeDeadNodes({ ...this.#graph, nodes });
  }

  #fused(node: Node): readonly Node[] {
    if (node.op === "embedding") return this.#embedding(node);
    if (node.op === "routed_linear") return this.#routed(node);
    return node.op === "linear" || node.op === "linear_epilogue" ? this.#product(node) : [node];
  }

  #embedding(node: NodeOf<"embedding">): readonly Node[] {
    const table = this.#uses.producer(node.operands.table);
    if (table?.op !== "dequantize") return [node];
    const operands = { ...table.operands, ids: node.operands.ids };
    const entries = constantDim(node.operands.table.type.shape[0]!)!;
    const attrs = { ...table.attrs, entries };
    return [makeInPlace("packed_embedding", operands, attrs, node.origin, node.results)];
  }

  #product(node: Product): readonly Node[] {
    if (node.attrs.layout !== "out_in") return [node];
    const found = this.#matrixOf(node.operands.weight);
    const { epilogue, extras } = finished(node);
    // One kernel reads scales and perhaps minimums beside what all others read.
    const room = this.#extras - (found?.matrix.operands.minimums === undefined ? 0 : 1);
    if (found === undefined || extras.length > room) return [node];
    const { x, activations, origin } = this.#rowsOf(node);
    const attrs = { ...found.matrix.attrs, activations, epilogue };
    const operands = { x, ...found.matrix.operands, extras };
    return [...found.nodes, makeInPlace("packed_linear", operands, attrs, origin, node.results)];
  }

  #routed(node: NodeOf<"routed_linear">): readonly Node[] {
    const { weight, chosen } = node.operands;
    const stack = this.#uses.producer(weight);
    const matrix = stack?.op === "reshape" ? this.#uses.producer(stack.operands.x) : undefined;
    if (node.attrs.layout !== "out_in" || matrix?.op !== "dequantize") return [node];
    const { x, activations, origin } = this.#rowsOf(node);
    const experts = constantDim(weight.type.shape[0]!)!;
    const attrs = { ...matrix.attrs, activations, experts };
    const operands = { x, ...matrix.operands, chosen };
    return [makeInPlace("packed_routed_linear", operands, attrs, origin, node.results)];
  }

  /** The rows that a product reads, as they are before they are rounded. */
  #rowsOf(node: Product | NodeOf<"routed_linear">): {
    readonly x: Value;
    readonly activations: "int8" | "f32";
    readonly origin: Origin;
  } {
    const { x } = node.operands;
    const rounded = this.#uses.producer(x);
    if (rounded?.op !== "round_blocks") return { x, activations: "f32", origin: node.origin };
    const origin = { ...node.origin, fused: fusedNames(node) };
    return { x: rounded.operands.x, activations: "int8", origin };
  }

  /** The codes of a weight; the nodes that join them stand where the first reader is. */
  #matrixOf(weight: Value): { readonly nodes: readonly Node[]; readonly matrix: Matrix } | undefined {
    const node = this.#uses.producer(weight);
    if (node?.op === "dequantize") return { nodes: [], matrix: node };
    if (node?.op !== "concat" || node.attrs.axis !== 0) return undefined;
    const known = this.#joined.get(weight);
    if (known !== undefined) return { nodes: [], matrix: known.matrix };
    const parts = node.operands.values.map((value) => this.#uses.producer(value));
    if (!parts.every((part) => part?.op === "dequantize") || !areAlike(parts)) return undefined;
    const made = join(parts, node);
    this.#joined.set(weight, made);
    return made;
  }
}

const fusedNames = (node: Node): readonly string[] =>
  node.origin.fused.length > 0 ? node.origin.fused : [node.op === "routed_linear" ? node.op : "linear"];

function finished(node: Product): Pick<NodeOf<"linear_epilogue">["attrs"], "epilogue"> & {
  readonly extras: readonly Value[];
} {
  if (node.op === "linear_epilogue") return { epilogue: node.attrs.epilogue, extras: node.operands.extras };
  const { bias } = node.operands;
  const product = { steps: [] };
  return bias === undefined
    ? { epilogue: product, extras: [] }
    : { epilogue: afterBias(product), extras: [bias] };
}

/** Codes that may lie in one matrix; of those of 8 bits some may be narrow. */
const areAlike = (parts: readonly Dequantize[]): boolean =>
  new Set(
    parts.map(({ attrs, operands }) => [attrs.bits, attrs.block, operands.minimums !== undefined].join()),
  ).size === 1;

function join(
  parts: readonly Dequantize[],
  whole: NodeOf<"concat">,
): { readonly nodes: readonly Node[]; readonly matrix: Matrix } {
  const origin = mergeOrigins([whole]);
  const joinOf = (values: readonly Value[]): NodeOf<"concat"> =>
    makeNode("concat", { values }, { axis: 0 }, { ...origin, fused: [] });
  const codes = joinOf(parts.map(({ operands }) => operands.codes));
  const scales = joinOf(parts.map(({ operands }) => operands.scales));
  const lowest = parts.flatMap(({ operands }) => operands.minimums ?? []);
  const minimums = lowest.length === 0 ? undefined : joinOf(lowest);
  return {
    nodes: [codes, scales, ...(minimums === undefined ? [] : [minimums])],
    matrix: {
      operands: {
        codes: onlyResult(codes),
        scales: onlyResult(scales),
        minimums: minimums && onlyResult(minimums),
      },
      attrs: { ...parts[0]!.attrs, narrow: parts.every(({ attrs }) => attrs.narrow) },
    },
  };
}
