import { relativeBucket } from "../../../ops/evaluate/create.ts";
import { constantDim, addDims, subtractDims } from "../../../tensor/dim.ts";
import type { AttributesOf } from "../../../ops/table.ts";
import { heldAs } from "../../../checkpoint/onnx/held.ts";
import type { Exporter, OnnxEmitter } from "../exporter.ts";
import type { Dim } from "../../../tensor/dim.ts";

/** i64[size]: start, start + 1, …, once for all that read it. */
export const range = (exporter: Exporter, start: Dim, size: Dim): string =>
  exporter.once(`range ${start.key} ${size.key}`, () =>
    exporter.one("Range", [
      exporter.scalarSize(start),
      exporter.scalarSize(addDims(start, size)),
      exporter.int(1),
    ]),
  );

export const createEmitters = {
  constant: ({ attrs: { dtype, shape, values } }, { onnx }) =>
    onnx.tensor(
      "constant",
      heldAs(dtype),
      shape.map((size) => constantDim(size)!),
      values,
    ),
  full: ({ attrs: { dtype, shape, value } }, exporter) => exporter.full(shape, heldAs(dtype), value),
  iota: ({ attrs: { start, size } }, exporter) =>
    exporter.once(`iota ${start.key} ${size.key}`, () => exporter.cast(range(exporter, start, size), "i32")),
  relative_bucket: ({ attrs }, exporter) => relativeBuckets(exporter, attrs),
} as const satisfies { readonly [K in "constant" | "full" | "iota" | "relative_bucket"]: OnnxEmitter<K> };

/** The bucket of each distance out of a table: as `far` is known, so is every bucket, and no logarithm is rounded. */
function relativeBuckets(
  exporter: Exporter,
  { rows, columns, row_start, column_start, buckets, far, causal }: AttributesOf<"relative_bucket">,
): string {
  const { one, ints, int } = exporter;
  const table = exporter.once(`buckets ${buckets} ${far} ${causal}`, () => {
    const values = Array.from({ length: 2 * far + 1 }, (_, at) =>
      relativeBucket(at - far, buckets, far, causal),
    );
    return exporter.onnx.tensor("buckets", "i32", [values.length], values);
  });
  const key = one("Unsqueeze", [range(exporter, subtractDims(column_start, row_start), columns), ints(0)]);
  const query = one("Unsqueeze", [range(exporter, subtractDims(row_start, row_start), rows), ints(1)]);
  const distance = one("Sub", [key, query]);
  const near = one("Clip", [distance, int(-far), int(far)]);
  return one("Gather", [table, one("Add", [near, int(far)])]);
}
