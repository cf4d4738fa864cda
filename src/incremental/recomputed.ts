import type { Graph, Node, Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import { nodeFlops } from "../ir/stats.ts";
import { isScalarName } from "../ops/scalar.ts";
import { evaluateDim, symbolsOf, type Dim } from "../tensor/dim.ts";
import { Network } from "./cut.ts";
import { isCoreNode } from "./facts/along.ts";
import type { Forms } from "./forms.ts";

/** Bytes of a number that is kept. */
const BYTES = 4;

/** What each run makes again, and the operations of that for a position. */
export interface Recomputed {
  readonly values: ReadonlySet<Value>;
  readonly operations: number;
}

/**
 * Of values whose rows of all positions are read, as keys and values are, those that each run makes again from something
 * narrower that is kept in their place: a latent, of which the keys of all heads are made. It is the cheapest cut: a value
 * that is kept costs its bytes a position, one that is made again its operations by `worth`, which are those that a byte
 * is worth.
 */
export function recomputedValues(
  graph: Graph,
  forms: Forms,
  read: ReadonlySet<Value>,
  worth: number,
): Recomputed {
  const network = new Network();
  const [source, sink] = [network.place(), network.place()];
  /** Two places a value: that it is needed, and that it is made again. */
  const places = new Map<Value, { readonly needed: number; readonly again: number; readonly node: Node }>();
  const find = (value: Value): number => {
    const known = places.get(value);
    if (known !== undefined) return known.needed;
    const node = forms.producerOf(value);
    const needed = network.place();
    const again = network.place();
    network.edge(needed, again, rowSize(value.type.shape) * BYTES);
    if (node !== undefined) places.set(value, { needed, again, node });
    // What stays as it is has no other end: inputs, and what is more than one row's.
    network.edge(
      again,
      sink,
      node !== undefined && isByRow(node, forms) ? operationsOf(node) / worth : Infinity,
    );
    return needed;
  };
  for (const value of read) network.edge(source, find(value), Infinity);
  for (const node of graph.nodes.toReversed())
    for (const value of node.results) {
      const place = places.get(value);
      if (place === undefined || !isByRow(node, forms)) continue;
      for (const operand of operandValues(node))
        if (forms.factOf(operand).reach.tokens) network.edge(place.again, find(operand), Infinity);
    }
  const side = network.sideOf(source, sink);
  const found = [...places].filter(([, { again }]) => side.has(again));
  const nodes = new Set(found.map(([, { node }]) => node));
  return {
    values: new Set(found.map(([value]) => value)),
    operations: [...nodes].reduce((sum, node) => sum + operationsOf(node), 0),
  };
}

/** Elements of a row, of one text. */
const rowSize = (shape: readonly Dim[]): number => shape.reduce((size, each) => size * atOne(each), 1);

/** Operations of a position; what moves numbers alone has one for each, so that it is not done for nothing. */
const operationsOf = (node: Node): number =>
  atOne(nodeFlops(node)) + (node.op === "concat" ? rowSize(node.results[0]!.type.shape) : 0);

/** With one of everything that is known only when a model runs. */
const atOne = (size: Dim): number =>
  evaluateDim(size, new Map([...symbolsOf(size)].map((name) => [name, 1] as const)));

/** Whether a row of each result is made of one row of what it reads of the text. */
function isByRow(node: Node, forms: Forms): boolean {
  if (!isCoreNode(node) || !(byRow.has(node.op) || isScalarName(node.op))) return false;
  return [...node.results, ...operandValues(node).filter((value) => forms.factOf(value).reach.tokens)].every(
    (value) => {
      const runs = [...forms.factOf(value).axes.values()];
      return runs.length === 1 && runs[0]!.kind === "rows" && runs[0]!.lead === 0 && runs[0]!.trail === 0;
    },
  );
}

/** Ops that may be; of the others each row is of several, or a state. */
const byRow: ReadonlySet<string> = new Set([
  "reshape",
  "permute",
  "broadcast",
  "slice",
  "concat",
  "cast",
  "linear",
  "embedding",
  "rope",
  "layer_norm",
  "rms_norm",
  "l2_norm",
  "topk",
  "spread",
]);
