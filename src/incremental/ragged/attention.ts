import type { NodeOf, Value } from "../../ir/graph.ts";
import { sameDim } from "../../tensor/dim.ts";
import { Refusal } from "../refusal.ts";
import { again, asNode, hintsOf, masked, refused, type Batch, type BatchRule } from "./batch.ts";

/** The axis of queries or keys, which stands behind the batch, or behind its heads. */
const rowAxis = ({ attrs }: NodeOf<"attend" | "rope">): number => (attrs.layout === "heads_last" ? 1 : 2);

/** What is made of a tensor of heads, which is of the texts of the batch, one each. */
function ofBatch(node: NodeOf<"attend" | "rope">, value: Value, { texts, of }: Batch): Value {
  const made = of(value);
  if (made.isLifted || !sameDim(value.type.shape[0], texts.batch))
    refused(node, "what has no batch in front");
  return made.value;
}

/** Keys before a text are seen by none of its queries. */
export const attend: BatchRule<"attend"> = (node, batch) => {
  const { q, k, v, bias, mask } = node.operands;
  const { texts, factOf } = batch;
  const { window, alibi } = node.attrs;
  // What is added to scores or hides them stretches to [B, H, T, S].
  const scored = (value: Value): Value => texts.placed(batch.of(value), 4, 0);
  const run = factOf(k).axes.get(rowAxis(node));
  if (run?.kind === "merged") throw new Refusal("merged", asNode(node));
  const lead = run?.kind === "rows" ? run.lead : 0;
  // Distances to rows in front would grow with where a text begins.
  if (lead > 0 && (window !== undefined || alibi)) refused(node, "distances to rows in front of the text");
  const [queries, keys, values] = [q, k, v].map((value) => ofBatch(node, value, batch));
  const own = mask && scored(mask);
  const there = run && texts.isThere(lead, 4, 0, 3);
  const operands = {
    q: queries!,
    k: keys!,
    v: values!,
    bias: bias && scored(bias),
    mask: own && there ? texts.emit("and", { x: own, y: there }, {}) : (own ?? there),
  };
  return texts
    .emitAll("attend", operands, node.attrs, hintsOf(node))
    .map((value) => ({ value, isLifted: false }));
};

/** Rows turn by positions that are counted from where their text begins. */
export const rope: BatchRule<"rope"> = (node, batch) => {
  const { x, positions: given } = node.operands;
  const { texts, factOf } = batch;
  const row = rowAxis(node);
  const run = factOf(x).axes.get(row);
  if (run?.kind === "merged") throw new Refusal("merged", asNode(node));
  const made = given && batch.of(given);
  const size = x.type.shape[row]!;
  const positions =
    made === undefined
      ? run && texts.positions(run.kind === "rows" ? run.lead : 0)
      : made.isLifted
        ? texts.reshaped(made.value, [texts.batch, size])
        : made.value;
  const turned = positions === undefined ? batch.of(x).value : ofBatch(node, x, batch);
  return texts
    .emitAll("rope", { x: turned, positions }, node.attrs, hintsOf(node))
    .map((value) => ({ value, isLifted: false }));
};

/** A matrix that begins to fall and to take in where its text begins: what comes before adds nothing. */
export const linearAttend: BatchRule<"linear_attend"> = (node, batch) => {
  const { beta, state } = node.operands;
  const isText = batch.factOf(node.results[0]!).axes.has(2);
  // With a beta of 0 nothing is taken in; without a first state there is nothing that could fall before.
  const silent = [beta === undefined ? "k" : "beta", ...(state === undefined ? [] : ["decay"])];
  return again(
    node,
    (value, name) => {
      const own = isText && silent.includes(name) ? masked(node, value, 2, 0, batch) : batch.of(value);
      return own.isLifted ? refused(node, "its operands") : own.value;
    },
    batch,
  );
};
