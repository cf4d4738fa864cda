import { canonicalize } from "../../passes/canonicalize.ts";
import { deadCode } from "../../passes/dead-code.ts";
import { runPasses } from "../../passes/pipeline.ts";
import { shareNodes } from "../../passes/share.ts";
import type { Graph } from "../../ir/graph.ts";
import type { ConvertedGraph } from "./graph.ts";
import { rewrite } from "./rewrite.ts";
import { activationRules } from "./rules/activations.ts";
import { attentionRules } from "./rules/attention.ts";
import { linearRules } from "./rules/linear.ts";
import { normRules } from "./rules/norms.ts";
import { placeRules } from "./rules/places.ts";
import { ropeRules } from "./rules/rope.ts";

/** What is small before what is made of it: a mask is known for what it is before attention reads it. */
const phases = [
  [...placeRules, ...activationRules, ...normRules, ...linearRules],
  [...ropeRules, ...attentionRules, ...linearRules],
];

/** More rounds than any model needs: each makes the graph smaller, or is the last. */
const MAX_ROUNDS = 12;

/** One form for what means the same: before rules look at a graph, and to compare two. */
export const simplified = (graph: Graph): Graph =>
  runPasses(graph, { passes: [canonicalize, shareNodes, canonicalize, deadCode] });

/** A graph of core ops with the nodes that several were in their place: linears, norms, activations, attention, rotary positions. */
export function recognize(converted: ConvertedGraph): ConvertedGraph {
  let graph = simplified(converted.graph);
  for (const rules of phases)
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const next = rewrite({ ...converted, graph }, rules);
      if (next === graph) break;
      graph = simplified(next);
    }
  return { ...converted, graph };
}
