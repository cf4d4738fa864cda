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
    op: "conv2d",
    inputs: ["x1"],
    odd: [NaN, ...infinities],
    reason:
      "Padding is zeros that are multiplied as any other element, and 0 · NaN is NaN, as in torch.nn.functional.conv2d (2.x, CPU); the record and TypeScript leave out what is outside the picture.",
  },
  {
    engine: "wasm",
    op: "conv2d_x_grad",
    inputs: ["x1"],
    odd: [NaN, ...infinities],
    reason:
      "Around and between the gradient there are zeros that are multiplied with the weights, and 0 · NaN is NaN; the record, as PyTorch, leaves them out.",
  },
  {
    engine: "wasm",
    op: "packed_linear",
    inputs: ["x2", "x3"],
    odd: infinities,
    reason:
      "With activations of int8 a block's whole numbers are added up before its scale is a factor: ∞ times the sum, where the record has ∞ - ∞ once two products have other signs.",
  },
];
