import type { Node, Value } from "../../ir/graph.ts";

/** What a rule may ask of the graph around a node. */
export interface Facts {
  readonly producer: (value: Value) => Node | undefined;
  /** True for what depends on parameters and constants only. */
  readonly isLoadTime: (value: Value) => boolean;
}

/**
 * A rewrite of one node: a node that makes the same values in a simpler way, or an older value that its one result
 * equals, bit for bit. Undefined if the rule does not apply.
 */
export type Rule = (node: Node, facts: Facts) => Node | Value | undefined;
