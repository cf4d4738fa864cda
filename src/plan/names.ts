import type { Node, Origin } from "../ir/graph.ts";
import { recordOf } from "../ops/table.ts";

/** What a listing calls result `index` of a node: the layer's label, or its name in the model, or its op. */
export function nameOf(node: Node, index: number): string {
  const own = node.results[index]?.hint;
  const whole = node.origin.label === "" ? (own ?? node.op) : node.origin.label;
  if (index === 0) return whole;
  if (node.op === "add_norm" && node.attrs.keep_sum && index === node.results.length - 1)
    return `${whole}.sum`;
  return own ?? `${whole}.${recordOf(node.op).results[index] ?? String(index)}`;
}

/** The origin of a step that the plan adds for an output. */
export const outputOrigin = (name: string): Origin => ({
  spans: [],
  label: name,
  scope: [],
  edges: [],
  fused: [],
});
