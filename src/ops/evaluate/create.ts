import type { HostTensor } from "../../tensor/host.ts";

/**
 * T5's bucket for a key `distance` after the query (negative: before it). The reference computes the logarithm in
 * float32, which decides at exact powers, so this does too.
 */
export function relativeBucket(distance: number, buckets: number, far: number, causal: boolean): number {
  const side = causal ? buckets : Math.floor(buckets / 2);
  const first = !causal && distance > 0 ? side : 0;
  const steps = causal ? Math.max(-distance, 0) : Math.abs(distance);
  const near = Math.floor(side / 2);
  if (steps < near) return first + steps;
  const { fround, log } = Math;
  const share = fround(fround(log(fround(steps / near))) / fround(log(far / near)));
  return first + Math.min(near + Math.floor(fround(share * (side - near))), side - 1);
}

/** `ahead`: by how much the first key stands after the first query. */
export function evaluateRelativeBucket(
  rows: number,
  columns: number,
  ahead: number,
  attrs: { readonly buckets: number; readonly far: number; readonly causal: boolean },
): HostTensor {
  const data = Int32Array.from({ length: rows * columns }, (_, at) =>
    relativeBucket((at % columns) + ahead - Math.floor(at / columns), attrs.buckets, attrs.far, attrs.causal),
  );
  return { dtype: "i32", shape: [rows, columns], data };
}
