import type { Node, Origin } from "../ir/graph.ts";
import { recordOf } from "../ops/table.ts";

/** What a listing calls result `index` of a node: the layer's label, or its name in the model, or its op. */
export function nameOf(node: Node, index: number): string {
  const own = node.results[index]?.hint;
  const whole = node.origin.label === "" ? undefined : node.origin.label;
  if (node.results.length === 1) return whole ?? own ?? node.op;
  const result = recordOf(node.op).results[index] ?? String(index);
  return own ?? `${whole ?? node.op}.${result.replace("*", "")}`;
}

/** The origin of a step that the plan adds for an output. */
export const outputOrigin = (name: string): Origin => ({
  spans: [],
  label: name,
  scope: [],
  edges: [],
  fused: [],
});
