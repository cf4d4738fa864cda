import type { Node } from "../../ir/graph.ts";
import type { Refusal } from "./reasons.ts";

/** What the match of a join may take, and what it gathers on its way. */
export interface Found {
  /** How many branches the target's kernel adds. */
  readonly mostBranches: number;
  /** The nodes that the kernel makes unnecessary. */
  readonly absorbed: Node[];
  /** What could not come along. */
  readonly notes: Refusal[];
}
