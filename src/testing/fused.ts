import type { Graph } from "../ir/graph.ts";
import { explainEdges, type EdgeExplanation } from "../passes/explain.ts";
import type { Remark } from "../passes/pass.ts";
import { listWords } from "../support/text.ts";
import { edge } from "./queries.ts";

/** A compilation as far as these checks look at it: its graph after the passes and what the passes said. */
export interface Explained {
  readonly graph: Graph;
  readonly remarks: readonly Remark[];
}

/** What became of one residual edge, by name or number; throws if there is no such edge. */
export function explainEdge(compiled: Explained, name: string | number): EdgeExplanation {
  const { index } = edge(compiled.graph, name);
  return explainEdges(compiled.graph, compiled.remarks)[index]!;
}

/** The explanation as text: the edge, what its parts joined, what refused and why. */
export const showExplanation = ({ edge: { name }, fused, refused }: EdgeExplanation): string =>
  [
    name,
    ...fused.map(({ roles, into }) => `  ${listWords(roles)} fused into ${into}`),
    ...refused.map(({ roles, message }) => `  ${listWords(roles)}: ${message}`),
  ].join("\n");

/** Fails, with what the passes said of the edge, unless its add is part of an `add_norm`. */
export function expectFused(compiled: Explained, name: string | number): void {
  const result = fusedEdge(compiled, name);
  if (!result.pass) throw new Error(result.message());
}

/** What a matcher of vitest or jest returns. */
export interface MatchResult {
  readonly pass: boolean;
  readonly message: () => string;
}

/** Whether the add of an edge is part of an `add_norm`, as a matcher's result. */
export function fusedEdge(compiled: Explained, name: string | number): MatchResult {
  const { index } = edge(compiled.graph, name);
  const pass = compiled.graph.nodes.some(
    (node) =>
      node.op === "add_norm" && node.origin.edges.some((part) => part.edge === index && part.role === "join"),
  );
  const explanation = (): string => showExplanation(explainEdge(compiled, name));
  return {
    pass,
    message: () =>
      `expected the add ${pass ? "not to be" : "to be"} part of an add_norm kernel\n${explanation()}`,
  };
}
