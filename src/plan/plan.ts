import type { Initializer, Origin, StateKind, SymbolDeclaration } from "../ir/graph.ts";
import type { SessionForm } from "../session/form.ts";
import { symbolsOf, type Dim } from "../tensor/dim.ts";
import type { Dtype, Half } from "../tensor/dtype.ts";
import type { QuantizedForm } from "../tensor/quantized.ts";
import type { TensorType } from "../tensor/type.ts";
import type { KernelCallOf, KernelOp } from "../kernels/contracts.ts";
import type { View } from "../kernels/view.ts";
import type { SizeNeed } from "./size-needs.ts";

/** What the parts of a program have in common: one set of weights, one preparation, one state. */
export interface PlanShared {
  /** What the weights must have: parameters, and the states that begin as weights. */
  readonly parameters: readonly PlanParameter[];
  /** Names of parameters of the model that no output of the plan needs: weights may have them. */
  readonly notNeeded: readonly string[];
  /** The weights in whose place parameters are codes and scales, if modules are to make those, or to take them from a file. */
  readonly packed?: readonly PackedParameterSource[];
  readonly state: readonly PlanState[];
  /** Of all parts. */
  readonly buffers: readonly Buffer[];
  /** Steps that read parameters and constants only: they run once, when the weights are there. */
  readonly prepare: readonly Step[];
}

/** A parameter of the model that the graph has as codes and scales. */
export interface PackedParameterSource extends Pick<PlanParameter, "name" | "dtype" | "shape"> {
  readonly form: QuantizedForm;
  /** Its columns are the rows that are quantized. */
  readonly isTransposed: boolean;
}

/** A graph as an ordered list of kernel calls over buffers. */
export interface PlanPart {
  readonly name: string;
  /** Run-time dims; sizes, offsets and strides are polynomials over them. */
  readonly symbols: readonly SymbolDeclaration[];
  /** What else must hold of them. */
  readonly needs: readonly SizeNeed[];
  readonly inputs: readonly PlanInput[];
  /** Inputs that no caller gives: the output of another part is copied to where they lie. */
  readonly linked?: readonly PlanInput[];
  readonly outputs: readonly PlanOutput[];
  /** The steps of a run, in order. */
  readonly steps: readonly Step[];
  /** The arena of a run: slots one after the other. */
  readonly slots: readonly Slot[];
  /** The buffers that its runs have for themselves: those in slots, and the outputs. */
  readonly runBuffers: readonly number[];
}

/**
 * A model as an ordered list of kernel calls over buffers. Knows nothing of a target: a target turns each step into a
 * call of a kernel (or a dispatch) and each buffer into memory.
 */
export interface Plan extends PlanShared, PlanPart {}

/** Several graphs over one state, planned together. */
export interface ProgramPlan {
  readonly name: string;
  readonly shared: PlanShared;
  readonly parts: readonly PlanPart[];
  /**
   * If it is there, models of the program make sessions, each with a state of its own: what those know of it. A part `run`
   * beside those that decode has no state.
   */
  readonly sessions?: SessionForm;
}

/** A part with what it shares: the plan of its graph. */
export const planOfPart = ({ shared }: ProgramPlan, part: PlanPart): Plan => ({ ...shared, ...part });

/** A plan as a program of one part, `run`. */
export const programOf = (plan: Plan): ProgramPlan => ({
  name: plan.name,
  shared: plan,
  parts: [{ ...plan, name: "run" }],
});

export interface PlanInput {
  readonly name: string;
  readonly type: TensorType;
  /** All elements if the caller leaves the input off; undefined if it must be given. */
  readonly fill: number | undefined;
  readonly buffer: number;
}

/** A tensor that the weights must have under `name`; `buffer` is undefined if no step reads it. */
export interface PlanParameter {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly buffer: number | undefined;
}

/**
 * A tensor that each run leaves as the next one finds it. One of kind `kept` begins as its initializer says, the others as
 * weights. The run-time dims of its type are fixed when its memory is made.
 */
export interface PlanState {
  readonly name: string;
  readonly type: TensorType;
  readonly kind: StateKind;
  readonly init: Initializer;
  /** Where it lies when a run begins. */
  readonly buffer: number;
}

/** The run-time dims that are fixed with the memory of states, in the order in which the plan declares them. */
export const fixedSymbols = ({
  state,
  symbols,
}: Pick<Plan, "state" | "symbols">): readonly SymbolDeclaration[] => {
  const names = new Set(state.flatMap(({ type }) => type.shape.flatMap((size) => [...symbolsOf(size)])));
  return symbols.filter(({ name }) => names.has(name));
};

export interface PlanOutput {
  readonly name: string;
  readonly type: TensorType;
  readonly buffer: number;
}

/** Memory for one tensor; how a target stores its elements, and in how many bytes, is said by `Layout`. */
export interface Buffer {
  /** Unique; what emitted code and listings call it. */
  readonly name: string;
  readonly dtype: Dtype;
  readonly elements: Dim;
  readonly home: Home;
  /** Its elements lie as halves, whatever else the target has floats as. */
  readonly half?: Half;
}

/**
 * Where a buffer lives. `parameter`, `constant` and `prepared` last as long as the model, `output` belongs to the
 * caller, `slot` is memory of the arena from the step that writes it to the last that reads it. `state`
 * passes from run to run; two buffers of one state are the same memory before and after its step.
 */
export type Home =
  | { readonly kind: "parameter"; readonly parameter: string }
  | { readonly kind: "constant"; readonly values: readonly number[] }
  | { readonly kind: "prepared" }
  | { readonly kind: "state"; readonly state: string }
  | { readonly kind: "output"; readonly output: string }
  | { readonly kind: "slot"; readonly slot: number };

/** The memory that the buffers of one place have: those that are in one slot, or are one state, share theirs. */
export function memoryName({ home, name }: Buffer): string {
  if (home.kind === "slot") return `slot ${home.slot}`;
  return home.kind === "state" ? `state ${home.state}` : `own ${name}`;
}

/** What lies there is known before a run, and stays. */
export const isAtLoad = ({ kind }: Home): boolean =>
  kind === "parameter" || kind === "constant" || kind === "prepared";

/** A piece of the arena: as large as the largest of its buffers, of which one at a time is there. */
export interface Slot {
  readonly buffers: readonly number[];
}

export interface StepOf<K extends KernelOp> extends KernelCallOf<K> {
  readonly origin: Origin;
  /** Floating-point operations; a multiply-add counts two. */
  readonly flops: Dim;
}

/** Any step; `step.op` tells which, and TypeScript follows. */
export type Step = { readonly [K in KernelOp]: StepOf<K> }[KernelOp];

/** A view that a step reads, and the name of the operand that it is or belongs to. */
export interface OperandView {
  readonly name: string;
  readonly view: View;
}

/** Everything that a step reads, in the order of its operands: a view in two roles stands there twice. */
export function operandEntries(step: Step): OperandView[] {
  const operands = step.operands as Readonly<Record<string, View | readonly View[] | undefined>>;
  const entries: OperandView[] = [];
  for (const [name, operand] of Object.entries(operands))
    if (Array.isArray(operand)) for (const view of operand as readonly View[]) entries.push({ name, view });
    else if (operand !== undefined) entries.push({ name, view: operand as View });
  return entries;
}

/** Every view that a step reads, in the order of its operands. */
export const operandViews = (step: Step): View[] => operandEntries(step).map(({ view }) => view);
