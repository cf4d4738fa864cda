import type { KernelOp } from "../../kernels/contracts.ts";
import type { View } from "../../kernels/view.ts";
import type { StepOf } from "../../plan/plan.ts";
import { constantDim, dim, type Dim } from "../../tensor/dim.ts";
import { atomics } from "./assembler/atomics.ts";
import { drop, type I32, type Statement } from "./assembler/code.ts";
import { leave, select, when } from "./assembler/control.ts";
import { FunctionWriter, type Local } from "./assembler/function.ts";
import { i32 } from "./assembler/numbers.ts";
import type { Constants, Machine } from "./machine.ts";
import { control, refusalKinds, REFUSALS_AT, stops } from "./map.ts";

/**
 * What a word of a call's record holds: the host works it out once the sizes of a run are known. `address`: of the first
 * element of a view, in bytes. `size`: of a run-time dim. `number`: as it is, a word of 32 bits. `own`: the address of
 * the memory that threads have for themselves while the kernel runs, one after the other, each `ownStep` bytes;
 * `shared`: of memory that all threads have together for that time.
 */
export type Word =
  | { readonly kind: "address"; readonly view: View }
  | { readonly kind: "size"; readonly size: Dim }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "own" }
  | { readonly kind: "ownStep" }
  | { readonly kind: "shared" };

/** Bytes that a kernel needs beside its tensors: of each thread, and of all together. */
export interface Scratch {
  readonly own: Dim;
  readonly shared: Dim;
}

/**
 * A kernel of a step. Its phases run one after the other, each in all threads at once; between two of them all threads
 * wait for each other. What a thread does of a phase must not depend on how many there are, but for which part it takes:
 * all numbers of threads give the same bits.
 */
export interface Kernel {
  readonly name: string;
  /** What it computes, in a line. */
  readonly doc: string;
  readonly phases: readonly Phase[];
  /** The record of a call. */
  readonly words: readonly Word[];
  readonly scratch: Scratch;
}

/** Parameters of every phase: the address of the record, the thread's rank, the number of threads. */
export const PARAMETERS = ["i32", "i32", "i32"] as const;

/** The code of a phase while it is written; what it reads of the record it reads once, at its start. */
export class Phase extends FunctionWriter {
  readonly #words = new Map<number, Local<"i32">>();
  readonly #prologue: Statement[] = [];
  /** Whether it may refuse what it reads. */
  mayRefuse = false;

  constructor() {
    super(PARAMETERS);
    super.push({
      type: "none",
      write: (to) => {
        for (const statement of this.#prologue) statement.write(to);
      },
    });
  }

  get record(): I32 {
    return this.parameter(0).get;
  }

  get rank(): I32 {
    return this.parameter(1).get;
  }

  get ranks(): I32 {
    return this.parameter(2).get;
  }

  /** A word of the record. */
  word(index: number): I32 {
    const known = this.#words.get(index);
    if (known !== undefined) return known.get;
    const local = this.local("i32");
    this.#words.set(index, local);
    this.#prologue.push(local.set(i32.load(this.record, 4 * index)));
    return local.get;
  }

  /** A number that stands still, computed before everything else. */
  still(value: I32): I32 {
    if (value.known !== undefined) return value;
    const local = this.local("i32");
    this.#prologue.push(local.set(value));
    return local.get;
  }

  /**
   * The part of `count` units that is this thread's: from, and to. Parts are equal but for one unit, in the order of the
   * ranks; `grain` units stay together.
   */
  share(count: I32, grain = 1): { readonly from: I32; readonly to: I32 } {
    const groups = grain === 1 ? count : i32.div_u(i32.add(count, i32.const(grain - 1)), i32.const(grain));
    const bound = (rank: I32): I32 => {
      const first = i32.mul(i32.div_u(i32.mul(groups, rank), this.ranks), i32.const(grain));
      return grain === 1 ? first : select(i32.lt_u(first, count), first, count);
    };
    return { from: this.still(bound(this.rank)), to: this.still(bound(i32.add(this.rank, i32.const(1)))) };
  }
}

/**
 * 0 ≤ index < end, or the thread leaves the phase, having said in memory what it found. All that follows runs on what it
 * left, so that every kernel checks the ids that it reads. The run ends where its threads meet next, and the host throws.
 */
export function refuse(phase: Phase, kind: keyof typeof refusalKinds, index: I32, end: I32): Statement {
  phase.mayRefuse = true;
  const at = i32.add(i32.const(REFUSALS_AT), i32.shl(phase.rank, i32.const(4)));
  return when(i32.ge_u(index, end), [
    when(i32.eqz(i32.load(at)), [
      i32.store(at, i32.const(refusalKinds[kind])),
      i32.store(at, index, 4),
      i32.store(at, end, 8),
      i32.store(at, phase.record, 12),
      drop(atomics.or(i32.const(control.STOP), i32.const(stops.refused))),
    ]),
    leave,
  ]);
}

/** Writes a kernel: what its record holds, and its phases. */
export class KernelWriter {
  readonly machine: Machine;
  readonly constants: Constants;
  readonly #words: Word[] = [];
  readonly #phases: Phase[] = [];
  #scratch: Scratch = { own: dim(0), shared: dim(0) };

  constructor({ machine, constants }: Pick<KernelWriter, "machine" | "constants">) {
    this.machine = machine;
    this.constants = constants;
  }

  /** Begins a phase. */
  phase(): Phase {
    const phase = new Phase();
    this.#phases.push(phase);
    return phase;
  }

  /** The address of a view's first element, in bytes. */
  address(view: View): (phase: Phase) => I32 {
    return this.#word({ kind: "address", view });
  }

  /** A size: part of the code where it is known now. */
  size(size: Dim): (phase: Phase) => I32 {
    const known = constantDim(size);
    return known === undefined ? this.sizeWord(size) : () => i32.const(known);
  }

  /** A size that a call brings even where it is known, so that steps of other sizes share the kernel. */
  sizeWord(size: Dim): (phase: Phase) => I32 {
    return this.#word({ kind: "size", size });
  }

  /** A number that differs from call to call, as a word of 32 bits. */
  number(value: number): (phase: Phase) => I32 {
    return this.#word({ kind: "number", value });
  }

  /** Asks for memory of each thread's own: the calling one's address. */
  own(bytes: Dim): (phase: Phase) => I32 {
    this.#scratch = { ...this.#scratch, own: bytes };
    const [first, step] = [this.#word({ kind: "own" }), this.#word({ kind: "ownStep" })];
    return (phase) => phase.still(i32.add(first(phase), i32.mul(phase.rank, step(phase))));
  }

  /** Asks for memory that the threads share: its address. */
  shared(bytes: Dim): (phase: Phase) => I32 {
    this.#scratch = { ...this.#scratch, shared: bytes };
    return this.#word({ kind: "shared" });
  }

  finish(name: string, doc: string): Kernel {
    return { name, doc, phases: this.#phases, words: this.#words, scratch: this.#scratch };
  }

  #word(word: Word): (phase: Phase) => I32 {
    const index = this.#words.push(word) - 1;
    return (phase) => phase.word(index);
  }
}

/** Writes a step of one op. */
export type WasmKernel<K extends KernelOp> = (step: StepOf<K>, k: KernelWriter) => Kernel;
