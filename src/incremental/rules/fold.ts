import type { Node, Value } from "../../ir/graph.ts";
import type { reduceOps } from "../../ops/reduce.ts";
import { dim, subtractDims } from "../../tensor/dim.ts";
import { cornerOf, isHidden } from "../facts/above.ts";
import { axisFromFront } from "../facts/along.ts";
import type { Forms } from "../forms.ts";
import type { Form } from "../letters.ts";
import { Refusal } from "../refusal.ts";
import { again, pointwise, recipe, type NodeOfAny, type Recipe, type Rule } from "./rule.ts";
import { wholeThenCut } from "./whole.ts";

/** Whether a number of later positions has no part in a fold: 0 in a sum, -∞ before a softmax. */
type IsNeutral = (number: number | undefined) => boolean;

const isZero: IsNeutral = (number) => number === 0;

/** Nothing that is hidden: a mean's divisor grows with the text, and no number is above all others. */
const never: IsNeutral = () => false;

/**
 * Throws unless an operand may be folded over the axis `key`, row by row: there is a row, later positions have no part in it,
 * and both axes are those of the text as it is.
 */
export function requireHidden(
  node: Node,
  operand: Value,
  key: number,
  isNeutral: IsNeutral,
  forms: Forms,
): void {
  const fact = forms.factOf(operand);
  const [row, ...more] = [...fact.axes.keys()].filter((axis) => axis !== key);
  if (row === undefined || more.length > 0) throw new Refusal("over_positions", node, "a fold");
  if (!isNeutral(cornerOf(fact, row, key, "above"))) throw new Refusal("unhidden", node);
  for (const axis of fact.axes.keys()) requireText(node, operand, axis, forms);
}

/** Throws unless an axis has the rows of the text, and no others. */
export function requireText(node: Node, value: Value, axis: number, forms: Forms): void {
  const run = forms.runOf(value, axis);
  if (run?.kind !== "rows") throw new Refusal("merged", node);
  if (run.lead !== 0 || run.trail !== 0) throw new Refusal("leads", node);
}

/** Throws if a row sees nothing, not even itself: a softmax spreads it over all keys. */
export function requireSelf(node: Node, scores: Value, key: number, forms: Forms): void {
  const fact = forms.factOf(scores);
  for (const row of fact.axes.keys())
    if (row !== key && isHidden(cornerOf(fact, row, key, "equal"))) throw new Refusal("empty_row", node);
}

type Reduction = NodeOfAny<"reduce_sum" | "reduce_max" | "reduce_mean" | "reduce_min">;

/** A fold over positions takes all so far, if later ones are hidden from each row. */
const reduced =
  (isNeutral: IsNeutral) =>
  (node: Reduction, form: Form, forms: Forms): Recipe => {
    const { x } = node.operands;
    const [key, ...more] = node.attrs.axes.filter((axis) => forms.isText(x, axis));
    if (key === undefined) return pointwise(node, form, forms);
    if (isNeutral === never || more.length > 0) throw new Refusal("over_positions", node, "a fold");
    requireHidden(node, x, key, isNeutral, forms);
    return again(node, { x: forms.along(node, "x", x, form, new Map([[key, "K"]])) });
  };

type OverAxis = NodeOfAny<"topk" | "log_softmax" | "layer_norm" | "rms_norm" | "l2_norm" | "take">;

/** An op over one axis, of which no part can be made alone. */
export const overAxis =
  <N extends OverAxis>(what: string, axisOf: (node: N) => number) =>
  (node: N, form: Form, forms: Forms): Recipe => {
    const { x } = node.operands;
    if (forms.isText(x, axisFromFront(axisOf(node), x.type.shape)))
      throw new Refusal("over_positions", node, what);
    return pointwise(node, form, forms);
  };

export const overLast = (what: string) => overAxis(what, () => -1);

/** Weights of attention that a model writes itself: hidden keys get none. */
const softmax: Rule<"softmax"> = (node, form, forms) => {
  const { x } = node.operands;
  const key = axisFromFront(node.attrs.axis, x.type.shape);
  if (!forms.isText(x, key)) return pointwise(node, form, forms);
  if (form[key] !== "K") throw new Refusal("over_positions", node, "a softmax");
  requireHidden(node, x, key, isHidden, forms);
  requireSelf(node, x, key, forms);
  return pointwise(node, form, forms);
};

/** The sums of a run begin where those of the run before ended. */
const cumsum: Rule<"cumsum"> = (node, form, forms) => {
  const { x } = node.operands;
  const { axis } = node.attrs;
  if (!forms.isText(x, axis)) return pointwise(node, form, forms);
  requireText(node, x, axis, forms);
  if (!forms.factOf(x).reach.tokens) return wholeThenCut(node, form, forms, axis);
  const { added } = forms.sizes;
  return recipe<"cumsum">({ x: forms.along(node, "x", x, form) }, (operands, build) => {
    const type = { ...x.type, shape: operands.x.type.shape.with(axis, dim(1)) };
    let sums: Value | undefined;
    build.keep(node.results[0]!, { kind: "sum", axis }, type, 0, (before) => {
      sums = build.emit("add", { x: build.emit("cumsum", operands, { axis }), y: before }, {});
      return build.emit("slice", { x: sums }, { axis, start: subtractDims(added, dim(1)), size: dim(1) });
    });
    return [sums!];
  });
};

export const reduceRules: { readonly [K in keyof typeof reduceOps]: Rule<K> } = {
  reduce_sum: reduced(isZero),
  reduce_mean: reduced(never),
  reduce_max: reduced(isHidden),
  reduce_min: reduced(never),
  cumsum,
  topk: overLast("a choice"),
  spread: pointwise,
  take: overLast("a choice"),
  softmax,
  log_softmax: overAxis("a softmax", ({ attrs }: NodeOfAny<"log_softmax">) => attrs.axis),
};
