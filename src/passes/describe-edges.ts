import type { Edge, EdgeRole } from "../ir/graph.ts";
import { positionAt } from "../support/source.ts";
import type { EdgeExplanation } from "./explain.ts";

/** How the parts of an edge are called in print. */
const partNames: { readonly [R in EdgeRole]: string } = {
  join: "add",
  pre: "pre norm",
  out: "out norm",
  post: "post norm",
  skip: "skip gain",
  branch: "branch gain",
};

/** The parts of an edge as they are printed. */
export const namesOf = (roles: readonly EdgeRole[]): string[] => roles.map((role) => partNames[role]);

/** The line of the model where an edge stands. */
export const lineOf = ({ span }: Edge): number | null =>
  span === undefined ? null : positionAt(span.source, span.start).line;

/** What became of an edge as plain data: every member is there. */
export interface EdgeDescription {
  /** In the file of the model. */
  readonly line: number | null;
  readonly name: string;
  readonly source: string;
  readonly branches: Edge["branches"];
  readonly norms: Edge["norms"];
  readonly skip: Edge["skip"] | null;
  readonly branch: Edge["branch"] | null;
  readonly fused: readonly { readonly parts: readonly string[]; readonly into: string }[];
  readonly refused: readonly { readonly parts: readonly string[]; readonly because: string }[];
}

/** The edges of a model as `lmg edges --json` has them. */
export const describeEdges = (edges: readonly EdgeExplanation[]): readonly EdgeDescription[] =>
  edges.map(({ edge, fused, refused }) => ({
    line: lineOf(edge),
    name: edge.name,
    source: edge.source,
    branches: edge.branches,
    norms: edge.norms,
    skip: edge.skip ?? null,
    branch: edge.branch ?? null,
    fused: fused.map(({ roles, into }) => ({ parts: namesOf(roles), into })),
    refused: refused.map(({ roles, message }) => ({ parts: namesOf(roles), because: message })),
  }));
