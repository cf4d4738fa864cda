import type { StepOf } from "../../../plan/plan.ts";
import type { View } from "../../../kernels/view.ts";
import type { Code } from "../../../support/text.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import { constantDim, dim, productOfDims, type Dim } from "../../../tensor/dim.ts";
import { onlyView } from "../../../kernels/results.ts";
import { KernelBuilder } from "../builder.ts";
import type { Context, Dispatch, Groups, WgslKernel } from "../kernel.ts";
import { floatText, forLoop, ifThen } from "../text.ts";
import { eachElement, eachRow, LIST_SIZE, places } from "../walk.ts";
import { lanesFor, overRow } from "./row.ts";

type Reduction = "reduce_sum" | "reduce_mean" | "reduce_max" | "reduce_min";

interface Fold {
  readonly start: (isFloatElement: boolean) => string;
  readonly fold: (element: string, isFloatElement: boolean) => string;
}

const extreme = (least: number, wins: { readonly ofFloats: string; readonly ofInts: string }): Fold => ({
  start: (isFloatElement) =>
    isFloatElement ? floatText(least) : least < 0 ? "(-2147483647 - 1)" : "2147483647",
  fold: (element, isFloatElement) =>
    `result = ${isFloatElement ? wins.ofFloats : wins.ofInts}(result, ${element});`,
});
const total: Fold = {
  start: (isFloatElement) => (isFloatElement ? "0.0" : "0"),
  fold: (element) => `result += ${element};`,
};

const folds: { readonly [K in Reduction]: Fold } = {
  reduce_sum: total,
  reduce_mean: total,
  reduce_max: extreme(-Infinity, { ofFloats: "larger", ofInts: "max" }),
  reduce_min: extreme(Infinity, { ofFloats: "smaller", ofInts: "min" }),
};

/** Fewer elements than this are folded by one invocation. */
const FEW = 32;
/** Results of a workgroup that lie side by side, and the invocations that share the elements of each. */
const COLUMNS = 32;
const SHARES = 8;
/** More elements than this are folded by many workgroups where they make one result. */
const MANY = 2 ** 14;
export const WORKGROUPS = 256;

/** One number: one workgroup makes it. */
export const oneGroup: Groups = { kind: "list", count: dim(1), per: 1 };

interface Reducing {
  readonly op: Reduction;
  readonly builder: KernelBuilder;
  readonly isFloat: boolean;
  /** How many elements make one result, in the kernel. */
  readonly elements: string;
}

const startText = ({ op, builder, isFloat: isFloatElement }: Reducing): string => {
  if (isFloatElement && (op === "reduce_max" || op === "reduce_min"))
    builder.helper("from_bits", op === "reduce_max" ? "larger" : "smaller");
  return `var result = ${folds[op].start(isFloatElement)};`;
};

/** The line that takes an element in. */
const foldText =
  ({ op, isFloat: isFloatElement }: Pick<Reducing, "op" | "isFloat">) =>
  (element: string): string =>
    folds[op].fold(element, isFloatElement);

const resultText = ({ op, elements }: Reducing): string =>
  op === "reduce_mean" ? `result / f32(${elements})` : "result";

/** What the invocations of a workgroup have as `result` becomes one, which the first of them holds; in two steps. */
export function foldLanes({ op, builder, isFloat: isFloatElement }: Reducing, lanes: number): Code[] {
  const few = 2 ** Math.ceil(Math.log2(lanes) / 2);
  builder.shared("partials", isFloatElement ? "f32" : "i32", lanes);
  const fold = foldText({ op, isFloat: isFloatElement });
  return [
    "partials[lane] = result;",
    "workgroupBarrier();",
    ...ifThen(`lane < ${few}u`, [
      ...forLoop("other", `${lanes}u`, [fold("partials[other]")], {
        start: `lane + ${few}u`,
        step: `${few}u`,
      }),
      "partials[lane] = result;",
    ]),
    "workgroupBarrier();",
    ...ifThen("lane > 0u", ["return;"]),
    ...forLoop("other", `${few}u`, [fold("partials[other]")], { start: "1u" }),
  ];
}

