import type { lossOps } from "../../ops/loss.ts";
import type { normOps } from "../../ops/norm.ts";
import { scalarFunctions, type ScalarName } from "../../ops/scalar.ts";
import type { CoreOp } from "../../ops/table.ts";
import type { trainingOps } from "../../ops/training.ts";
import type { CoreNode } from "../facts/along.ts";
import type { Forms } from "../forms.ts";
import type { Form } from "../letters.ts";
import { Refusal } from "../refusal.ts";
import { overLast, reduceRules } from "./fold.ts";
import { linearRules } from "./linear.ts";
import { pointwise, type NodeOfAny, type Recipe, type Rule } from "./rule.ts";
import { createRules, shapeRules } from "./shape.ts";

const scalarRules = Object.fromEntries(Object.keys(scalarFunctions).map((name) => [name, pointwise])) as {
  readonly [K in ScalarName]: typeof pointwise;
};

const batchNorm: Rule<"batch_norm"> = (node, form, forms) => {
  if (forms.isText(node.operands.x, node.attrs.axis)) throw new Refusal("weight", node);
  return pointwise(node, form, forms);
};

const normRules: { readonly [K in Extract<keyof typeof normOps, CoreOp>]: Rule<K> } = {
  layer_norm: overLast("a norm"),
  rms_norm: overLast("a norm"),
  l2_norm: overLast("a norm"),
  batch_norm: batchNorm,
};

type Loss = NodeOfAny<keyof typeof lossOps>;

/** A mean over all rows is one of rows of positions, or of none. */
const loss = (node: Loss, form: Form, forms: Forms): Recipe => {
  const { length } = forms.factOf(node.results[0]!).reach;
  if (length) throw new Refusal("over_positions", node, "a mean");
  return pointwise(node, form, forms);
};

const lossRules: { readonly [K in keyof typeof lossOps]: Rule<K> } = {
  cross_entropy: loss,
  mean_squared_error: loss,
  accuracy: loss,
};

const trainingRules: { readonly [K in keyof typeof trainingOps]: Rule<K> } = {
  dropout: (node, form, forms) => {
    if (node.operands.key !== undefined) throw new Refusal("training", node);
    return pointwise(node, form, forms);
  },
  batch_statistics: (node) => {
    throw new Refusal("training", node);
  },
};

/** What every op of the language does with a form: an op without an entry is a type error here. */
const rules: { readonly [K in CoreOp]: Rule<K> } = {
  ...createRules,
  ...shapeRules,
  ...scalarRules,
  ...reduceRules,
  ...linearRules,
  ...normRules,
  ...lossRules,
  ...trainingRules,
};

/** How a node's results are made in a form. */
export const ruleOf = (node: CoreNode): ((form: Form, forms: Forms) => Recipe) => {
  const rule = rules[node.op] as (node: CoreNode, form: Form, forms: Forms) => Recipe;
  return (form, forms) => rule(node, form, forms);
};
