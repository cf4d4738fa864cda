import type { OpName } from "../../src/ops/table.ts";

/** Where a kernel's NaN and infinities are known to be other than its record's, and why that stands. */
export interface Departure {
  readonly engine: "ts" | "wasm";
  readonly op: OpName;
  /** The inputs that lead there, as the test counts operands, and the odd numbers in them. */
  readonly inputs: readonly string[];
  readonly odd: readonly number[];
  readonly reason: string;
}

const infinities = [Infinity, -Infinity];

export const departures: readonly Departure[] = [
  {
    engine: "wasm",
    op: "packed_linear",
    inputs: ["x2", "x3"],
    odd: infinities,
    reason:
      "With activations of int8 a block's whole numbers are added up before its scale is a factor, as torch._int_mm(x, w) · scale has it (PyTorch 2.15, CPU): ∞ times the sum, where the record, which has floats, has ∞ - ∞ once two products have other signs.",
  },
];
