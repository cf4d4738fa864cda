import { nameOfOps } from "../../../kernels/names.ts";
import { onlyView } from "../../../kernels/results.ts";
import type { View } from "../../../kernels/view.ts";
import { isEach, isLone, type LoopStep, type SharedLoop } from "../../../plan/loops.ts";
import { operandViews } from "../../../plan/plan.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import { KernelBuilder } from "../builder.ts";
import { over, rounded } from "../formula.ts";
import type { Place } from "../place.ts";
import { scalarOf } from "../scalar.ts";
import type { Expression, LoopKernel, Name } from "../tree.ts";
import { folds } from "./reduce.ts";

/**
 * Steps that walk the same elements, in one loop: what a step makes is a number for those after it. A tensor that is
 * written where another was read is the same one, if both hold floats or both whole numbers; `memoryOf` says of each view where
 * that is.
 */
export function sharedLoop(
  { steps, count, stored }: SharedLoop,
  memoryOf: (view: View) => string,
): LoopKernel {
  const k = new KernelBuilder();
  const end = k.size("count", count);
  const places = new Map<string, Place>();
  const placeOf = (view: View): Place => {
    const memory = `${isFloat(view.type.dtype) ? "floats" : "wholes"} ${memoryOf(view)}`;
    const place = places.get(memory) ?? k.tensor(`y${places.size + 1}`, view);
    places.set(memory, place);
    return place;
  };
  /** The numbers that stand for elements of views. */
  const numbers = new Map<string, Name>();
  let loaded = 0;
  const load = (view: View, place: (place: Place) => Place): Name => {
    const name = numbers.get(keyOf(view)) ?? k.let(`x${++loaded}`, place(placeOf(view)));
    numbers.set(keyOf(view), name);
    return name;
  };
  const totals = new Map<LoopStep, Name>();
  const values = steps.map((step, index) => {
    if (!isEach(step)) totals.set(step, k.total(`total${index}`, folds[step.op]));
    if (step.op !== "elementwise") return (inputs: readonly Expression[]) => inputs[0]!;
    const still = step.operands.inputs.flatMap((view, at) =>
      isLone(view) ? [[at, load(view, (place) => place)] as const] : [],
    );
    return scalarOf(k, step.attrs.program, new Map(still), `_${index}`);
  });
  k.lanes("i", end, (i) =>
    steps.forEach((step, index) => {
      const value = values[index]!(operandViews(step).map((view) => load(view, (place) => place.at(i))));
      const total = totals.get(step);
      if (total !== undefined) {
        k.take(total, value);
        return;
      }
      const out = onlyView(step.results);
      const isRead = isReadIn(steps.slice(index + 1), out.buffer);
      const result = isRead ? k.let(`r${index}`, asStored(out, value)) : value;
      if (isRead) numbers.set(keyOf(out), result as Name);
      if (stored.has(out.buffer)) k.store(placeOf(out).at(i), result);
    }),
  );
  for (const [{ op, results }, total] of totals) {
    const out = onlyView(results);
    if (stored.has(out.buffer)) k.store(placeOf(out), op === "reduce_mean" ? over(total, end) : total);
  }
  const doc = "Several steps over the same elements: each tensor is read and written once.";
  return k.finish(`each_${nameOfOps(steps.flatMap(wordsOf))}`, doc);
}

const isReadIn = (steps: readonly LoopStep[], buffer: number): boolean =>
  steps.some((step) => operandViews(step).some((view) => view.buffer === buffer));

/** The number that a later step would load: which steps share a loop changes no bit. */
const asStored = ({ type }: View, value: Expression): Expression =>
  isFloat(type.dtype) ? rounded("f32", value) : value;

/** Views of which element i of the loop is the same. */
const keyOf = (view: View): string => `${view.buffer} ${view.offset.key}${isLone(view) ? " alone" : ""}`;

const wordsOf = (step: LoopStep): readonly string[] =>
  step.op === "elementwise" ? step.attrs.program.steps.map(({ op }) => op) : [step.op.replace("reduce_", "")];
