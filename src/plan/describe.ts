import { largest } from "../support/lists.ts";
import { showAttribute } from "../ir/text/attributes.ts";
import { recordOf } from "../ops/table.ts";
import { showPlace } from "../support/source.ts";
import { constantDim, showDim, type Dim } from "../tensor/dim.ts";
import { showShape } from "../tensor/type.ts";
import { shareLoops } from "./loops.ts";
import { stepWords } from "./names.ts";
import type { Storage } from "../kernels/storage.ts";
import { portableTarget, type Target } from "../kernels/target.ts";
import { layoutOf, type Layout } from "./layout.ts";
import type { Buffer, Home, Plan, Step } from "./plan.ts";
import { planTotals, stepStats, type PlanTotals, type Sizes } from "./stats.ts";
import { isDense, type View } from "../kernels/view.ts";

/** A plan as JSON holds it: sizes are texts such as `768 * B * T`. With sizes for the symbols, costs are in it too. */
export interface PlanDescription {
  readonly name: string;
  readonly symbols: readonly { readonly name: string; readonly max?: number }[];
  readonly inputs: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: readonly string[];
  }[];
  readonly outputs: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: readonly string[];
  }[];
  readonly parameters: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: readonly number[];
  }[];
  /** Sizes in bytes, as all of what follows. */
  readonly slots: readonly string[];
  readonly buffers: readonly {
    readonly name: string;
    readonly storage: Storage;
    readonly bytes: string;
    readonly home: Home;
  }[];
  readonly prepare: readonly StepDescription[];
  readonly steps: readonly StepDescription[];
  /** Steps that are one loop over elements, by their indices in `steps`. */
  readonly loops: readonly (readonly number[])[];
  readonly totals?: PlanTotals;
}

export interface StepDescription {
  readonly op: string;
  readonly label: string;
  /** `model.lmg:9:5`, the line of the user's own file; empty if none is known. */
  readonly place: string;
  readonly fused: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
  readonly operands: Readonly<Record<string, ViewDescription | readonly ViewDescription[]>>;
  readonly results: readonly ViewDescription[];
  /** Bytes that it needs beside them while it runs, if the target says so. */
  readonly scratch?: string;
  /** The operand that is too large for the target to be given whole. */
  readonly split?: string;
  readonly flops?: number;
  readonly bytesRead?: number;
  readonly bytesWritten?: number;
}

export interface ViewDescription {
  readonly buffer: string;
  readonly shape: readonly string[];
  /** Only of views that are not a whole buffer, row-major. */
  readonly offset?: string;
  readonly strides?: readonly string[];
}

/** A plan for a target, which says how its buffers are stored and what its kernels need. */
export function describePlan(plan: Plan, sizes?: Sizes, target: Target = portableTarget): PlanDescription {
  const layout = layoutOf(plan, target);
  const step = (each: Step): StepDescription => ({
    ...describeStep(each, plan),
    ...needsOf(each, target, layout),
    ...(sizes === undefined ? {} : stepStats(each, sizes, layout)),
  });
  const typed = ({ name, type }: Plan["inputs"][number] | Plan["outputs"][number]) => ({
    name,
    dtype: type.dtype,
    shape: type.shape.map(showDim),
  });
  const description = {
    name: plan.name,
    symbols: plan.symbols,
    inputs: plan.inputs.map(typed),
    outputs: plan.outputs.map(typed),
    parameters: plan.parameters.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    slots: layout.slots(plan).map(showSlot),
    buffers: plan.buffers.map(({ name, home }, buffer) => ({
      name,
      storage: layout.storage(buffer),
      bytes: showDim(layout.bytes(buffer)),
      home,
    })),
    prepare: plan.prepare.map(step),
    steps: plan.steps.map(step),
    loops: loopsOf(plan, target),
  };
  return sizes === undefined ? description : { ...description, totals: planTotals(plan, sizes, layout) };
}

/** The steps of each loop, by their indices. */
function loopsOf(plan: Plan, target: Target): number[][] {
  let index = 0;
  return shareLoops(plan, { target }).flatMap((stage) => {
    if (!("steps" in stage)) return (index++, []);
    return [stage.steps.map(() => index++)];
  });
}

/** What a target's kernel of the step needs beside its operands and results, and what it cannot be given whole. */
function needsOf(step: Step, target: Target, layout: Layout): Pick<StepDescription, "scratch" | "split"> {
  const scratch = target.scratchOf?.(step);
  const split = target.splitOf?.(step, layout.elementBytes);
  return {
    ...(scratch === undefined ? {} : { scratch: showDim(scratch) }),
    ...(split === undefined ? {} : { split }),
  };
}

