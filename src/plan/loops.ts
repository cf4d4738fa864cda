import { constantDim, sameDim, type Dim } from "../tensor/dim.ts";
import { isInteger } from "../tensor/dtype.ts";
import { elementsOf } from "../tensor/type.ts";
import { operandViews, type Plan, type Step, type StepOf } from "./plan.ts";
import { portableTarget, type Target } from "../kernels/target.ts";
import { isDense, mergeAxes, type View } from "../kernels/view.ts";

/** What folds elements along axes into one. */
export type Reduction = "reduce_sum" | "reduce_mean" | "reduce_max" | "reduce_min";

/** A step that makes a tensor of its operands' elements, each by itself. */
export type EachStep = StepOf<"elementwise"> | StepOf<"copy">;

/** A step that a loop over elements can take in: each element by itself, or all folded into one. */
export type LoopStep = EachStep | { readonly [K in Reduction]: StepOf<K> }[Reduction];

/** Whether a step of a loop makes a tensor; any other folds one. */
export const isEach = (step: LoopStep): step is EachStep => step.op === "elementwise" || step.op === "copy";

/** Steps that are one loop: an optimizer's moments and its parameter, or squares and their sum. */
export interface SharedLoop {
  readonly steps: readonly LoopStep[];
  readonly count: Dim;
  /** Buffers that steps after the loop read, or that outlast the run. The others are never stored. */
  readonly stored: ReadonlySet<number>;
}

/** The steps of a run, some of them together. */
export type Stage = Step | SharedLoop;

/** The steps of a stage. */
export const stepsOf = (stage: Stage): readonly Step[] => ("steps" in stage ? stage.steps : [stage]);

/**
 * Whether the turns of a loop may run in any order, side by side: of memory that it stores to it reads nothing but the
 * element at the turn's own place. What is folded is stored when all is read. `memoryOf` says in which memory a buffer begins.
 */
export function runsInAnyOrder(
  { steps, count, stored }: SharedLoop,
  memoryOf: (buffer: number) => string,
): boolean {
  const made = steps.flatMap((step) => (isEach(step) ? step.results : []));
  const written = new Set(made.flatMap(({ buffer }) => (stored.has(buffer) ? [memoryOf(buffer)] : [])));
  const own = new Set(made.map(({ buffer }) => buffer));
  return steps
    .flatMap(operandViews)
    .filter(({ buffer }) => !own.has(buffer) && written.has(memoryOf(buffer)))
    .every((view) => constantDim(view.offset) === 0 && isAlong(view, count));
}

/** How loops are shared, where that is not as all targets can. */
export interface LoopOptions {
  /** Says how many steps are one loop at most. */
  readonly target?: Pick<Target, "limits">;
  readonly accepts?: (loop: SharedLoop) => boolean;
}

/** One element for all. */
export const isLone = ({ type, strides }: View): boolean =>
  mergeAxes(type.shape, [strides]).every((axis) => constantDim(axis.strides[0]!) === 0);

/**
 * Puts neighbouring steps that walk the same elements into one loop, so that each tensor is read and written once. Linear in
 * the steps. A step joins if it reads a tensor that the loop reads or makes or belongs to the same layer or parameter.
 *
 * All read what they would have read one after the other: of what the loop makes, a step reads the element at the loop's
 * own place, from the step that made it. Memory that a result takes over from a tensor that dies in the loop is
 * written no further than it has been read, as no view begins before its buffer and none runs backwards; one element for
 * all is read before the loop, and what is folded is written after it. A target whose loops cannot have all of that says which
 * loops it `accepts`.
 */
export function shareLoops(
  plan: Plan,
  { target = portableTarget, accepts = () => true }: LoopOptions = {},
): Stage[] {
  const lastRead = new Map<number, number>();
  plan.steps.forEach((step, index) => {
    for (const { buffer } of operandViews(step)) lastRead.set(buffer, index);
  });
  const stages: Stage[] = [];
  let draft: Draft | undefined;
  const close = (end: number): void => {
    if (draft === undefined) return;
    if (draft.steps.length === 1) stages.push(draft.steps[0]!);
    else stages.push(draft.finish((buffer) => (lastRead.get(buffer) ?? -1) >= end));
    draft = undefined;
  };
  plan.steps.forEach((step, index) => {
    const isReadLater = (buffer: number): boolean => (lastRead.get(buffer) ?? -1) > index;
    if (draft?.join(step, { most: target.limits.loopSteps, accepts, isReadLater }) === true) return;
    close(index);
    if (step.op === "elementwise" && walksAlong(step)) draft = new Draft(plan, step);
    else stages.push(step);
  });
  close(plan.steps.length);
  return stages;
}

