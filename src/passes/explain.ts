import type { Edge, EdgeRole, Graph } from "../ir/graph.ts";
import type { Remark } from "./pass.ts";

/** What became of one residual edge. */
export interface EdgeExplanation {
  readonly index: number;
  readonly edge: Edge;
  /** True if the edge's add is part of a kernel that does more. */
  readonly joined: boolean;
  /** The kernels that parts of the edge joined, in the order of the passes. */
  readonly fused: readonly { readonly roles: readonly EdgeRole[]; readonly into: string }[];
  /** What did not fuse, and why, as a word and as a sentence. */
  readonly refused: readonly {
    readonly roles: readonly EdgeRole[];
    readonly reason: string;
    readonly message: string;
  }[];
}

/** The remarks of a compilation, edge by edge: what `lmg edges` prints. Linear in both. */
export function explainEdges(graph: Graph, remarks: readonly Remark[]): readonly EdgeExplanation[] {
  const fused = graph.edges.map(() => new Map<string, EdgeExplanation["fused"][number]>());
  const refused = graph.edges.map(() => new Map<string, EdgeExplanation["refused"][number]>());
  for (const { edges, outcome } of remarks)
    for (const { edge, role } of edges)
      if (outcome.kind === "fused") {
        const { into } = outcome;
        const roles = withRole(fused[edge]!.get(into)?.roles, role);
        fused[edge]!.set(into, { roles, into });
      } else {
        const { reason, message } = outcome;
        const roles = withRole(refused[edge]!.get(message)?.roles, role);
        refused[edge]!.set(message, { roles, reason, message });
      }
  return graph.edges.map((edge, index) => {
    const kernels = [...fused[index]!.values()];
    const joined = kernels.some(({ roles }) => roles.includes("join"));
    return { index, edge, joined, fused: kernels, refused: [...refused[index]!.values()] };
  });
}

const withRole = (roles: readonly EdgeRole[] = [], role: EdgeRole): readonly EdgeRole[] =>
  roles.includes(role) ? roles : [...roles, role];
