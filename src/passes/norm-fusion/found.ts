import type { Node } from "../../ir/graph.ts";
import type { Refusal } from "./reasons.ts";

/** What the match of a join gathers on its way. */
export interface Found {
  /** The nodes that the kernel makes unnecessary. */
  readonly absorbed: Node[];
  /** What could not come along. */
  readonly notes: Refusal[];
}