/** All elements of its inputs in the order of the result's, or one element for all; not whole numbers, which wrap. */
function walksAlong({ operands: { inputs }, results }: StepOf<"elementwise">): boolean {
  const count = elementsOf(results[0]!.type);
  return (
    constantDim(count) !== 1 &&
    !isInteger(results[0]!.type.dtype) &&
    inputs.every((view) => isLone(view) || isAlong(view, count))
  );
}

const isAlong = (view: View, count: Dim): boolean => isDense(view) && sameDim(elementsOf(view.type), count);

/** A loop that may still grow. */
class Draft {
  readonly steps: LoopStep[] = [];
  readonly #plan: Plan;
  readonly #count: Dim;
  /** Tensors that the loop reads or makes. */
  readonly #tensors = new Set<number>();
  /** Those that it makes. */
  readonly #made = new Set<number>();

  constructor(plan: Plan, first: StepOf<"elementwise">) {
    this.#plan = plan;
    this.#count = elementsOf(first.results[0]!.type);
    this.#add(first);
  }

  /** Takes the step in if that changes nothing but time; `isReadLater` says what steps after it read. */
  join(
    step: Step,
    {
      most,
      accepts,
      isReadLater,
    }: {
      readonly most: number;
      readonly accepts: (loop: SharedLoop) => boolean;
      readonly isReadLater: (buffer: number) => boolean;
    },
  ): boolean {
    if (!this.#fits(step) || (isEach(step) && this.steps.filter(isEach).length >= most)) return false;
    const inputs = operandViews(step);
    const isConnected =
      inputs.some(({ buffer }) => this.#tensors.has(buffer)) || this.#isOfLayer(step.origin.label);
    const isRightPlace = inputs.every((view) => !this.#made.has(view.buffer) || this.#isAtPlace(view));
    if (!isConnected || !isRightPlace) return false;
    const made = [...this.#made, ...step.results.map(({ buffer }) => buffer)];
    const stored = this.#storedOf(made, isReadLater);
    if (!accepts({ steps: [...this.steps, step], count: this.#count, stored })) return false;
    this.#add(step);
    return true;
  }

  finish(isReadLater: (buffer: number) => boolean): SharedLoop {
    return { steps: this.steps, count: this.#count, stored: this.#storedOf([...this.#made], isReadLater) };
  }

  #storedOf(made: readonly number[], isReadLater: (buffer: number) => boolean): ReadonlySet<number> {
    return new Set(
      made.filter((buffer) => this.#plan.buffers[buffer]!.home.kind !== "slot" || isReadLater(buffer)),
    );
  }

  /** A step that walks along, or folds all elements of a tensor of floats that the loop makes or reads. */
  #fits(step: Step): step is LoopStep {
    switch (step.op) {
      case "elementwise":
        return walksAlong(step) && sameDim(elementsOf(step.results[0]!.type), this.#count);
      case "copy": {
        const [from, to] = [step.operands.x, step.results[0]!];
        const isSame = from.type.dtype === to.type.dtype && !isInteger(to.type.dtype);
        return isSame && isAlong(from, this.#count) && this.#isAtPlace(to);
      }
      case "reduce_sum":
      case "reduce_mean":
      case "reduce_max":
      case "reduce_min": {
        const { x } = step.operands;
        const isWhole = step.attrs.axes.length === x.type.shape.length;
        return isWhole && !isInteger(x.type.dtype) && isAlong(x, this.#count);
      }
      default:
        return false;
    }
  }

  #isOfLayer(label: string): boolean {
    return label !== "" && this.steps.at(-1)!.origin.label === label;
  }

  #add(step: LoopStep): void {
    this.steps.push(step);
    const made = step.results.map(({ buffer }) => buffer);
    const read = operandViews(step).flatMap((view) => (isLone(view) ? [] : [view.buffer]));
    for (const buffer of made) this.#made.add(buffer);
    for (const buffer of isEach(step) ? [...read, ...made] : read) this.#tensors.add(buffer);
  }

  /** Element i of the loop is element i of the buffer; what is folded is at no place, as it is whole after the loop only. */
  #isAtPlace(view: View): boolean {
    return (
      constantDim(view.offset) === 0 &&
      isAlong(view, this.#count) &&
      sameDim(this.#plan.buffers[view.buffer]!.elements, this.#count)
    );
  }
}
