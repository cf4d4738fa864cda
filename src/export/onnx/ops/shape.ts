import { addDims } from "../../../tensor/dim.ts";
import { heldAs } from "../../../checkpoint/onnx/held.ts";
import type { Exporter, OnnxEmitter } from "../exporter.ts";
import type { Dtype } from "../../../tensor/dtype.ts";

type ShapeOp = "reshape" | "permute" | "broadcast" | "slice" | "concat" | "cast" | "embedding";

export const shapeEmitters = {
  reshape: ({ operands: { x }, attrs: { shape } }, exporter) =>
    exporter.reshaped(exporter.name(x), x.type.shape, shape),
  permute: ({ operands: { x }, attrs: { axes } }, { one, name }) =>
    one("Transpose", [name(x)], { perm: axes }),
  broadcast: ({ operands: { x }, attrs: { shape } }, { one, name, sizes }) =>
    one("Expand", [name(x), sizes(shape)]),
  slice: (node, exporter) => {
    const { operands, attrs } = node;
    const { one, name, size, ints } = exporter;
    const end = addDims(attrs.start, attrs.size);
    return (
      exporter.tile(node) ?? one("Slice", [name(operands.x), size(attrs.start), size(end), ints(attrs.axis)])
    );
  },
  concat: ({ operands: { values }, attrs: { axis } }, { one, names }) =>
    one("Concat", names(values), { axis }),
  cast: ({ operands: { x }, attrs: { dtype } }, exporter) => {
    const held = heldAs(dtype);
    const name = exporter.name(x);
    const isSame = heldAs(x.type.dtype) === held;
    return rounded(exporter, isSame ? name : exporter.cast(name, held), dtype);
  },
  embedding: ({ operands: { table, ids } }, { one, name }) =>
    one("Gather", [name(table), name(ids)], { axis: 0 }),
} as const satisfies { readonly [K in ShapeOp]: OnnxEmitter<K> };

/** The f32 that a half is, of an f32; others as they are. */
export const rounded = (exporter: Exporter, name: string, dtype: Dtype): string =>
  dtype === "f16" || dtype === "bf16" ? exporter.cast(exporter.cast(name, dtype), "f32") : name;

/** x with two axes in each other's places. */
export const swapped = ({ one }: Exporter, x: string, rank: number, a: number, b: number): string => {
  const perm = Array.from({ length: rank }, (_, axis) => (axis === a ? b : axis === b ? a : axis));
  return one("Transpose", [x], { perm });
};
