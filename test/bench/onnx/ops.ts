import type { NodeOf, Value } from "../../../src/ir/graph.ts";
import type { OpName } from "../../../src/ops/table.ts";
import { addDims, constantDim } from "../../../src/tensor/dim.ts";
import { attend, rope } from "./attention.ts";
import { reshapeSizes, type Exporter } from "./exporter.ts";
import { MICROSOFT } from "./writer.ts";

/** Writes the nodes of one op, and gives the names of its results. */
export type Emitter<K extends OpName> = (exporter: Exporter, node: NodeOf<K>) => string | readonly string[];

/** The ops that the models of the benches are made of. */
export const emitters: { readonly [K in OpName]?: Emitter<K> } = {
  add: ({ onnx, name }, { operands: { x, y } }) => onnx.one("Add", [name(x), name(y)]),
  mul: ({ onnx, name }, { operands: { x, y } }) => onnx.one("Mul", [name(x), name(y)]),
  relu: ({ onnx, name }, { operands: { x } }) => onnx.one("Relu", [name(x)]),
  silu: ({ onnx, name }, { operands: { x } }) => onnx.one("Mul", [name(x), onnx.one("Sigmoid", [name(x)])]),
  gelu: (exporter, node) => gelu(exporter, node, "none"),
  gelu_tanh: (exporter, node) => gelu(exporter, node, "tanh"),
  softmax: ({ onnx, name }, { operands: { x }, attrs: { axis } }) => onnx.one("Softmax", [name(x)], { axis }),

  embedding: ({ onnx, name }, { operands: { table, ids } }) => onnx.one("Gather", [name(table), name(ids)]),
  iota: ({ onnx, extent }, { attrs: { size, start } }) =>
    onnx.one("Range", [
      onnx.int(constantDim(start)!),
      onnx.one("Squeeze", [extent(addDims(start, size))]),
      onnx.int(1),
    ]),
  reshape: ({ onnx, name }, { operands: { x }, attrs: { shape } }) =>
    onnx.one("Reshape", [name(x), onnx.ints(...reshapeSizes(x.type.shape, shape))]),
  permute: ({ onnx, name }, { operands: { x }, attrs: { axes } }) =>
    onnx.one("Transpose", [name(x)], { perm: axes }),
  slice: ({ onnx, name }, { operands: { x }, attrs: { axis, start, size } }) => {
    const from = constantDim(start)!;
    const ends = [onnx.ints(from), onnx.ints(from + constantDim(size)!)];
    return onnx.one("Slice", [name(x), ...ends, onnx.ints(axis)]);
  },

  linear: (exporter, node) => linear(exporter, node),
  attend: (exporter, node) => attend(exporter, node),
  rope: (exporter, node) => rope(exporter, node),

  layer_norm: ({ onnx, name, optional }, { operands: { x, weight, bias }, attrs: { eps } }) =>
    onnx.one("LayerNormalization", [name(x), optional(weight), optional(bias)], { epsilon: { float: eps } }),
  rms_norm: (exporter, node) => rmsNorm(exporter, node),
  batch_norm: (exporter, { operands: { x, weight, bias, mean, variance }, attrs: { eps } }) => {
    const values = [x, weight!, bias!, mean, variance].map(exporter.name);
    return exporter.onnx.one("BatchNormalization", values, { epsilon: { float: eps } });
  },
  add_norm: (exporter, node) => addNorm(exporter, node),
};

/** x Wᵀ + b; run times pack weights [K, N] at load. The fused form leaves the bias of a gelu to it. */
function linear(exporter: Exporter, node: NodeOf<"linear">): string {
  const { x, weight, bias } = node.operands;
  const { onnx } = exporter;
  if (x.type.shape.length === 2 && bias !== undefined) {
    const transB = node.attrs.layout === "out_in" ? 1 : 0;
    return onnx.one("Gemm", [x, weight, bias].map(exporter.name), { transB });
  }
  const columns = node.attrs.layout === "in_out" ? exporter.name(weight) : transposed(exporter, weight);
  const product = onnx.one("MatMul", [exporter.name(x), columns]);
  if (bias === undefined || geluAfter(exporter, node.results[0]!)) return product;
  return onnx.one("Add", [product, exporter.name(bias)]);
}

/** A matrix [N, K] as [K, N]. */
function transposed(exporter: Exporter, value: Value): string {
  const { shape, data } = exporter.weight(value);
  const [rows, columns] = [shape[0]!, shape[1]!];
  const turned = new Float32Array(data.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      turned[column * rows + row] = data[row * columns + column]!;
  return exporter.onnx.floats([columns, rows], turned);
}

/** Whether onnxruntime's BiasGelu or FastGelu will take a bias along. */
function geluAfter(exporter: Exporter, product: Value): boolean {
  const [reader, ...others] = exporter.readers(product);
  const isGelu = reader?.op === "gelu" || reader?.op === "gelu_tanh";
  return exporter.form === "fused" && isGelu && others.length === 0;
}

function gelu(exporter: Exporter, node: NodeOf<"gelu" | "gelu_tanh">, approximate: string): string {
  const { x } = node.operands;
  const before = exporter.producer(x);
  const bias = before?.op === "linear" ? before.operands.bias : undefined;
  if (bias === undefined || !geluAfter(exporter, x))
    return exporter.onnx.one("Gelu", [exporter.name(x)], { approximate });
  const op = approximate === "tanh" ? "FastGelu" : "BiasGelu";
  return exporter.onnx.one(op, [exporter.name(x), exporter.name(bias)], {}, MICROSOFT);
}

/** As exporters write it, and as onnxruntime finds it to make one op of it. */
function rmsNorm(
  exporter: Exporter,
  { operands: { x, weight }, attrs: { eps } }: NodeOf<"rms_norm">,
): string {
  const { onnx } = exporter;
  const value = exporter.name(x);
  const number = (each: number): string => exporter.once(`number ${each}`, () => onnx.floats([], [each]));
  const mean = onnx.one("ReduceMean", [onnx.one("Pow", [value, number(2)]), onnx.ints(-1)]);
  const root = onnx.one("Sqrt", [onnx.one("Add", [mean, number(eps)])]);
  return onnx.one("Mul", [onnx.one("Div", [value, root]), exporter.optional(weight)]);
}

/** A residual edge and the one norm after it, as onnxruntime has them: both add from left to right. */
function addNorm(exporter: Exporter, node: NodeOf<"add_norm">): readonly string[] {
  const { source, branches, weights, biases } = node.operands;
  const { norm, eps, affines, keep_sum, inner } = node.attrs;
  if (affines.length !== 1 || inner !== "none" || (norm !== "layer" && norm !== "rms"))
    throw new Error("an edge of this kind has no form in ONNX here");
  const { onnx } = exporter;
  const [skip, ...rest] = exporter.names(branches).toReversed();
  const sum = rest
    .toReversed()
    .reduce((left, right) => onnx.one("Add", [left, right]), exporter.name(source));
  const op = norm === "layer" ? "SkipLayerNormalization" : "SkipSimplifiedLayerNormalization";
  const affine = [weights[0], biases[0]].slice(0, norm === "layer" ? 2 : 1).map(exporter.optional);
  const options = { results: 4, domain: MICROSOFT };
  const results = onnx.add(op, [sum, skip!, ...affine], { epsilon: { float: eps } }, options);
  return keep_sum ? [results[0]!, results[3]!] : [results[0]!];
}
