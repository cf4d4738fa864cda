import type { Edge, Graph, Iteration, Node, NodeOf, Origin } from "../ir/graph.ts";
import type { Span } from "../support/source.ts";

/** A residual edge and the node that adds its branches. */
export interface KnownEdge {
  readonly index: number;
  readonly edge: Edge;
  readonly join: NodeOf<"residual">;
}

/** What a node lies in: an edge, or an iteration of a repeat. */
export type Step =
  | { readonly kind: "edge"; readonly known: KnownEdge }
  | { readonly kind: "iteration"; readonly iteration: Iteration };

/** A text that is equal for the same piece of the same source. */
export const spanKey = ({ source, start, end }: Span): string => `${source.name}:${start}-${end}`;

export const covers = (outer: Span, inner: Span): boolean =>
  outer.source === inner.source && outer.start <= inner.start && inner.end <= outer.end;

/** Repeats in the library are inside of a box. */
export const userScope = (scope: readonly Iteration[]): readonly Iteration[] =>
  scope.filter(({ library }) => library !== true);

/** The spans of a node outside of the `at`-th, as a text: which call of a block it is in. */
const callsAround = (spans: readonly Span[], at: number): string =>
  spans
    .slice(at + 1)
    .map(spanKey)
    .join("<");

const scopeKey = (scope: readonly Iteration[]): string =>
  scope.map(({ label, index }) => `${label}[${index}]`).join("/");

/**
 * Which edges and iterations lie around each node of a graph, by the text that made it: a node is in the branch of an edge
 * where one of its spans lies in the edge's, in the same iterations, before the edge's add.
 */
export class Surroundings {
  /** How many iterations lie around each call: a repeat inside of it is inside of its box. */
  readonly #depths = new Map<string, number>();
  readonly #byScope = new Map<string, (KnownEdge & { readonly at: number; readonly calls: string })[]>();
  /** Calls of blocks that hold an edge. */
  readonly #open = new Set<string>();

  constructor({ nodes, edges }: Pick<Graph, "nodes" | "edges">) {
    for (const [at, node] of nodes.entries()) {
      if (node.op !== "residual") continue;
      const { edge: index } = node.attrs;
      const edge = edges[index]!;
      const calls = callsAround(node.origin.spans, 0);
      for (const span of node.origin.spans.slice(1)) this.#open.add(spanKey(span));
      const key = scopeKey(userScope(edge.scope));
      this.#byScope.set(key, [...(this.#byScope.get(key) ?? []), { index, edge, join: node, at, calls }]);
    }
    for (const [at, node] of nodes.entries()) {
      const scope = userScope(node.origin.scope);
      const key = this.#callKey(node, this.#stepsTo(node, at, scope));
      this.#depths.set(key, Math.min(this.#depths.get(key) ?? Infinity, scope.length));
    }
  }

  /** What lies around the node that is `at` this place of the graph, outermost first. */
  wayOf(node: Node, at: number): readonly Step[] {
    const scope = userScope(node.origin.scope);
    const steps = this.#stepsTo(node, at, scope);
    const depth = this.#depths.get(this.#callKey(node, steps))!;
    return depth === scope.length ? steps : this.#stepsTo(node, at, scope.slice(0, depth));
  }

  #callKey({ origin }: Node, steps: readonly Step[]): string {
    const edge = steps.findLast((step) => step.kind === "edge")?.known;
    const [call] = this.callsOf(origin, edge?.edge);
    return `${edge?.index ?? ""} ${call === undefined ? "" : spanKey(call)}`;
  }

  #stepsTo(node: Node, at: number, scope: readonly Iteration[]): readonly Step[] {
    return Array.from({ length: scope.length + 1 }, (_, depth): readonly Step[] => {
      const edges = this.#edgesAround(node, at, scopeKey(scope.slice(0, depth)));
      const iteration = scope[depth];
      return [
        ...edges.map((known) => ({ kind: "edge" as const, known })),
        ...(iteration === undefined ? [] : [{ kind: "iteration" as const, iteration }]),
      ];
    }).flat();
  }

  /** Of one text the next edge that is added: a block that is called twice has two. */
  #edgesAround({ origin }: Node, at: number, scope: string): readonly KnownEdge[] {
    const found = new Map<string, { readonly known: KnownEdge; readonly depth: number }>();
    const own = new Set(origin.edges.map(({ edge }) => edge));
    for (const known of this.#byScope.get(scope) ?? []) {
      const depth = own.has(known.index) ? 0 : known.at < at ? undefined : depthIn(origin, known);
      if (depth === undefined) continue;
      const key = known.edge.span === undefined ? String(known.index) : spanKey(known.edge.span);
      if (!found.has(key)) found.set(key, { known, depth });
    }
    return [...found.values()]
      .toSorted((a, b) => b.depth - a.depth || sizeOf(b.known) - sizeOf(a.known))
      .map(({ known }) => known);
  }

  /** The calls that made a node, outermost first: inside the innermost edge around it, and in no block that is open anyway. */
  callsOf({ spans }: Origin, edge: Edge | undefined): readonly Span[] {
    const within = edge?.span;
    const outermost =
      within === undefined
        ? spans.length - 1
        : spans.findLastIndex((span) => covers(within, span) && !same(within, span));
    const calls = (outermost < 0 ? spans : spans.slice(0, outermost + 1)).toReversed();
    const closed = calls.findIndex((span) => !this.#open.has(spanKey(span)));
    return closed <= 0 ? calls : calls.slice(closed);
  }
}

const same = (a: Span, b: Span): boolean => a.start === b.start && a.end === b.end;

const sizeOf = ({ edge: { span } }: KnownEdge): number => (span === undefined ? 0 : span.end - span.start);

/** How far out the span lies that is in the edge; undefined if none is. */
function depthIn(
  { spans }: Origin,
  { edge, calls }: KnownEdge & { readonly calls: string },
): number | undefined {
  const within = edge.span;
  if (within === undefined) return undefined;
  const depth = spans.findLastIndex((span) => covers(within, span));
  return depth >= 0 && callsAround(spans, depth) === calls ? depth : undefined;
}
