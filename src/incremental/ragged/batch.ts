import type { Node, NodeOf, Value } from "../../ir/graph.ts";
import { mapOperands, namedOperands } from "../../ir/node.ts";
import type { CoreOp } from "../../ops/table.ts";
import type { Fact } from "../facts/fact.ts";
import { Refusal } from "../refusal.ts";
import type { Fronts } from "./fronts.ts";
import type { Made, Texts } from "./texts.ts";

/** What rules know of the values of a model, and what is made of them. */
export interface Batch {
  readonly texts: Texts;
  readonly factOf: (value: Value) => Fact;
  /** What is made of an operand; itself if it is alike for all texts. */
  readonly of: (value: Value) => Made;
  /** What is known of rows in front of a text. */
  readonly fronts: Fronts;
}

/** The results of a node where each text begins at a place of its own. */
export type BatchRule<K extends CoreOp> = (node: NodeOf<K>, batch: Batch) => readonly Made[];

export const asNode = (node: NodeOf<CoreOp>): Node => node as Node;

export const hintsOf = ({ results }: Pick<Node, "results">): string[] => {
  const hints = results.flatMap(({ hint }) => hint ?? []);
  return hints.length === results.length ? hints : [];
};

/** Throws a refusal that is the node's. */
export const refused = (node: NodeOf<CoreOp>, what: string): never => {
  throw new Refusal("begins", asNode(node), what);
};

/** A value whose rows before its text are a number: they have no part in what folds them, or shifts them. */
export function masked(node: NodeOf<CoreOp>, value: Value, axis: number, number: number, batch: Batch): Made {
  const { texts, factOf, of } = batch;
  const run = factOf(value).axes.get(axis);
  if (run?.kind !== "rows") throw new Refusal("merged", asNode(node));
  const made = of(value);
  requireBatch(node, value, made.isLifted, batch);
  return texts.masked(made, axis, run.lead, number);
}

/** Throws if tokens reach a value in which the texts of the batch have no axis of their own. */
export function requireBatch(
  node: NodeOf<CoreOp>,
  value: Value,
  isLifted: boolean,
  { texts, factOf }: Batch,
): void {
  if (!isLifted && factOf(value).reach.tokens && texts.batchAxis(value.type.shape) === undefined)
    throw new Refusal("merged", asNode(node));
}

/** The same op on what is made of its operands, with other attributes. */
export function again<K extends CoreOp>(
  node: NodeOf<K>,
  change: (value: Value, name: string) => Value,
  { texts }: Batch,
  attrs: object = {},
  isLifted = false,
): readonly Made[] {
  const operands = Object.fromEntries(
    Object.entries(namedOperands(asNode(node))).map(([name, operand]) => [
      name,
      mapOperands({ operand }, (value) => change(value, name))["operand"],
    ]),
  );
  const hints = hintsOf(node);
  const results = texts.emitAll(node.op, operands as never, { ...node.attrs, ...attrs }, hints);
  return results.map((value) => ({ value, isLifted }));
}
