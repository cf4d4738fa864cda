import type { OpName } from "../../../src/ops/table.ts";
import { largest } from "../../../src/support/lists.ts";
import { isFloat } from "../../../src/tensor/dtype.ts";
import type { HostTensor } from "../../../src/tensor/host.ts";
import { FLOAT32 } from "../op-graphs.ts";

/**
 * What is between inputs and results is float32 too: sums of 16 parts, means, quotients lose some units of 2^-24 more than `FLOAT32`
 * allows. A mean that is off by half a unit moves all elements of its row: large ones by that unit.
 */
export const ARITHMETIC = 2.5 * FLOAT32;
const UNIT = 2 ** -23;
/** Where a row has no spread, gradients are multiplied by 1 / √eps, and so is what was rounded before. */
const STEEP: { readonly [op: string]: number } = { norm_grad: 2 ** -24 / Math.sqrt(1e-5) };

/** What the kernel of an op may differ by for a case, relative to the largest element. */
export function toleranceOf(
  op: OpName,
  { tolerance = 0 }: { readonly tolerance?: number },
  tensors: Readonly<Record<string, HostTensor>>,
): number {
  const sizes = Object.values(tensors).flatMap(({ dtype, data }) =>
    isFloat(dtype) ? Array.from(data, Math.abs).filter(Number.isFinite) : [],
  );
  return largest([tolerance, ARITHMETIC, UNIT * largest(sizes), STEEP[op] ?? 0]);
}