function describeStep(step: Step, plan: Plan): StepDescription {
  const operands = step.operands as Readonly<Record<string, View | readonly View[] | undefined>>;
  const entries = Object.entries(operands).flatMap(([name, operand]) => {
    if (operand === undefined) return [];
    const isList = Array.isArray(operand);
    const views = (isList ? operand : [operand]) as readonly View[];
    const described = views.map((view) => describeView(view, plan.buffers));
    return [[name, isList ? described : described[0]!] as const];
  });
  return {
    op: step.op,
    label: step.origin.label,
    place: placeOf(step),
    fused: step.origin.fused,
    attributes: attributesOf(step),
    operands: Object.fromEntries(entries),
    results: step.results.map((view) => describeView(view, plan.buffers)),
  };
}

function placeOf({ origin: { spans } }: Step): string {
  const span = spans.at(-1);
  return span === undefined ? "" : showPlace(span);
}

/** The attributes that have not their default, as IR text has them. */
function attributesOf(step: Step): Record<string, string> {
  if (step.op === "copy") return {};
  const specs = recordOf(step.op).attrs;
  const values = step.attrs as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(specs)
      .filter(([name, spec]) => values[name] !== spec.default)
      .map(([name, spec]) => [name, showAttribute(spec.kind, values[name])]),
  );
}

function describeView(view: View, buffers: readonly Buffer[]): ViewDescription {
  const plain = { buffer: buffers[view.buffer]!.name, shape: view.type.shape.map(showDim) };
  if (isDense(view) && constantDim(view.offset) === 0) return plain;
  return { ...plain, offset: showDim(view.offset), strides: view.strides.map(showDim) };
}

const showSlot = (sizes: readonly Dim[]): string => {
  const texts = sizes.map(showDim);
  return texts.length === 1 ? texts[0]! : `max(${texts.join(", ")})`;
};

/**
 * A plan as people read it: the slots, then a line a step:
 *
 *     plan gpt2: 89 steps, 1 at load, 3 slots
 *       slot 0   max(4*T, 3072*B*T) bytes
 *     1  embedding   wte   wte.weight, tokens → 1: [B, T, 768]   gpt2.lmg:20:3
 */
export function printPlan(plan: Plan, target: Target = portableTarget): string {
  const marks = loopMarks(plan, target);
  const layout = layoutOf(plan, target);
  const row = (step: Step, number: string): readonly string[] =>
    stepRow(step, plan, number, needsOf(step, target, layout));
  const rows = [
    ...plan.prepare.map((step) => row(step, marks.size === 0 ? "once" : "once ")),
    ...plan.steps.map((step, index) =>
      row(step, `${index + 1}${marks.size === 0 ? "" : (marks.get(index) ?? " ")}`),
    ),
  ];
  const widths = [0, 1, 2, 3].map((column) =>
    largest(
      rows.map((row) => row[column]!.length),
      0,
    ),
  );
  const lines = rows.map(([number, ...cells]) =>
    [number!.padStart(widths[0]!), ...cells.map((cell, at) => cell.padEnd(widths[at + 1] ?? 0))]
      .join("  ")
      .trimEnd(),
  );
  const slots = layout.slots(plan).map((sizes, index) => `  slot ${index}  ${showSlot(sizes)} bytes`);
  const scratch = layout.scratch(plan.steps);
  if (scratch.length > 0) slots.push(`  scratch  ${showSlot(scratch)} bytes`);
  const head = `plan ${plan.name}: ${plan.steps.length} steps, ${plan.prepare.length} at load, ${plan.slots.length} slots`;
  return [head, ...slots, ...lines].join("\n") + "\n";
}

/** A bracket beside the steps that are one loop. */
const loopMarks = (plan: Plan, target: Target): ReadonlyMap<number, string> =>
  new Map(
    loopsOf(plan, target).flatMap((loop) =>
      loop.map((step, at) => [step, at === 0 ? "┐" : at === loop.length - 1 ? "┘" : "│"] as const),
    ),
  );

function stepRow(
  step: Step,
  plan: Plan,
  number: string,
  { scratch, split }: Pick<StepDescription, "scratch" | "split">,
): readonly string[] {
  const results = step.results.map(
    (view) => `${showHome(plan.buffers[view.buffer]!)}${showShape(view.type.shape)}`,
  );
  const needs = [
    ...(scratch === undefined ? [] : [`${scratch} bytes of scratch`]),
    ...(split === undefined ? [] : [`${split} in parts`]),
  ];
  const made = [results.join(" "), ...needs].join(", ");
  return [number, stepWords(step).join(" + "), step.origin.label, made, placeOf(step)];
}

/** Where a result goes: a slot by its number, an output by its name. */
function showHome({ name, home }: Buffer): string {
  if (home.kind === "slot") return `slot ${home.slot} `;
  return home.kind === "output" ? `output ${home.output} ` : `${name} `;
}
