import type { Graph, Node, NodeOf, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import { constantDim } from "../../tensor/dim.ts";
import type { WrittenArray } from "./site.ts";

/** Self-attention from the products of q, k and v to the last one, which is one layer of Keras. */
export interface WholeAttention {
  /** What it reads. */
  readonly x: Value;
  readonly heads: number;
  readonly width: number;
  readonly causal: boolean;
  /** The products of q, k, v and the last one. */
  readonly products: readonly NodeOf<"linear">[];
}

/** Attention of a graph by the product that ends it, and the nodes that it is made of. */
export interface Attentions {
  readonly byEnd: ReadonlyMap<Node, WholeAttention>;
  readonly inside: ReadonlySet<Node>;
}

/** Finds what MultiHeadAttention computes: as many heads of keys as of queries, scores by 1 / √K, nothing added or hidden but the future. */
export function findAttentions(graph: Graph): Attentions {
  const producers = new Map(
    graph.nodes.flatMap((node) => node.results.map((value) => [value, node] as const)),
  );
  const readers = new Map<Value, Node[]>();
  for (const node of graph.nodes)
    for (const value of operandValues(node)) readers.set(value, [...(readers.get(value) ?? []), node]);
  const only = (value: Value): Node | undefined => {
    const found = readers.get(value) ?? [];
    return found.length === 1 && !graph.outputs.some((output) => output.value === value)
      ? found[0]
      : undefined;
  };
  const byEnd = new Map<Node, WholeAttention>();
  const inside = new Set<Node>();
  for (const node of graph.nodes) {
    if (node.op !== "attend") continue;
    const found = attentionAt(node, producers, only);
    if (found === undefined) continue;
    byEnd.set(found.whole.products[3]!, found.whole);
    for (const each of found.inside) inside.add(each);
  }
  return { byEnd, inside };
}

const turns = (node: Node | undefined): node is NodeOf<"permute"> =>
  node?.op === "permute" && node.attrs.axes.join() === "0,2,1,3";

function attentionAt(
  node: NodeOf<"attend">,
  producers: ReadonlyMap<Value, Node>,
  only: (value: Value) => Node | undefined,
): { readonly whole: WholeAttention; readonly inside: readonly Node[] } | undefined {
  const { q, k, v, bias, mask } = node.operands;
  const { causal, window, softcap, scale, alibi, layout } = node.attrs;
  const [, heads, , width] = q.type.shape.map(constantDim);
  if (
    heads === undefined ||
    width === undefined ||
    layout !== "heads_first" ||
    bias !== undefined ||
    mask !== undefined
  )
    return undefined;
  if (window !== undefined || softcap !== 0 || alibi || Math.abs(scale * Math.sqrt(width) - 1) > 1e-12)
    return undefined;
  const inside: Node[] = [node];
  const products = [q, k, v].map((value) => {
    if (constantDim(value.type.shape[1]!) !== heads || only(value) !== node) return undefined;
    const turned = producers.get(value);
    const cut = turns(turned) ? producers.get(turned.operands.x) : undefined;
    const product = cut?.op === "reshape" ? producers.get(cut.operands.x) : undefined;
    if (product?.op !== "linear" || only(product.results[0]!) !== cut || only(cut!.results[0]!) !== turned)
      return undefined;
    inside.push(turned!, cut!, product);
    return product;
  });
  const turned = only(node.results[0]!);
  const merged = turns(turned) ? only(turned.results[0]!) : undefined;
  const last = merged?.op === "reshape" ? only(merged.results[0]!) : undefined;
  if (
    last?.op !== "linear" ||
    last.operands.x !== merged!.results[0] ||
    !products.every((each) => each !== undefined)
  )
    return undefined;
  const [{ operands }] = products as [NodeOf<"linear">];
  const all = [...products, last];
  const alike = all.every((each) => (each.operands.bias === undefined) === (operands.bias === undefined));
  if (!alike || products.some((each) => each.operands.x !== operands.x)) return undefined;
  inside.push(turned!, merged!);
  return { whole: { x: operands.x, heads, width, causal, products: all }, inside };
}

/** The arrays of the layer's parts: [D, H, K] of q, k and v, [H, K, D] of the last product. */
export function partsOf(
  { heads, width, products }: WholeAttention,
  arrays: (product: NodeOf<"linear">) => readonly WrittenArray[],
): Readonly<Record<string, readonly WrittenArray[]>> {
  const names = ["query_dense", "key_dense", "value_dense", "output_dense"];
  return Object.fromEntries(
    products.map((product, index) => {
      const [kernel, ...bias] = arrays(product) as readonly [WrittenArray, ...WrittenArray[]];
      const isLast = index === 3;
      const [rows = 0, columns = 0] = kernel.shape;
      const shape = isLast ? [heads, width, columns] : [rows, heads, width];
      return [
        names[index]!,
        [
          { shape, data: kernel.data },
          ...bias.map(({ data }) => ({ shape: isLast ? [columns] : [heads, width], data })),
        ],
      ];
    }),
  );
}
