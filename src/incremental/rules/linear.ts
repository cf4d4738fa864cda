import type { NodeOf, Value } from "../../ir/graph.ts";
import { readsLength } from "../../ops/evaluate/rope.ts";
import type { linearOps } from "../../ops/linear.ts";
import type { CoreOp, OperandsOf } from "../../ops/table.ts";
import { cornerOf } from "../facts/above.ts";
import { kernelOf, type Need } from "../forms.ts";
import { Refusal } from "../refusal.ts";
import { attend } from "./attend.ts";
import { requireHidden, requireText } from "./fold.ts";
import { again, needsAlong, pointwise, recipe, type Rule } from "./rule.ts";
import { wholeThenCut } from "./whole.ts";

/** The axes of the operands that a product folds. */
const innerAxes = ({ operands: { a, b }, attrs }: NodeOf<"matmul">): readonly [number, number] => [
  a.type.shape.length - 1,
  b.type.shape.length - (attrs.transpose_b ? 1 : 2),
];

/** A fold over positions takes all so far of both sides, if one of them hides later ones from each of its rows. */
const matmul: Rule<"matmul"> = (node, form, forms) => {
  const { a, b } = node.operands;
  const [innerA, innerB] = innerAxes(node);
  if (!forms.isText(a, innerA)) return pointwise(node, form, forms);
  const sides = [
    { name: "a", value: a, key: innerA },
    { name: "b", value: b, key: innerB },
  ];
  const hides = sides.find(({ value, key }) =>
    [...forms.factOf(value).axes.keys()].some(
      (row) => row !== key && cornerOf(forms.factOf(value), row, key, "above") === 0,
    ),
  );
  const hiding = hides ?? sides[0]!;
  requireHidden(node, hiding.value, hiding.key, (number) => number === 0, forms);
  for (const { value, key } of sides) requireText(node, value, key, forms);
  const [needA, needB] = sides.map(({ name, value, key }) =>
    forms.along(node, name, value, form, new Map([[key, "K"]])),
  );
  return again(node, { a: needA, b: needB });
};

const linear: Rule<"linear"> = (node, form, forms) => {
  const { x } = node.operands;
  if (forms.isText(x, x.type.shape.length - 1)) throw new Refusal("weight", node);
  return pointwise(node, form, forms);
};

const routedLinear: Rule<"routed_linear"> = (node, form, forms) => {
  const { x, weight } = node.operands;
  const isWeight = weight.type.shape.some((_, axis) => forms.isText(weight, axis));
  if (isWeight || forms.isText(x, x.type.shape.length - 1)) throw new Refusal("weight", node);
  return pointwise(node, form, forms);
};

/** Rows turn by their positions; those of a scaling that follows the length of the text must not change as it grows. */
const rope: Rule<"rope"> = (node, form, forms) => {
  const { x, positions } = node.operands;
  const row = node.attrs.layout === "heads_first" ? 2 : 1;
  const run = forms.runOf(x, row);
  const { limit } = forms.options;
  if (run === undefined) return pointwise(node, form, forms);
  if (run.kind !== "rows") throw new Refusal("merged", node);
  if (readsLength(node.attrs) && (limit === undefined || limit + run.lead > node.attrs.original))
    throw new Refusal("length_scaling", node, node.attrs.scaling);
  if (positions !== undefined) return pointwise(node, form, forms);
  const letter = form[row]!;
  return recipe<"rope">({ x: forms.along(node, "x", x, form), positions: undefined }, (operands, build) =>
    build.emitAll(
      "rope",
      { ...operands, positions: build.positions(letter, run.lead) },
      node.attrs,
      hintOf(node),
    ),
  );
};

const hintOf = ({ results }: NodeOf<CoreOp>): string[] => results.flatMap(({ hint }) => hint ?? []);

/** A causal convolution reads the k - 1 rows before the new ones: zeros at first, its padding. */
const conv2d: Rule<"conv2d"> = (node, form, forms) => {
  const { x, weight, bias } = node.operands;
  if (forms.isText(x, 1)) throw new Refusal("weight", node);
  const [axis, ...more] = [2, 3].filter((each) => forms.isText(x, each));
  if (axis === undefined) return pointwise(node, form, forms);
  if (more.length > 0 || node.attrs.stride[axis - 2] !== 1) throw new Refusal("steps", node);
  if (!forms.factOf(node.results[0]!).reach.tokens) return wholeThenCut(node, form, forms, axis);
  const padding = node.attrs.padding[axis - 2]!;
  const before = kernelOf(node, axis) - 1;
  // Rows in front that the padding is more than would be zeros, which go in no kernel with the text.
  if (padding !== 0 && padding !== before) throw new Refusal("later_rows", node);
  const attrs = { ...node.attrs, padding: node.attrs.padding.with(axis - 2, 0) };
  const tail = padding === 0 ? undefined : forms.tails.claim(x, axis, 0, before);
  const needs = {
    x: forms.along(node, "x", x, form),
    weight: forms.asIs(weight),
    bias: bias && forms.asIs(bias),
  };
  return recipe<"conv2d">(needs, (operands, build) => {
    const rows = tail === undefined ? operands.x : build.withTail(tail, operands.x, before);
    return build.emitAll("conv2d", { ...operands, x: rows }, attrs, hintOf(node));
  });
};

/** The matrices after a run are those before the next. */
const linearAttend: Rule<"linear_attend"> = (node, form, forms) => {
  const { q, v, state } = node.operands;
  const axes = [...forms.factOf(v).axes.keys(), ...forms.factOf(q).axes.keys()];
  if (axes.length === 0) return again(node, needsAlong(node, form, forms));
  if (axes.some((axis) => axis !== 2)) throw new Refusal("mixed", node);
  requireText(node, node.results[0]!, 2, forms);
  if (form[2] === undefined) throw new Refusal("over_positions", node, "the last state of a recurrence");
  const rows = node.results[0]!.type.shape.map((_, axis) => (axis === 2 ? ("R" as const) : undefined));
  return recipe<"linear_attend">(
    {
      ...(needsAlong(node, rows, forms) as OperandsOf<"linear_attend", Need>),
      state: state && forms.asIs(state),
    },
    (operands, build) => {
      let made: readonly Value[] = [];
      build.keep(node.results[1]!, { kind: "matrix" }, node.results[1]!.type, 0, (before) => {
        const first = operands.state;
        const begun =
          first === undefined
            ? before
            : build.emit("where", { condition: build.isFirst(), x: first, y: before }, {});
        made = build.emitAll("linear_attend", { ...operands, state: begun }, {}, hintOf(node));
        return made[1]!;
      });
      return made;
    },
  );
};

const maxPool: Rule<"max_pool2d"> = (node, form, forms) => {
  if ([2, 3].some((axis) => forms.isText(node.operands.x, axis))) throw new Refusal("steps", node);
  return pointwise(node, form, forms);
};

type LinearOp = Extract<keyof typeof linearOps, CoreOp>;

export const linearRules: { readonly [K in LinearOp]: Rule<K> } = {
  matmul,
  linear,
  routed_linear: routedLinear,
  embedding: pointwise,
  conv2d,
  max_pool2d: maxPool,
  rope,
  attend,
  linear_attend: linearAttend,
};
