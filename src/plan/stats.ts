import { largest } from "../support/lists.ts";
import { constantDim, dim, evaluateDim, type Dim } from "../tensor/dim.ts";
import { sizeOf } from "../tensor/host.ts";
import { layoutOf, type Layout } from "./layout.ts";
import { operandViews, type Home, type Plan, type Step } from "./plan.ts";
import { distinctElements, type View } from "../kernels/view.ts";

export type Sizes = ReadonlyMap<string, number>;

/** What one step reads, writes and computes; bytes are those of views, not of caches. */
export interface StepStats {
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly flops: number;
}

/** What a run costs, for given run-time dims. */
export interface PlanStats extends PlanTotals {
  /** In the order of the plan's steps. */
  readonly perStep: readonly StepStats[];
}

export interface PlanTotals {
  readonly steps: number;
  /** Steps that run once, when the weights are loaded. */
  readonly prepareSteps: number;
  readonly flops: number;
  /** Read and written by all steps of a run. */
  readonly bytesMoved: number;
  /** The arena: what a run needs beside weights and results. */
  readonly arenaBytes: number;
  /** The arena if each tensor had memory of its own. */
  readonly arenaBytesWithoutReuse: number;
  /** Parameters that steps read. */
  readonly weightBytes: number;
  /** What is made of parameters once, and constants. */
  readonly preparedBytes: number;
  readonly outputBytes: number;
}

export function planStats(plan: Plan, sizes: Sizes, layout: Layout = layoutOf(plan)): PlanStats {
  const perStep = plan.steps.map((step) => stepStats(step, sizes, layout));
  return { ...totalsOf(plan, sizes, layout, perStep), perStep };
}

/** The sums. */
export const planTotals = (plan: Plan, sizes: Sizes, layout: Layout = layoutOf(plan)): PlanTotals =>
  totalsOf(
    plan,
    sizes,
    layout,
    plan.steps.map((step) => stepStats(step, sizes, layout)),
  );

function totalsOf(plan: Plan, sizes: Sizes, layout: Layout, perStep: readonly StepStats[]): PlanTotals {
  const total = (pick: (step: StepStats) => number): number =>
    perStep.reduce((sum, step) => sum + pick(step), 0);
  const own = new Set(plan.runBuffers);
  const bytesIn = (...kinds: readonly Home["kind"][]): number =>
    plan.buffers.reduce((sum, { home: { kind } }, buffer) => {
      const isThere = own.has(buffer) || (kind !== "slot" && kind !== "output");
      return isThere && kinds.includes(kind) ? sum + evaluateDim(layout.bytes(buffer), sizes) : sum;
    }, 0);
  return {
    steps: plan.steps.length,
    prepareSteps: plan.prepare.length,
    flops: total(({ flops }) => flops),
    bytesMoved: total(({ bytesRead, bytesWritten }) => bytesRead + bytesWritten),
    arenaBytes: layout.slots(plan).reduce((sum, slot) => sum + largestOf(slot, sizes), 0),
    arenaBytesWithoutReuse: bytesIn("slot"),
    weightBytes: weightBytes(plan, layout),
    preparedBytes: bytesIn("prepared", "constant"),
    outputBytes: bytesIn("output"),
  };
}

const weightBytes = ({ parameters }: Plan, layout: Layout): number =>
  parameters.reduce(
    (sum, { buffer }) => sum + (buffer === undefined ? 0 : (constantDim(layout.bytes(buffer)) ?? 0)),
    0,
  );

/** The size of a slot: the largest of its sizes. */
export const largestOf = (slot: readonly Dim[], sizes: Sizes): number =>
  largest(
    slot.map((size) => evaluateDim(size, sizes)),
    0,
  );

/** A view that a step reads or writes, and how many bytes of it. */
export interface Moved {
  readonly view: View;
  readonly bytes: number;
}

export function stepStats(step: Step, sizes: Sizes, layout: Layout): StepStats {
  const { reads, writes } = movedBy(step, sizes, layout);
  const total = (moved: readonly Moved[]): number => moved.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    bytesRead: total(reads),
    bytesWritten: total(writes),
    flops: evaluateDim(step.flops, sizes),
  };
}

