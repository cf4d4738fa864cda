import type { NodeOf, Value } from "../../../ir/graph.ts";
import { constantDim, productOfDims } from "../../../tensor/dim.ts";
import type { Exporter, OnnxEmitter } from "../exporter.ts";
import { OnnxGraph } from "../writer.ts";
import { scan, valueInfo } from "./scan.ts";
import { swapped } from "./shape.ts";

type LinearOp = "matmul" | "linear" | "conv2d" | "max_pool2d" | "routed_linear";

/** Twice the padding of each axis: before, and after. */
const around = (padding: readonly number[]): readonly number[] => [...padding, ...padding];

export const linearEmitters = {
  matmul: ({ operands: { a, b }, attrs: { transpose_b } }, exporter) => {
    const rank = b.type.shape.length;
    const right = transpose_b
      ? swapped(exporter, exporter.name(b), rank, rank - 2, rank - 1)
      : exporter.name(b);
    return exporter.one("MatMul", [exporter.name(a), right]);
  },
  linear: (node, exporter) => linear(exporter, node),
  conv2d: ({ operands: { x, weight, bias }, attrs }, { one, name, optional }) =>
    one("Conv", [name(x), name(weight), optional(bias)], {
      strides: attrs.stride,
      pads: around(attrs.padding),
      group: attrs.groups,
    }),
  max_pool2d: ({ operands: { x }, attrs: { kernel, stride, padding } }, { one, name }) =>
    one("MaxPool", [name(x)], { kernel_shape: kernel, strides: stride, pads: around(padding) }),
  routed_linear: (node, exporter) => routedLinear(exporter, node),
} as const satisfies { readonly [K in LinearOp]: OnnxEmitter<K> };

/**
 * x Wᵀ + b. Run times turn a weight [N, K] once, when they load it. Gemm takes the bias along, which an Add would read all sums
 * again for; it wants rows.
 */
function linear(
  exporter: Exporter,
  { operands: { x, weight, bias }, attrs: { layout }, results: [out] }: NodeOf<"linear">,
): string {
  const { one, name } = exporter;
  if (bias !== undefined) {
    const [{ shape }, to] = [x.type, out!.type.shape];
    const isRows = shape.length === 2;
    const rows = isRows ? name(x) : rowsOf(exporter, name(x), constantDim(shape.at(-1)!)!);
    const made = one("Gemm", [rows, name(weight), name(bias)], { transB: layout === "out_in" ? 1 : 0 });
    return isRows ? made : exporter.sized(made, to);
  }
  const columns = layout === "in_out" ? name(weight) : turned(exporter, weight);
  return one("MatMul", [name(x), columns]);
}

/** x as rows, once for all linears that read it. */
const rowsOf = (exporter: Exporter, x: string, width: number): string =>
  exporter.once(
    `rows of ${x}`,
    () => exporter.one("Reshape", [x, exporter.ints(-1, width)]),
    exporter.onnx.place.label,
  );

/** A matrix [N, K] as [K, N], once for all that read it: a tied table stays one in the file. */
const turned = (exporter: Exporter, weight: Value): string => {
  const name = exporter.name(weight);
  return exporter.once(`turned ${name}`, () => swapped(exporter, name, 2, 0, 1), name.split("/")[0]);
};

/**
 * A place after the other, each with the matrices that it chose: a Scan, so that what nothing chose is not read, and no more
 * matrices are copied at once than a place chooses.
 */
function routedLinear(
  exporter: Exporter,
  { operands: { x, weight, chosen }, attrs: { layout }, results: [out] }: NodeOf<"routed_linear">,
): string {
  const { one, name, ints } = exporter;
  const choices = constantDim(chosen.type.shape.at(-1)!)!;
  const rowChoices = constantDim(x.type.shape.at(-2)!)!;
  const width = constantDim(x.type.shape.at(-1)!)!;
  const columns = constantDim(out!.type.shape.at(-1)!)!;
  const matrices = name(weight);
  const rows = one("Reshape", [name(x), ints(-1, rowChoices, 1, width)]);
  const ids = one("Reshape", [name(chosen), ints(-1, choices)]);
  const body = new OnnxGraph(exporter.onnx.names);
  const [row, id] = [body.names.unique("row"), body.names.unique("id")];
  const own = body.one("Gather", [matrices, id], { axis: 0 });
  const right = layout === "in_out" ? own : body.one("Transpose", [own], { perm: [0, 2, 1] });
  const product = body.one("MatMul", [row, right]);
  const [all] = scan(exporter, {
    name: "routed",
    body,
    states: [],
    rows: [
      { from: rows, info: valueInfo(row, "f32", [rowChoices, 1, width]) },
      { from: ids, info: valueInfo(id, "i32", [choices]) },
    ],
    results: [valueInfo(product, "f32", [choices, 1, columns])],
    axis: 0,
  });
  return exporter.reshaped(all!, [productOfDims(chosen.type.shape.slice(0, -1))], out!.type.shape);
}
