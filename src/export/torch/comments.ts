import type { Edge, Graph, Node } from "../../ir/graph.ts";
import { positionAt } from "../../support/source.ts";

/** What stands behind a statement: the edge that it joins, and the line of the model that it comes from. */
export function commentOf(
  node: Node,
  graph: Graph,
): { readonly text: string; readonly line: string | undefined } {
  const line = lineOf(node);
  const join = node.op === "residual" ? graph.edges[node.attrs.edge] : undefined;
  if (join === undefined) return { text: "", line };
  return { text: [edgeText(join), ...(line === undefined ? [] : [line])].join(", "), line };
}

/** `llama.lmg:42`, of the user's own file. */
function lineOf({ origin }: Node): string | undefined {
  const span = origin.spans.at(-1);
  if (span === undefined) return undefined;
  return `${fileName(span.source.name)}:${positionAt(span.source, span.start).line}`;
}

export const fileName = (path: string): string => path.split(/[\\/]/).at(-1)!;

/** `model.layers.* edge 0, pre rmsnorm` */
function edgeText({ name, norms }: Edge): string {
  const where = norms.map(({ position, kind }) => `${position} ${kind}`);
  return [starred(name), ...where].join(", ");
}

/** `h.*.attn` for `h.3.attn`: the numbers of all iterations. */
export const starred = (name: string): string => name.replace(/(^|\.)\d+(?=[. ]|$)/g, "$1*");
