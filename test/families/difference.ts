import type { HostTensor } from "../../src/tensor/host.ts";

/**
 * The largest difference of two tensors, relative to the largest element; Infinity if the shapes differ or nothing is compared.
 * Rows of padding (mask 0) mean nothing and are left out.
 */
export function relativeDifference(actual: HostTensor, expected: HostTensor, mask?: HostTensor): number {
  if (actual.shape.join() !== expected.shape.join()) return Infinity;
  const width = expected.shape.at(-1)!;
  const isRow = expected.shape.length === 3;
  let largest = 0;
  let difference = 0;
  for (let i = 0; i < expected.data.length; i++) {
    if (isRow && mask?.data[Math.floor(i / width)] === 0) continue;
    largest = Math.max(largest, Math.abs(expected.data[i]!));
    const here = Math.abs(actual.data[i]! - expected.data[i]!);
    difference = Math.max(difference, Number.isNaN(here) ? Infinity : here);
  }
  return largest === 0 ? Infinity : difference / largest;
}
