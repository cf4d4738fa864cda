import { largest } from "../support/lists.ts";
import { evaluateDim, type Dim } from "../tensor/dim.ts";
import { sizeOf } from "../tensor/host.ts";
import { operandViews, type Plan, type Slot, type Step } from "./plan.ts";
import { distinctElements, type View } from "../kernels/view.ts";

/** Bytes of an element in memory: one word. */
export const WORD_BYTES = 4;

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

export function planStats(plan: Plan, sizes: Sizes): PlanStats {
  const perStep = plan.steps.map((step) => stepStats(step, sizes));
  return { ...planTotals(plan, sizes, perStep), perStep };
}

/** The sums; `perStep` are the stats of each step. */
export function planTotals(
  plan: Plan,
  sizes: Sizes,
  perStep: readonly StepStats[] = plan.steps.map((step) => stepStats(step, sizes)),
): PlanTotals {
  const total = (pick: (step: StepStats) => number): number =>
    perStep.reduce((sum, step) => sum + pick(step), 0);
  const bytesIn = (...kinds: readonly string[]): number =>
    plan.buffers
      .filter(({ home }) => kinds.includes(home.kind))
      .reduce((sum, { elements }) => sum + WORD_BYTES * evaluateDim(elements, sizes), 0);
  return {
    steps: plan.steps.length,
    prepareSteps: plan.prepare.length,
    flops: total(({ flops }) => flops),
    bytesMoved: total(({ bytesRead, bytesWritten }) => bytesRead + bytesWritten),
    arenaBytes: WORD_BYTES * plan.slots.reduce((sum, slot) => sum + slotWords(slot, sizes), 0),
    arenaBytesWithoutReuse: bytesIn("slot"),
    weightBytes: WORD_BYTES * parameterWords(plan),
    preparedBytes: bytesIn("prepared", "constant"),
    outputBytes: bytesIn("output"),
  };
}

const parameterWords = (plan: Plan): number =>
  plan.parameters.reduce((sum, { shape, buffer }) => sum + (buffer === undefined ? 0 : sizeOf(shape)), 0);

/** The size of a slot: that of its largest tensor. */
export const slotWords = ({ sizes: all }: Slot, sizes: Sizes): number =>
  largest(
    all.map((size) => evaluateDim(size, sizes)),
    0,
  );

/**
 * Each place of memory that a step reads counts once; of a table only the rows that are looked up. `elementBytes` are
 * those of an element of a buffer, where a target stores some smaller than in a word.
 */
export function stepStats(
  step: Step,
  sizes: Sizes,
  elementBytes: (buffer: number) => number = () => WORD_BYTES,
): StepStats {
  const written = step.results.map(
    ({ buffer, type }) => elementBytes(buffer) * elementsIn(type.shape, sizes),
  );
  const table = step.op === "embedding" ? step.operands.table : undefined;
  const read = uniqueViews(operandViews(step)).map((view) => {
    const elements =
      view === table
        ? elementsIn(step.results[0]!.type.shape, sizes)
        : evaluateDim(distinctElements(view), sizes);
    return elementBytes(view.buffer) * elements;
  });
  const add = (a: number, b: number): number => a + b;
  return {
    bytesRead: read.reduce(add, 0),
    bytesWritten: written.reduce(add, 0),
    flops: evaluateDim(step.flops, sizes),
  };
}

/** Bytes of activations that the steps read and write: the part of the bytes moved that fusion can change. */
export function activationBytes(plan: Plan, sizes: Sizes): number {
  const isActivation = ({ buffer }: View): boolean =>
    ["slot", "output"].includes(plan.buffers[buffer]!.home.kind);
  const viewsOf = (step: Step): View[] => [...uniqueViews(operandViews(step)), ...step.results];
  return plan.steps
    .flatMap((step) => viewsOf(step).filter(isActivation))
    .reduce((sum, view) => sum + WORD_BYTES * evaluateDim(distinctElements(view), sizes), 0);
}

const elementsIn = (shape: readonly Dim[], sizes: Sizes): number =>
  sizeOf(shape.map((size) => evaluateDim(size, sizes)));

/** The same elements read twice by one step are read once from memory. */
function uniqueViews(views: readonly View[]): View[] {
  const seen = new Map<string, View>();
  for (const view of views) {
    const layout = view.strides.map((stride, axis) => `${stride.key}×${view.type.shape[axis]!.key}`).join();
    seen.set(`${view.buffer} ${view.offset.key} ${layout}`, view);
  }
  return [...seen.values()];
}
