import type { Graph } from "../ir/graph.ts";
import { readCall } from "./calls.ts";
import { spanKey } from "./surroundings.ts";

/** The labels and names of all calls of a model: what can be opened. */
export function everyLabel({ nodes }: Pick<Graph, "nodes">): ReadonlySet<string> {
  const spans = new Map(
    nodes.flatMap(({ origin }) => origin.spans.map((span) => [spanKey(span), span] as const)),
  );
  return new Set(
    [...spans.values()]
      .map(readCall)
      .flatMap(({ label, name }) => [label, name])
      .filter((word) => word !== ""),
  );
}
