import { mergeAxes } from "../../../kernels/view.ts";
import type { Dim } from "../../../tensor/dim.ts";
import type { I32 } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import type { KernelWriter, Phase } from "../kernel.ts";

/** A tensor that is walked: where it begins, and from one place of each axis to the next, in bytes. */
export interface Walked {
  readonly address: I32;
  readonly steps: readonly Dim[];
}

/** Where the elements of tensors of one shape lie, by the index of a place in row-major order; `sizeOf` has sizes as code. */
export function startsOf(
  k: KernelWriter,
  phase: Phase,
  shape: readonly Dim[],
  tensors: readonly Walked[],
  sizeOf = (size: Dim) => k.size(size),
): (item: I32) => readonly I32[] {
  const axes = mergeAxes(
    shape,
    tensors.map(({ steps }) => steps),
  ).map(({ size, strides }) => ({
    size: sizeOf(size)(phase),
    steps: strides.map((stride) => sizeOf(stride)(phase)),
  }));
  const firsts = tensors.map(({ address }) => address);
  return (item) =>
    axes.reduceRight(
      ({ starts, rest }, { size, steps }, axis) => ({
        starts: starts.map((start, which) =>
          i32.add(start, i32.mul(axis === 0 ? rest : i32.rem_u(rest, size), steps[which]!)),
        ),
        rest: i32.div_u(rest, size),
      }),
      { starts: firsts, rest: item },
    ).starts;
}