/**
 * Each place of memory that a step reads counts once; of a table only the rows that are looked up, of several matrices as
 * many as can be chosen.
 */
export function movedBy(
  step: Step,
  sizes: Sizes,
  { elementBytes }: Layout,
): { readonly reads: readonly Moved[]; readonly writes: readonly Moved[] } {
  // A write leaves the rest where it is.
  const made = step.op === "write" ? [step.operands.part] : step.results;
  const writes = made.map(({ type }, index) => {
    const view = step.results[index]!;
    return { view, bytes: elementBytes(view.buffer) * elementsIn(type.shape, sizes) };
  });
  const read = step.op === "write" ? [step.operands.part] : operandViews(step);
  const reads = uniqueViews(read).map((view) => {
    const elements = lookedUp(step, view, sizes) ?? evaluateDim(distinctElements(view), sizes);
    return { view, bytes: elementBytes(view.buffer) * elements };
  });
  return { reads, writes };
}

/** Elements that a step reads of an operand of which it reads what is looked up: rows of a table, or matrices that are chosen. */
function lookedUp(step: Step, view: View, sizes: Sizes): number | undefined {
  const found = lookedUpIn(step, view);
  if (found === undefined) return undefined;
  const count = evaluateDim(found.count, sizes);
  const all = evaluateDim(distinctElements(view), sizes);
  return (
    (all / count) *
    (found.isEach ? elementsIn(found.by, sizes) : Math.min(elementsIn(found.by, sizes), count))
  );
}

/** Of how many rows or matrices a step reads those that indices of a shape name: each time, or each once. */
interface LookedUp {
  readonly count: Dim;
  readonly by: readonly Dim[];
  readonly isEach: boolean;
}

function lookedUpIn(step: Step, view: View): LookedUp | undefined {
  const isPacked =
    "codes" in step.operands &&
    [step.operands.codes, step.operands.scales, step.operands.minimums].includes(view);
  switch (step.op) {
    case "embedding":
      if (view !== step.operands.table) return undefined;
      return { count: view.type.shape[0]!, by: step.operands.ids.type.shape, isEach: true };
    case "packed_embedding":
      return isPacked
        ? { count: dim(step.attrs.entries), by: step.operands.ids.type.shape, isEach: true }
        : undefined;
    case "routed_linear":
      if (view !== step.operands.weight) return undefined;
      return { count: view.type.shape[0]!, by: step.operands.chosen.type.shape, isEach: false };
    case "packed_routed_linear":
      return isPacked
        ? { count: dim(step.attrs.experts), by: step.operands.chosen.type.shape, isEach: false }
        : undefined;
    default:
      return undefined;
  }
}

/** Bytes of activations that the steps read and write: the part of the bytes moved that fusion can change. */
export function activationBytes(plan: Plan, sizes: Sizes, layout: Layout = layoutOf(plan)): number {
  const isActivation = ({ buffer }: View): boolean =>
    ["slot", "output"].includes(plan.buffers[buffer]!.home.kind);
  const viewsOf = (step: Step): View[] => [...uniqueViews(operandViews(step)), ...step.results];
  return plan.steps
    .flatMap((step) => viewsOf(step).filter(isActivation))
    .reduce(
      (sum, view) => sum + layout.elementBytes(view.buffer) * evaluateDim(distinctElements(view), sizes),
      0,
    );
}

const elementsIn = (shape: readonly Dim[], sizes: Sizes): number =>
  sizeOf(shape.map((size) => evaluateDim(size, sizes)));

/** The same elements read twice by one step are read once from memory. */
const uniqueViews = (views: readonly View[]): View[] => [
  ...new Map(views.map((view) => [placeOfView(view), view])).values(),
];

/** Equal for views of the same elements of a buffer in the same order. */
export function placeOfView({ buffer, offset, strides, type: { shape } }: View): string {
  const axes = strides.map((stride, axis) => `${stride.key}×${shape[axis]!.key}`).join();
  return `${buffer} ${offset.key} ${axes}`;
}
