import type { Node, Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import { isLoop, type Loop, type LoopClass } from "../ir/roll/rolled.ts";
import type { EdgeSharding } from "./plan.ts";

/**
 * Whether each device can have a part of the positions of what a repeat carries, between its branches (Korthikanti et al. 2022,
 * sequence parallelism): every edge in it is shared out and reads the stream by a norm before the branch, which then is what is
 * gathered, and nothing else reads the stream.
 */
export function sharesPositions(loop: Loop, plans: readonly EdgeSharding[]): boolean {
  const { chain } = loop;
  if (chain?.lanes.length !== 1 || loop.shared) return false;
  const [lane] = chain.lanes;
  return loop.classes.every((body, at) => {
    const carried = body.inputs.filter((_, slot) => "lane" in chain.wiring[at]![slot]!);
    return staysApart(body, carried, body.outputs[lane!.outputs[at]!]!, plans);
  });
}

function staysApart(
  { parts }: LoopClass,
  carried: readonly Value[],
  output: Value,
  plans: readonly EdgeSharding[],
): boolean {
  const apart = new Set(carried);
  const gathered = new Set<Value>();
  for (const node of parts) {
    if (isLoop(node)) return false;
    if (node.op === "residual") {
      if (!joinsParts(node, apart, plans)) return false;
      apart.add(node.results[0]!);
      continue;
    }
    const read = operandValues(node);
    const isInBranch = plans.some(({ branch }) => branch.has(node));
    if (read.some((value) => apart.has(value))) {
      // A norm without a weight is no layer that could gather.
      const isNorm = node.origin.edges.some(({ role }) => role === "pre") && read.length > 1;
      if (!isInBranch || !isNorm) return false;
      gathered.add(node.results[0]!);
    } else if (read.some((value) => gathered.has(value)) && !isInBranch) return false;
  }
  return apart.has(output);
}

/** Its source is a part of the positions, and so is what its branch leaves. */
function joinsParts(
  node: Node & { readonly op: "residual" },
  apart: ReadonlySet<Value>,
  plans: readonly EdgeSharding[],
): boolean {
  const { source, source_gain: sourceGain, branch_gain: branchGain } = node.operands;
  const plan = plans[node.attrs.edge]!;
  return (
    apart.has(source) &&
    sourceGain === undefined &&
    branchGain === undefined &&
    plan.refused === undefined &&
    plan.edge.norms.every(({ position }) => position !== "post")
  );
}