/** The axes that stay and those that are folded, as x lies along them. */
function partsOf(x: View, axes: readonly number[]) {
  const part = (keep: (axis: number) => boolean) => {
    const of = x.type.shape.map((_, axis) => axis).filter(keep);
    return { shape: of.map((axis) => x.type.shape[axis]!), strides: of.map((axis) => x.strides[axis]!) };
  };
  return {
    stays: part((axis) => !axes.includes(axis)),
    goes: part((axis) => axes.includes(axis)),
  };
}

/**
 * Few elements are folded by one invocation. Else elements that lie side by side are shared by a workgroup, and results
 * that do by 8 invocations each; a large tensor that becomes one number takes many workgroups and then one.
 */
const reduction =
  (op: Reduction): WgslKernel<Reduction> =>
  (step, context) => {
    const { x } = step.operands;
    const { stays, goes } = partsOf(x, step.attrs.axes);
    const elements = productOfDims(goes.shape);
    const known = constantDim(elements);
    if (known !== undefined && known < FEW) return [byInvocations(op, step, context)];
    const isUnitAxis = (stride: Dim): boolean => constantDim(stride) === 1;
    if (stays.strides.some(isUnitAxis)) return [byColumns(op, step, context)];
    const isOne = constantDim(productOfDims(stays.shape)) === 1;
    if (isOne && isFloat(x.type.dtype) && (known === undefined || known > MANY))
      return byManyWorkgroups(op, step, context);
    return [byWorkgroups(op, step, context)];
  };

type ReductionStep = StepOf<Reduction>;

function reducing(
  op: Reduction,
  { operands: { x }, attrs: { axes }, results }: ReductionStep,
  context: Context,
) {
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const tensors = builder.tensors({ x }, { out });
  const { stays, goes } = partsOf(x, axes);
  const elements = builder.size("elements", productOfDims(goes.shape));
  const about: Reducing = { op, builder, isFloat: isFloat(x.type.dtype), elements };
  return {
    about,
    builder,
    tensors,
    stays,
    goes,
    elements,
    name: op,
    title: op.replace("_", " of the axes: "),
  };
}

function byInvocations(op: Reduction, step: ReductionStep, context: Context): Dispatch {
  const { about, builder, tensors, stays, goes, elements, name, title } = reducing(op, step, context);
  const each = eachElement(builder, stays.shape);
  const from = places(builder, "i", stays.shape, [{ name: "x", strides: stays.strides }]);
  const inner = places(builder, "e", goes.shape, [{ name: "x", strides: goes.strides }]);
  const body = [
    ...each.lines,
    ...from.lines,
    `let x_at = ${from.at[0]!};`,
    startText(about),
    ...forLoop("e", elements, [...inner.lines, foldText(about)(tensors.x.at(`x_at + ${inner.at[0]!}`))]),
    tensors.out.put("i", resultText(about)),
  ];
  const doc = [`${title}; an invocation an element of the result.`];
  return builder.finish({ name: `${name}_few`, doc, body, workgroup: [LIST_SIZE], groups: each.groups });
}

function byWorkgroups(op: Reduction, step: ReductionStep, context: Context): Dispatch {
  const { about, builder, tensors, stays, goes, elements, name, title } = reducing(op, step, context);
  const lanes = lanesFor(productOfDims(goes.shape));
  const each = eachRow(builder, stays.shape);
  const from = places(builder, "row", stays.shape, [{ name: "x", strides: stays.strides }]);
  const inner = places(builder, "i", goes.shape, [{ name: "x", strides: goes.strides }]);
  const body = [
    ...each.lines,
    ...from.lines,
    `let x_at = ${from.at[0]!};`,
    startText(about),
    ...overRow(lanes, elements, [...inner.lines, foldText(about)(tensors.x.at(`x_at + ${inner.at[0]!}`))]),
    ...foldLanes(about, lanes),
    tensors.out.put("row", resultText(about)),
  ];
  const doc = [`${title}; a workgroup an element of the result.`];
  return builder.finish({ name, doc, body, workgroup: [lanes], groups: each.groups });
}

