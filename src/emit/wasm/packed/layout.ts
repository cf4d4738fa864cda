import type { OperandForm } from "../../../kernels/panels.ts";
import type { View } from "../../../kernels/view.ts";
import { ROW_UNIT } from "../../../tensor/quantized.ts";
import type { I32, Statement, V128 } from "../assembler/code.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import type { KernelWriter, Phase } from "../kernel.ts";

/**
 * Rows of a weight whose codes lie side by side: the 32 codes of a unit of each, then those of the next unit, and beside them
 * four scales a block. One stream is read, and a unit ends in one vector of sums: row by row a core reads 10 to 20 % less
 * in a second from memory, two or four rows at a time of a matrix that lies row by row half (both on an AMD EPYC).
 */
export const GROUP = 4;

/** How kernels want the parts of a packed matrix; undefined for what is no part. */
export function packedForm(operand: string, bits: number): OperandForm | undefined {
  const panels = { kind: "panels", axis: 0, width: GROUP, atLoadOnly: false } as const;
  // 32 codes are as many words as a code has bits.
  if (operand === "codes") return { ...panels, piece: bits };
  return operand === "scales" || operand === "minimums" ? panels : undefined;
}

export interface PackedViews {
  readonly codes: View;
  readonly scales: View;
  readonly minimums: View | undefined;
}

export interface Form {
  readonly bits: number;
  readonly block: number;
}

/** Bytes of the codes of a unit of four rows. */
export const unitBytes = ({ bits }: Form): number => (GROUP * ROW_UNIT * bits) / 8;

/** Bytes of their scales. */
export const scaleBytes = ({ block }: Form): number => 4 * GROUP * (ROW_UNIT / block);

/** Where the groups of rows of a packed matrix lie. */
export class PackedMatrix {
  readonly form: Form;
  readonly units: I32;
  readonly #starts: readonly { readonly at: I32; readonly bytes: number }[];
  readonly #places: readonly Local<"i32">[];

  /** `units` of a row. */
  constructor(
    k: KernelWriter,
    phase: Phase,
    { codes, scales, minimums }: PackedViews,
    form: Form,
    units: I32,
  ) {
    this.form = form;
    this.units = units;
    const starts = [
      { view: codes, bytes: unitBytes(form) },
      { view: scales, bytes: scaleBytes(form) },
      ...(minimums === undefined ? [] : [{ view: minimums, bytes: scaleBytes(form) }]),
    ];
    this.#starts = starts.map(({ view, bytes }) => ({ at: k.address(view)(phase), bytes }));
    this.#places = phase.locals("i32", starts.length);
  }

  get hasMinimums(): boolean {
    return this.#places.length === 3;
  }

  /** Goes to the first unit of a group. */
  enter(group: I32): Statement[] {
    return this.#places.map((place, index) => {
      const { at, bytes } = this.#starts[index]!;
      return place.set(i32.add(at, i32.mul(group, i32.mul(this.units, i32.const(bytes)))));
    });
  }

  /** Goes to the next unit. */
  step(): Statement[] {
    return this.#places.map((place, index) =>
      place.set(i32.add(place.get, i32.const(this.#starts[index]!.bytes))),
    );
  }

  /** The first byte of the codes of the unit. */
  get codes(): I32 {
    return this.#places[0]!.get;
  }

  /** Bytes from the codes of one row of the unit to those of the next. */
  get rowBytes(): number {
    return unitBytes(this.form) / GROUP;
  }

  /** A scale of each row, of a block of the unit. */
  scales(block: number): V128 {
    return v128.load(this.#places[1]!.get, 4 * GROUP * block);
  }

  minimums(block: number): V128 {
    return v128.load(this.#places[2]!.get, 4 * GROUP * block);
  }

  /** The scale of one row of the unit, in all lanes; `row` in bytes of a scale. */
  rowScale(row: I32, block: number): V128 {
    return v128.load32_splat(i32.add(this.#places[1]!.get, row), 4 * GROUP * block);
  }

  rowMinimum(row: I32, block: number): V128 {
    return v128.load32_splat(i32.add(this.#places[2]!.get, row), 4 * GROUP * block);
  }
}
