import type { Node, Origin } from "../ir/graph.ts";
import { recordOf } from "../ops/table.ts";

/**
 * What a listing may call result `index` of a node, best first: the layer's label or its name in the model, with the op
 * if another node of the layer has that name, and the part that it plays if the node has several results.
 */
export function namesOf(node: Node, index: number): readonly string[] {
  const own = node.results[index]?.hint;
  const wholes =
    node.origin.label === "" ? [own ?? node.op] : [node.origin.label, `${node.origin.label}.${node.op}`];
  if (index === 0) return wholes;
  const isSum = node.op === "add_norm" && node.attrs.keep_sum && index === node.results.length - 1;
  const part = isSum ? "sum" : (recordOf(node.op).results[index] ?? String(index));
  return wholes.map((whole) => `${whole}.${part}`);
}

/** The origin of a step that the plan adds for an output. */
export const outputOrigin = (name: string): Origin => ({
  spans: [],
  label: name,
  scope: [],
  edges: [],
  fused: [],
});
