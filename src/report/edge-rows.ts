import type { EdgeNorm, EdgeRole } from "../ir/graph.ts";
import { lineOf, namesOf } from "../passes/describe-edges.ts";
import type { EdgeExplanation } from "../passes/explain.ts";
import type { EdgeRow } from "./edges.ts";
import { listWords } from "../support/text.ts";
import { foldRows } from "./folding.ts";

/** What became of each edge, as texts; the edges of a repeat that tell the same are one row unless `all` are wanted. */
export function edgeRows(edges: readonly EdgeExplanation[], { all = false } = {}): readonly EdgeRow[] {
  const rows = edges.map((explained) => ({ row: rowOf(explained), scope: explained.edge.scope }));
  return all
    ? rows.map(({ row }) => ({ ...row, repeats: "" }))
    : foldRows(rows).map(({ row, repeats }) => ({ ...row, repeats }));
}

function rowOf({ edge, fused, refused }: EdgeExplanation): Omit<EdgeRow, "repeats"> {
  const positions = edge.norms.map(({ position }) => position);
  const gains = [edge.skip && `skip ${edge.skip.text}`, edge.branch && `branch ${edge.branch.text}`];
  return {
    line: String(lineOf(edge) ?? ""),
    name: edge.name,
    source: edge.source,
    branch: edge.branches.length === 0 ? "the stream" : edge.branches.join(" + "),
    placement: positions.length === 0 ? "no norm" : positions.join(" and "),
    norms: edge.norms.map(normText).join(", "),
    gains: gains.filter((gain) => gain !== undefined).join(", "),
    fused: fused.map(({ roles, into }) => `${listWords(namesOf(roles))} fused into ${into}`).join("\n"),
    refused: refused
      .map(({ roles, message }) => `${listWords(namesOf(roles))} ${missed(roles)}: ${message}`)
      .join("\n"),
  };
}

const normText = ({ position, kind, label, gain }: EdgeNorm): string =>
  `${`${position} ${kind} ${label}`.trim()}${gain === undefined ? "" : ` × ${gain.text}`}`;

/** What an add looks for is a norm, what a norm looks for is an add; either may still be in a kernel of another kind. */
const missed = (roles: readonly EdgeRole[]): string =>
  roles.every((role) => role === "pre" || role === "out" || role === "post")
    ? "not fused with an add"
    : "not fused with a norm";
