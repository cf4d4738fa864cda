import { append } from "../../../support/lists.ts";
import { operandViews, type StepOf } from "../../../plan/plan.ts";
import type { View } from "../../../kernels/view.ts";
import { constantDim, dim } from "../../../tensor/dim.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import { isLone, runsInAnyOrder, type LoopStep, type SharedLoop } from "../../../plan/loops.ts";
import { onlyView } from "../../../kernels/results.ts";
import { nameOfOps } from "../../../kernels/names.ts";
import { KernelBuilder } from "../builder.ts";
import { MAX_BINDINGS, type Context, type Dispatch } from "../kernel.ts";
import { loaded, named, scalarText, stored as storedText, toFloat, typed, type Typed } from "../scalar.ts";
import { forLoop } from "../text.ts";
import { eachElement, eachRow, LIST_SIZE } from "../walk.ts";
import { foldLanes, totalOfParts, WORKGROUPS } from "./reduce.ts";

/** Elements that one workgroup walks and sums; of more, many workgroups make parts of the sum. */
const FEW_ELEMENTS = 2 ** 12;

/** Dispatches store no copies. */
const isEach = (step: LoopStep): step is StepOf<"elementwise"> => step.op === "elementwise";

/** What a loop loads from memory, each view once, and what its elementwise steps store there. */
function traffic({ steps, stored }: SharedLoop) {
  const made = new Set(steps.flatMap(({ results }) => results.map(({ buffer }) => buffer)));
  const reads = new Map<string, View>();
  for (const view of steps.flatMap(operandViews)) if (!made.has(view.buffer)) reads.set(keyOf(view), view);
  const writes = steps
    .filter(isEach)
    .flatMap(({ results }) => results)
    .filter(({ buffer }) => stored.has(buffer));
  return { reads, writes };
}

/** Views of which element i of the loop is the same. */
const keyOf = (view: View): string => `${view.buffer} ${view.offset.key}${isLone(view) ? " alone" : ""}`;

/** The sum of a loop if the loop's own dispatch writes it: one workgroup walks all elements. */
function ownTotal({ steps, count }: SharedLoop): View | undefined {
  const sum = steps.find((step) => !isEach(step));
  const known = constantDim(count);
  return sum !== undefined && known !== undefined && known <= FEW_ELEMENTS
    ? onlyView(sum.results)
    : undefined;
}

/**
 * Whether steps can share their loads: invocations run in no order, so that memory which is written may be read at the
 * same place only; a binding has one type; and a shader binds few buffers. A sum comes last, and is written when all has
 * been read.
 */
export function isOneDispatch(loop: SharedLoop, context: Context): boolean {
  const last = loop.steps.at(-1)!;
  if (!loop.steps.slice(0, -1).every(isEach) || !(isEach(last) || last.op === "reduce_sum")) return false;
  const { reads, writes } = traffic(loop);
  const byMemory = new Map<string, View[]>();
  const total = ownTotal(loop);
  for (const view of [...reads.values(), ...writes, ...(total === undefined ? [] : [total])]) {
    const memory = context.memoryOf(view.buffer);
    byMemory.set(memory, [...(byMemory.get(memory) ?? []), view]);
  }
  const isAlike = (views: readonly View[]): boolean =>
    new Set(views.map(({ buffer, type }) => `${isFloat(type.dtype)} ${context.isHalf(buffer)}`)).size === 1;
  return (
    byMemory.size + (loop.steps.every(isEach) || total !== undefined ? 0 : 1) <= MAX_BINDINGS &&
    [...byMemory.values()].every(isAlike) &&
    runsInAnyOrder(loop, context.memoryOf)
  );
}

/** Steps that walk the same elements: what a step makes is a number for those after it. */
export function loopDispatches(loop: SharedLoop, context: Context): Dispatch[] {
  const sum = loop.steps.find((step) => !isEach(step));
  if (sum === undefined) return [withoutSum(loop, context)];
  const total = ownTotal(loop);
  if (total !== undefined) return [withSum(loop, total, context)];
  return [
    withSum(loop, undefined, context),
    totalOfParts("reduce_sum", onlyView(sum.results), loop.count, context),
  ];
}

const nameOf = ({ steps }: SharedLoop): string =>
  `each_${nameOfOps(steps.flatMap((step) => (isEach(step) ? step.attrs.program.steps.map(({ op }) => op) : ["sum"])))}`;

