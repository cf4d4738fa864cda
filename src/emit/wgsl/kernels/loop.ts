import { operandViews, type Plan, type StepOf } from "../../../plan/plan.ts";
import { isDense, type View } from "../../../plan/view.ts";
import { constantDim, sameDim } from "../../../tensor/dim.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import { elementsOf } from "../../../tensor/type.ts";
import { isLone, type LoopStep, type SharedLoop } from "../../ts/loops.ts";
import { onlyView } from "../../ts/kernels/result.ts";
import { bare, nameOfOps } from "../../ts/scalar.ts";
import { KernelBuilder } from "../builder.ts";
import { MAX_BINDINGS, type Context, type Dispatch } from "../kernel.ts";
import { loaded, scalarText, stored as storedText, toFloat, type Typed } from "../scalar.ts";
import { eachElement, LIST_SIZE } from "../walk.ts";

const isEach = (step: LoopStep): step is StepOf<"elementwise"> => step.op === "elementwise";

/** What a loop loads from memory, each view once, and what it stores there. */
function traffic({ steps, stored }: SharedLoop) {
  const made = new Set(steps.flatMap(({ results }) => results.map(({ buffer }) => buffer)));
  const reads = new Map<string, View>();
  for (const view of steps.flatMap(operandViews)) if (!made.has(view.buffer)) reads.set(keyOf(view), view);
  const writes = steps.flatMap(({ results }) => results).filter(({ buffer }) => stored.has(buffer));
  return { made, reads, writes };
}

/** Views of which element i of the loop is the same. */
const keyOf = (view: View): string => `${view.buffer} ${view.offset.key}${isLone(view) ? " alone" : ""}`;

/**
 * Whether steps can be one dispatch: invocations run in no order, so that memory which is written may be read at the
 * same place only, and a shader binds few buffers.
 */
export function isOneDispatch(loop: SharedLoop, plan: Plan, context: Context): boolean {
  if (!loop.steps.every(isEach)) return false;
  const { reads, writes } = traffic(loop);
  const byMemory = new Map<string, View[]>();
  for (const view of [...reads.values(), ...writes]) {
    const memory = context.memoryOf(view.buffer);
    byMemory.set(memory, [...(byMemory.get(memory) ?? []), view]);
  }
  const written = new Set(writes.map(({ buffer }) => context.memoryOf(buffer)));
  const isInPlace = (view: View): boolean =>
    constantDim(view.offset) === 0 &&
    isDense(view) &&
    sameDim(elementsOf(view.type), loop.count) &&
    sameDim(plan.buffers[view.buffer]!.elements, loop.count);
  const isAlike = (views: readonly View[]): boolean =>
    new Set(views.map(({ buffer, type }) => `${isFloat(type.dtype)} ${context.isHalf(buffer)}`)).size === 1;
  return (
    byMemory.size <= MAX_BINDINGS &&
    [...byMemory].every(
      ([memory, views]) => !written.has(memory) || (views.every(isInPlace) && isAlike(views)),
    )
  );
}

/** Steps that walk the same elements, an element an invocation: what a step makes is a number for those after it. */
export function loopDispatch(loop: SharedLoop, context: Context): Dispatch {
  const builder = new KernelBuilder(context);
  const { reads, writes } = traffic(loop);
  const entries = [...reads].map(([key, view], index) => ({ key, view, name: `x${index + 1}` }));
  const outs = writes.map((view, index) => ({ view, name: `y${index + 1}` }));
  const tensors = builder.tensors(viewsOf(entries), viewsOf(outs));
  const each = eachElement(builder, [loop.count]);
  const isHalf = context.target.f16 === "arithmetic";
  const values = new Map<string, Typed>();
  const lines: string[] = [];
  for (const { key, view, name } of entries) {
    const tensor = tensors[name]!;
    const place = isLone(view) ? "0u" : "i";
    const asHalf = isHalf && tensor.isHalf;
    const element: Typed = asHalf
      ? { text: tensor.raw(place), kind: "half" }
      : loaded(view.type.dtype, tensor.at(place));
    lines.push(`let ${name}_i = ${bare(element.text)};`);
    values.set(key, { ...element, text: `${name}_i` });
  }
  const steps = loop.steps.filter(isEach);
  const stores: string[] = [];
  steps.forEach(({ operands, attrs, results }, index) => {
    const out = onlyView(results);
    const inputs = operands.inputs.map((view) => values.get(keyOf(view))!);
    const text = scalarText(attrs.program, inputs, `_${index + 1}`);
    builder.helper(...text.helpers);
    const { result } = text;
    const expression = result.kind === "float" ? toFloat(result) : result.text;
    lines.push(...text.lines, `let r${index + 1} = ${bare(expression)};`);
    const value: Typed = { text: `r${index + 1}`, kind: result.kind };
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
  return builder.finish({
    name: `each_${nameOfOps(steps.flatMap(({ attrs }) => attrs.program.steps.map(({ op }) => op)))}`,
    doc: ["Several steps over the same elements, each loaded and stored once. An element an invocation."],
    body: [...each.lines, ...lines, ...stores],
    workgroup: [LIST_SIZE],
    groups: each.groups,
  });
}

const viewsOf = (entries: readonly { readonly name: string; readonly view: View }[]): Record<string, View> =>
  Object.fromEntries(entries.map(({ name, view }) => [name, view]));
