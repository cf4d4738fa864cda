import { rowStep, type View } from "../../../kernels/view.ts";
import type { AttributesOf } from "../../../ops/table.ts";
import { dim, floorDivideDim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import { ROW_UNIT, zeroOf } from "../../../tensor/quantized.ts";
import type { I32 } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import { PackedMatrix, type Form, type PackedViews } from "../packed/layout.ts";
import type { Products } from "../packed/products.ts";
import { BESIDE_BYTES, codeBytes, Rounder } from "../packed/rounding.ts";

/* What products of packed matrices have alike. */

export const bytes = (elements: Dim): Dim => multiplyDims(dim(4), elements);
export const units = (elements: Dim): Dim => floorDivideDim(elements, ROW_UNIT);

/** A packed matrix of a step: what it reads, and how its codes lie. */
interface PackedStep {
  readonly operands: PackedViews;
  readonly attrs: Pick<Form, "bits" | "block" | "narrow">;
}

export const formOf = ({ operands: { minimums }, attrs: { bits, block, narrow } }: PackedStep): Form => ({
  bits,
  block,
  narrow,
  zero: zeroOf(bits, minimums !== undefined),
});

export const matrixOf = (k: KernelWriter, phase: Phase, step: PackedStep, depth: Dim): PackedMatrix =>
  PackedMatrix.of(k, phase, step.operands, formOf(step), k.size(units(depth))(phase));

type Kind = Pick<AttributesOf<"packed_linear">, "bits" | "block" | "narrow" | "activations">;

export const packedName = ({ bits, block, narrow, activations }: Kind): string =>
  [
    `linear_${bits}bit`,
    ...(block === 16 ? ["16"] : []),
    ...(narrow && activations === "int8" ? ["narrow"] : []),
    ...(activations === "int8" ? ["int8"] : []),
  ].join("_");

/**
 * Rows that go through a group of a weight together: what is made of its codes serves all of them, and their sums stay in registers. One
 * where the machine does not unroll.
 */
export const rowsInStep = ({ machine }: KernelWriter, { sums }: Products): number =>
  machine.unroll === 1 ? 1 : 4 / sums;

/** Where the codes of rounded rows go, and what stands beside them. */
interface Rounded {
  readonly codes: (phase: Phase) => I32;
  readonly beside: (phase: Phase) => I32;
  readonly products: Products;
}

/** Rounds all blocks of all rows, in a phase. */
export function roundRows(k: KernelWriter, phase: Phase, x: View, to: Rounded): void {
  const rowUnits = units(x.type.shape.at(-1)!);
  const blocks = multiplyDims(productOfDims(x.type.shape.slice(0, -1)), rowUnits);
  const rounder = new Rounder(phase, k.constants);
  const [xAt, xRow, perRow] = [
    k.address(x)(phase),
    k.size(bytes(rowStep(x)))(phase),
    k.size(rowUnits)(phase),
  ];
  const [codes, beside] = [to.codes(phase), to.beside(phase)];
  const { rounded, offset } = to.products;
  const at = phase.local("i32");
  const { from, to: end } = phase.share(k.size(blocks)(phase));
  phase.push(
    phase.range(from, end, 1, (unit) => [
      at.set(
        i32.add(
          i32.add(xAt, i32.mul(i32.div_u(unit, perRow), xRow)),
          i32.mul(i32.rem_u(unit, perRow), i32.const(4 * ROW_UNIT)),
        ),
      ),
      ...rounder.round(at.get),
      ...rounder.storeCodes(
        i32.add(codes, i32.mul(unit, i32.const(codeBytes(rounded)))),
        i32.add(beside, i32.mul(unit, i32.const(BESIDE_BYTES))),
        rounded,
        offset,
      ),
    ]),
  );
}