/** An element an invocation. */
function withoutSum(loop: SharedLoop, context: Context): Dispatch {
  const builder = new KernelBuilder(context);
  const { lines } = elementLines(loop, undefined, builder);
  const each = eachElement(builder, [loop.count]);
  return builder.finish({
    name: nameOf(loop),
    doc: ["Several steps over the same elements, each loaded and stored once. An element an invocation."],
    body: [...each.lines, ...lines],
    workgroup: [LIST_SIZE],
    groups: each.groups,
  });
}

/** By one workgroup whole, or by many that leave a part of the sum each. */
function withSum(loop: SharedLoop, total: View | undefined, context: Context): Dispatch {
  const builder = new KernelBuilder(context);
  const left = total === undefined ? builder.scratch(dim(WORKGROUPS)) : undefined;
  const { lines, summand, out } = elementLines(loop, total, builder);
  const each = eachRow(builder, [dim(total === undefined ? WORKGROUPS : 1)]);
  const count = builder.size("count", loop.count);
  const folding = { op: "reduce_sum", builder, isFloat: true, elements: count } as const;
  return builder.finish({
    stage: 0,
    name: nameOf(loop),
    doc: ["Several steps over the same elements, each loaded and stored once, and the sum of the last."],
    body: [
      ...each.lines,
      "var result = 0.0;",
      ...forLoop("i", count, [...lines, `result += ${summand};`], {
        start: left === undefined ? "lane" : `row * ${LIST_SIZE}u + lane`,
        step: `${left === undefined ? LIST_SIZE : WORKGROUPS * LIST_SIZE}u`,
      }),
      ...foldLanes(folding, LIST_SIZE),
      left === undefined ? out!.put("0u", "result") : left.put("row", "result"),
    ],
    workgroup: [LIST_SIZE],
    groups: each.groups,
  });
}

/** The lines of element `i`, what a sum at the end adds, and the tensor that it becomes. */
function elementLines(loop: SharedLoop, total: View | undefined, builder: KernelBuilder) {
  const { context } = builder;
  const { reads, writes } = traffic(loop);
  const entries = [...reads].map(([key, view], index) => ({ key, view, name: `x${index + 1}` }));
  const outs = writes.map((view, index) => ({ view, name: `y${index + 1}` }));
  const sums = total === undefined ? [] : [{ view: total, name: "sum" }];
  const tensors = builder.tensors(viewsOf(entries), viewsOf([...outs, ...sums]));
  const isHalf = context.target.f16 === "arithmetic";
  const values = new Map<string, Typed>();
  const lines: string[] = [];
  for (const { key, view, name } of entries) {
    const tensor = tensors[name]!;
    const place = isLone(view) ? "0u" : "i";
    const element: Typed =
      isHalf && tensor.isHalf ? typed(tensor.raw(place), "half") : loaded(view.type.dtype, tensor.at(place));
    lines.push(`let ${name}_i = ${element.text};`);
    values.set(key, named(`${name}_i`, element.kind));
  }
  const stores: string[] = [];
  let summand = "";
  loop.steps.forEach((step, index) => {
    if (!isEach(step)) {
      summand = toFloat(values.get(keyOf(operandViews(step)[0]!))!).text;
      return;
    }
    const out = onlyView(step.results);
    const inputs = step.operands.inputs.map((view) => values.get(keyOf(view))!);
    const { lines: own, result, helpers } = scalarText(step.attrs.program, inputs, `_${index + 1}`);
    builder.helper(...helpers);
    const expression = result.kind === "float" ? toFloat(result) : result;
    append(lines, [...own, `let r${index + 1} = ${expression.text};`]);
    const value = named(`r${index + 1}`, result.kind);
    values.set(keyOf(out), value);
    const name = outs.find(({ view }) => view === out)?.name;
    if (name === undefined) return;
    const tensor = tensors[name]!;
    stores.push(
      value.kind === "half" && tensor.isHalf
        ? tensor.put("i", value.text, "f16")
        : tensor.put("i", storedText(out.type.dtype, value)),
    );
  });
  return { lines: [...lines, ...stores], summand, out: tensors["sum"] };
}

const viewsOf = (entries: readonly { readonly name: string; readonly view: View }[]): Record<string, View> =>
  Object.fromEntries(entries.map(({ name, view }) => [name, view]));
