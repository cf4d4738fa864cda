import type { KernelOp } from "../../kernels/contracts.ts";
import type { Step, StepOf } from "../../plan/plan.ts";
import type { View } from "../../kernels/view.ts";
import type { Dim } from "../../tensor/dim.ts";
import type { WgslTarget } from "./target.ts";

/** One shader with one entry point; two kernels with the same text are one. */
export interface Kernel {
  /** Also the name of the entry point; a number is added if another kernel has the name. */
  readonly name: string;
  /** What it computes, a sentence a line. */
  readonly doc: readonly string[];
  /** Directives that come before everything else. */
  readonly enables: readonly string[];
  /** The text after them; `${entryPoint}` stands where the entry point's name is to be. */
  readonly text: string;
  readonly workgroupSize: number;
  /** Bytes of workgroup memory. */
  readonly workgroupBytes: number;
  /** Whether binding 0 is the uniform block of run-time dims; storage bindings follow it. */
  readonly readsDims: boolean;
}

/** Stands for the entry point's name in a kernel's text. */
export const entryPoint = "«entry»";

/** Stands for the memory in which the dispatches of one step leave numbers for each other. */
export const SCRATCH = "scratch";

/** A storage buffer of a dispatch. */
export interface Binding {
  /** The names that the kernel's operands and results have, if several lie in this buffer: `q_k_v`. */
  readonly name: string;
  /** An index into the plan's buffers; of several that share a slot, one. */
  readonly buffer: number | typeof SCRATCH;
  readonly writes: boolean;
  /** Present if the binding is several vectors one after the other, each from an even place: a device binds few buffers. */
  readonly pack?: readonly number[];
}

/** The storage buffers that every device lets a shader bind. */
export const MAX_BINDINGS = 8;

/**
 * How many workgroups run: a list of `count / per` (spread over two axes where one is too short), or a grid of them.
 * Divisions round up.
 */
export type Groups =
  | { readonly kind: "list"; readonly count: Dim; readonly per: number }
  | { readonly kind: "grid"; readonly axes: readonly { readonly count: Dim; readonly per: number }[] };

/** A matrix of which a device may not bind all rows at once: then there is one dispatch for each part of them. */
export interface Parts {
  /** Which binding. */
  readonly binding: number;
  readonly rows: number;
  /** Elements from one row to the next. */
  readonly rowElements: number;
  /** Whether the grid's first axis walks the rows, so that each part has a share of it. */
  readonly along: boolean;
}

/** The runs that a dispatch is for. */
export interface When {
  readonly size: Dim;
  readonly atMost?: number;
  readonly above?: number;
}

/** A step, or a stage of one, as a dispatch. */
export interface Dispatch {
  /** A step of several stages runs one dispatch of each, in order. Default: 0. */
  readonly stage?: number;
  readonly kernel: Kernel;
  /** Values of the kernel's override constants. */
  readonly constants: Readonly<Record<string, number>>;
  readonly bindings: readonly Binding[];
  /** What it reads and writes of the plan. */
  readonly reads: readonly View[];
  readonly writes: readonly View[];
  /** Numbers of 32 bits that it needs of the scratch memory. */
  readonly scratch?: Dim;
  readonly groups: Groups;
  /**
   * Present if the dispatch is only for runs in which `size` is small, or large; it comes before the one for all runs, if there
   * is one.
   */
  readonly when?: When;
  readonly parts?: Parts;
}

/** What a kernel is told beside its step. */
export interface Context {
  readonly target: WgslTarget;
  /** Whether the floats of a buffer lie in 16 bits. */
  readonly isHalf: (buffer: number) => boolean;
  /** Which memory a plan's buffer lies in: views with the same number overlap. */
  readonly memoryOf: (buffer: number) => string;
  /** The elements of a buffer as it is when a run begins, if they are few enough to be copied beside others. */
  readonly vectorLength: (buffer: number) => number | undefined;
  /** The operand of a step that must be bound part by part on a device with the default limits. */
  readonly splitOf: (step: Step) => string | undefined;
}

/** Writes a step of one op as dispatches, of which the first of each stage that is meant for a run's sizes is run. */
export type WgslKernel<K extends KernelOp> = (step: StepOf<K>, context: Context) => readonly Dispatch[];
