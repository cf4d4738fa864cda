import type { Graph, NodeOf, Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import { resultValues, usersOf } from "../ir/walk.ts";
import { degreesFrom, zerosOf, type Degree } from "./degrees.ts";

/** How something depends on a value: not at all, on all but its size, in proportion to it, or in another way. */
export type Dependence = "none" | "scale_free" | "proportional" | "other";

/** What the graph says of an edge y = post(skip · s + branch · f(s)) that its measures do not. */
export interface EdgeForm {
  /** True if s is the y of the edge before: nothing stands between them. */
  readonly follows: boolean;
  /** How f depends on s. */
  readonly branch: Dependence;
  /** How the size of f depends on s: a norm at the end of f sets it, whatever f is. */
  readonly branchSize: Dependence;
  /** How y depends on the sum: a norm is scale-free, a `dyt` in its place is not; without any, proportional. */
  readonly post: Dependence;
  /** True if something else than this edge reads s. */
  readonly isReadElsewhere: boolean;
}

/** The forms of edges, of which `results` says what each ends with. Linear in the nodes that stand inside edges. */
export function edgeForms(
  graph: Graph,
  joins: readonly NodeOf<"residual">[],
  results: ReadonlyMap<number, Value>,
): readonly EdgeForm[] {
  const positions = new Map(graph.nodes.map((node, index) => [node, index]));
  const makers = new Map(
    graph.nodes.flatMap((node, index) => node.results.map((value) => [value, index] as const)),
  );
  const zeros = zerosOf(graph);
  const users = usersOf(graph);
  const outputs = resultValues(graph);
  let previous: Value | undefined;
  return joins.map((join): EdgeForm => {
    const { source, branches } = join.operands;
    const [sum] = join.results;
    const result = results.get(join.attrs.edge)!;
    const at = positions.get(join)!;
    const inside = graph.nodes.slice((makers.get(source) ?? -1) + 1, at);
    const values = degreesFrom(source, inside, zeros, "value");
    const sizes = degreesFrom(source, inside, zeros, "size");
    const after = graph.nodes.slice(at + 1, (makers.get(result) ?? at) + 1);
    const follows = source === previous;
    previous = result;
    // Nodes of the branch, found from its end.
    const branch = new Set<Value>();
    const visit = (value: Value): void => {
      if (branch.has(value) || !values.has(value)) return;
      branch.add(value);
    };
    branches.forEach(visit);
    for (const node of inside.toReversed())
      if (node.results.some((value) => branch.has(value))) operandValues(node).forEach(visit);
    const isReadElsewhere =
      outputs.has(source) ||
      (users.get(source) ?? []).some(
        (node) => node !== join && !node.results.some((value) => branch.has(value)),
      );
    return {
      follows,
      branch: dependence(branches.map((value) => values.get(value))),
      branchSize: dependence(branches.map((value) => sizes.get(value))),
      post:
        result === sum ? "proportional" : dependence([degreesFrom(sum!, after, zeros, "value").get(result)]),
      isReadElsewhere,
    };
  });
}

/** Of the sum of several. */
function dependence(degrees: readonly (Degree | undefined)[]): Dependence {
  const known = degrees.filter((degree) => degree !== undefined);
  if (known.length === 0) return "none";
  if (known.every((degree) => degree === 0)) return "scale_free";
  return known.length === degrees.length && known.every((degree) => degree === 1) ? "proportional" : "other";
}
