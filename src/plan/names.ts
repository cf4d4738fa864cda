import type { Node, Origin } from "../ir/graph.ts";
import { recordOf } from "../ops/table.ts";
import type { Step } from "./plan.ts";

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

/** What a step computes, op by op: what passes fused, or the ops of its program, or its op. */
export function stepWords(step: Step): readonly string[] {
  if (step.origin.fused.length > 0) return step.origin.fused;
  if (step.op === "elementwise") return step.attrs.program.steps.map(({ op }) => op);
  if (step.op === "linear_epilogue") return ["linear", ...step.attrs.epilogue.steps.map(({ op }) => op)];
  return [step.op];
}
