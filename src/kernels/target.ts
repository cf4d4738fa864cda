import type { Dtype } from "../tensor/dtype.ts";
import { isFloat } from "../tensor/dtype.ts";
import type { Dim } from "../tensor/dim.ts";
import { contracts, type KernelCall, type KernelOp } from "./contracts.ts";
import type { OperandForm, Panels } from "./panels.ts";
import type { Storage } from "./storage.ts";

/** How much one kernel may take in. A device binds few buffers, an engine has few registers. */
export interface Limits {
  /** Different tensors that a chain of elementwise ops reads. */
  readonly inputs: number;
  /** Tensors that an epilogue of a product reads. */
  readonly extras: number;
  /** Branches that the join of a residual edge adds. */
  readonly branches: number;
  /** Steps that are one loop, beside those that fold what it has into one number. */
  readonly loopSteps: number;
}

/** What a buffer is for, as far as its storage depends on it. */
export interface StoredAs {
  readonly dtype: Dtype;
  readonly home: "parameter" | "constant" | "prepared" | "state" | "output" | "slot";
}

/** A kernel as a plan chooses it for a node. */
export interface ChosenKernel {
  readonly op: KernelOp;
  readonly attrs: Readonly<Record<string, unknown>>;
}

/** What passes, plans and layouts know of what they are made for. */
export interface Target {
  /** As the command line calls it. */
  readonly name: string;
  readonly limits: Limits;
  /** Whether what a run gives lies on a device, from which copying it takes long. */
  readonly isDevice?: true;
  /** How products of packed weights read activations: as they are, if left off. */
  readonly activations?: "int8";
  /** How an operand of a kernel is to lie, where that is not as the contract of the op says. */
  readonly formOf?: (kernel: ChosenKernel, operand: string) => OperandForm | undefined;
  /** How it keeps weights that are halves, if it does: matrices of linears lie as `formOf` says, tables of embeddings so. */
  readonly halves?: {
    readonly table: Panels;
    /** A table that linears read too, which is there once. */
    readonly shared: Panels;
  };
  /** How the elements of a buffer lie in memory, if the plan does not say it. */
  readonly storageOf: (buffer: StoredAs) => Storage;
  /**
   * Bytes that a kernel needs beside its operands and results while it runs, which the next one may have for itself; of
   * several threads that run it together, each needs as much.
   */
  readonly scratchOf?: (call: KernelCall) => Dim | undefined;
  /**
   * The operand that is too large for a kernel to be given whole, whose rows it is given part by part; `elementBytes` are
   * those of a buffer.
   */
  readonly splitOf?: (call: KernelCall, elementBytes: (buffer: number) => number) => string | undefined;
}

/** Floats in 32 bits, everything else as 32-bit whole numbers. */
export const wordStorage = ({ dtype }: Pick<StoredAs, "dtype">): Storage => (isFloat(dtype) ? "f32" : "i32");

/**
 * What every target can do: WebGPU's default of 8 storage buffers a kernel leaves 7 inputs beside a result, 4 extras beside
 * two operands, a result and what it is added to, and as many branches of an edge beside its norms. A loop of 8 steps
 * keeps its values in the registers of a core.
 */
export const portableTarget: Target = {
  name: "portable",
  limits: { inputs: 7, extras: 4, branches: 4, loopSteps: 8 },
  storageOf: wordStorage,
};

/** How an operand is to lie for a target; `isAtLoad`: all of it is known before a run. */
export function formFor(
  target: Target,
  kernel: ChosenKernel,
  operand: string,
  isAtLoad: boolean,
): OperandForm {
  const forms = contracts[kernel.op].forms as Readonly<Record<string, OperandForm>>;
  const wish = target.formOf?.(kernel, operand);
  const isOdd = wish === undefined || (typeof wish !== "string" && wish.atLoadOnly && !isAtLoad);
  return isOdd ? forms[operand]! : wish;
}