function byColumns(op: Reduction, step: ReductionStep, context: Context): Dispatch {
  const { about, builder, tensors, stays, goes, elements, name, title } = reducing(op, step, context);
  const count = productOfDims(stays.shape);
  const countText = builder.size("count", count);
  const from = places(builder, "i", stays.shape, [{ name: "x", strides: stays.strides }]);
  const inner = places(builder, "e", goes.shape, [{ name: "x", strides: goes.strides }]);
  builder.builtin("group", "groups", "lane");
  builder.shared("partials", about.isFloat ? "f32" : "i32", COLUMNS * SHARES);
  const fold = foldText(about);
  const body = [
    `let i = (group.y * groups.x + group.x) * ${COLUMNS}u + lane % ${COLUMNS}u;`,
    `let share = lane / ${COLUMNS}u;`,
    startText(about),
    ...ifThen(`i < ${countText}`, [
      ...from.lines,
      `let x_at = ${from.at[0]!};`,
      ...forLoop("e", elements, [...inner.lines, fold(tensors.x.at(`x_at + ${inner.at[0]!}`))], {
        start: "share",
        step: `${SHARES}u`,
      }),
    ]),
    "partials[lane] = result;",
    "workgroupBarrier();",
    ...ifThen(`share > 0u || i >= ${countText}`, ["return;"]),
    ...forLoop("other", `${SHARES}u`, [fold(`partials[other * ${COLUMNS}u + lane]`)], { start: "1u" }),
    tensors.out.put("i", resultText(about)),
  ];
  const doc = [`${title}; ${COLUMNS} elements of the result a workgroup.`];
  return builder.finish({
    name: `${name}_columns`,
    doc,
    body,
    workgroup: [COLUMNS * SHARES],
    groups: { kind: "list", count, per: COLUMNS },
  });
}

function byManyWorkgroups(op: Reduction, step: ReductionStep, context: Context): Dispatch[] {
  const first = new KernelBuilder(context);
  const { x } = step.operands;
  const left = first.scratch(dim(WORKGROUPS));
  const { x: tensor } = first.tensors({ x }, {});
  const { goes } = partsOf(x, step.attrs.axes);
  const elements = first.size("elements", productOfDims(goes.shape));
  const inner = places(first, "i", goes.shape, [{ name: "x", strides: goes.strides }]);
  const about: Reducing = { op, builder: first, isFloat: true, elements };
  const each = eachRow(first, [dim(WORKGROUPS)]);
  const partial = first.finish({
    stage: 0,
    name: `${op}_parts`,
    doc: [`${op.replace("_", " of the axes: ")} of all elements, a part a workgroup.`],
    body: [
      ...each.lines,
      startText(about),
      ...forLoop("i", elements, [...inner.lines, foldText(about)(tensor.at(inner.at[0]!))], {
        start: `row * ${LIST_SIZE}u + lane`,
        step: `${WORKGROUPS * LIST_SIZE}u`,
      }),
      ...foldLanes(about, LIST_SIZE),
      left.put("row", "result"),
    ],
    workgroup: [LIST_SIZE],
    groups: each.groups,
  });
  return [partial, totalOfParts(op, onlyView(step.results), productOfDims(goes.shape), context)];
}

/** What the parts of so many elements, one in scratch for each of the workgroups, make together. */
export function totalOfParts(op: Reduction, result: View, elements: Dim, context: Context): Dispatch {
  const builder = new KernelBuilder(context);
  const parts = builder.leftBefore(dim(WORKGROUPS));
  const { out } = builder.tensors({}, { out: result });
  const whole: Reducing = { op, builder, isFloat: true, elements: builder.size("elements", elements) };
  builder.builtin("lane");
  return builder.finish({
    stage: 1,
    name: `${op}_of_parts`,
    doc: ["What the parts make together."],
    body: [
      startText(whole),
      foldText(whole)(parts.at("lane")),
      ...foldLanes(whole, WORKGROUPS),
      out.put("0u", resultText(whole)),
    ],
    workgroup: [WORKGROUPS],
    groups: oneGroup,
  });
}

export const reduceKernels = {
  reduce_sum: reduction("reduce_sum"),
  reduce_mean: reduction("reduce_mean"),
  reduce_max: reduction("reduce_max"),
  reduce_min: reduction("reduce_min"),
} as const;
