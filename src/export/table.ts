import type { Node, NodeOf } from "../ir/graph.ts";
import type { CoreOp } from "../ops/table.ts";

/** Why a model cannot be written for another engine; each with a sentence for its user. */
export const refusalReasons = {
  op: "the engine has no form for it",
  dtype: "the engine does not compute with such numbers",
  attribute: "the engine's form of it has no such setting",
  shape: "the engine has no shape like it",
  name: "the engine keeps this name for itself",
  loss: "its loss is no sum of means and sums over the rows of a batch, which is all that processes can add up",
  optimizer: "the engine has no such optimizer",
  cache: "it cannot be read a few positions at a time with a cache that the caller keeps",
  stack:
    "the engine takes one stack of layers over the tokens of a text, and a head that reads what it ends with",
} as const;

export type RefusalReason = keyof typeof refusalReasons;

/** What is refused: the reason, what it is of, and more for a person. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly detail: string;
  /** The node that cannot be written, if it is one. */
  readonly node?: Node;
}

/** Ends an export from wherever the misfit is seen; whoever began it gives its refusal back as a value. */
export class Refused extends Error {
  readonly refusal: Refusal;

  constructor(reason: RefusalReason, detail: string, node?: Node) {
    super(`${detail}: ${refusalReasons[reason]}`);
    this.refusal = { reason, detail, ...(node && { node }) };
  }
}

/** The ops of a graph as it was lowered: those of the language, and its residual edges. */
export type ExportedOp = CoreOp | "residual";

/**
 * How an engine writes each op: exhaustive, so that the type checker names the engines which a new op is missing in. What an
 * engine has no form for is a row too, `refuse(…)`.
 */
export type ExportTable<Site, Written> = {
  readonly [K in ExportedOp]: (node: NodeOf<K>, site: Site) => Written;
};

/** The row of an op that an engine has no form for. */
export const refuse =
  (reason: RefusalReason, detail: string) =>
  (node: Node): never => {
    throw new Refused(reason, detail, node);
  };

/** Writes one node by its row. */
export function writeNode<Site, Written>(table: ExportTable<Site, Written>, node: Node, site: Site): Written {
  if (!Object.hasOwn(table, node.op)) throw new Refused("op", node.op, node);
  return (table[node.op as ExportedOp] as (node: Node, site: Site) => Written)(node, site);
}

/** Ops that move, pick and sum elements: a table of an engine has them in one file. */
export type ShapeOp =
  | "constant"
  | "full"
  | "iota"
  | "relative_bucket"
  | "reshape"
  | "permute"
  | "broadcast"
  | "slice"
  | "concat"
  | "cast"
  | "reduce_sum"
  | "reduce_mean"
  | "reduce_max"
  | "reduce_min"
  | "cumsum"
  | "topk"
  | "spread"
  | "take"
  | "softmax"
  | "log_softmax";
