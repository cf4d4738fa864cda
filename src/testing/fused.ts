import type { Graph } from "../ir/graph.ts";
import { explainEdges, type EdgeExplanation } from "../passes/explain.ts";
import type { Remark } from "../passes/pass.ts";
import { listWords } from "../support/text.ts";
import { showDiagnostic, type Diagnostic } from "../support/diagnostic.ts";
import { edge } from "./queries.ts";

/** What `compile` gives, as far as these checks look at it: the graph after the passes, and what the passes said. */
export interface Explained {
  /** Undefined if the model has mistakes: then a check fails with them. */
  readonly graph: Graph | undefined;
  readonly remarks: readonly Remark[];
  readonly diagnostics?: readonly Diagnostic[];
}

/** The graph of a compilation that went well; throws the mistakes of one that did not. */
export function compiledGraph({ graph, diagnostics = [] }: Omit<Explained, "remarks">): Graph {
  if (graph !== undefined) return graph;
  throw new Error(
    ["the model was not compiled", ...diagnostics.map((found) => showDiagnostic(found))].join("\n"),
  );
}

/** What became of one residual edge, by name or number; throws if there is no such edge. */
export function explainEdge(compiled: Explained, name: string | number): EdgeExplanation {
  const graph = compiledGraph(compiled);
  return explainEdges(graph, compiled.remarks)[edge(graph, name).index]!;
}

/** The explanation as text: the edge, what its parts joined, what refused and why. */
export const showExplanation = ({ edge: { name }, fused, refused }: EdgeExplanation): string =>
  [
    name,
    ...fused.map(({ roles, into }) => `  ${listWords(roles)} fused into ${into}`),
    ...refused.map(({ roles, message }) => `  ${listWords(roles)}: ${message}`),
    ...(fused.length + refused.length === 0
      ? ["  no pass looked at it: was the model compiled with fuse: false?"]
      : []),
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
  const graph = compiledGraph(compiled);
  const { index } = edge(graph, name);
  const pass = graph.nodes.some(
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
