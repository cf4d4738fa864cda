import type { NodeOf } from "../../../ir/graph.ts";
import { constantDim } from "../../../tensor/dim.ts";
import { heldAs } from "../../../checkpoint/onnx/held.ts";
import type { Exporter, OnnxEmitter } from "../exporter.ts";

type Reduction = "reduce_sum" | "reduce_mean" | "reduce_max" | "reduce_min";
type ReduceOp = Reduction | "cumsum" | "topk" | "spread" | "take" | "softmax" | "log_softmax";

const reduction =
  (op: string) =>
  ({ operands: { x }, attrs: { axes, keep } }: NodeOf<Reduction>, exporter: Exporter): string =>
    axes.length === 0 ? exporter.name(x) : exporter.reduced(op, exporter.name(x), axes, keep);

export const reduceEmitters = {
  reduce_sum: reduction("ReduceSum"),
  reduce_mean: reduction("ReduceMean"),
  reduce_max: reduction("ReduceMax"),
  reduce_min: reduction("ReduceMin"),
  cumsum: ({ operands: { x }, attrs: { axis } }, { one, name, int }) => one("CumSum", [name(x), int(axis)]),
  topk: ({ operands: { x }, attrs: { k } }, exporter) => {
    const { onnx, name, ints, cast } = exporter;
    const [values, indices] = onnx.many("TopK", [name(x), ints(k)], 2, { axis: -1, largest: 1, sorted: 1 });
    return [values!, cast(indices!, "i32")];
  },
  spread: ({ operands: { values, indices }, results: [out] }, exporter) => {
    const { one, name } = exporter;
    const zeros = exporter.full(out!.type.shape, heldAs(values.type.dtype), 0);
    return one("ScatterElements", [zeros, name(indices), name(values)], { axis: -1 });
  },
  take: ({ operands: { x, indices } }, { one, name }) =>
    one("GatherElements", [name(x), name(indices)], { axis: -1 }),
  softmax: ({ operands: { x }, attrs: { axis } }, { one, name }) => one("Softmax", [name(x)], { axis }),
  log_softmax: ({ operands: { x }, attrs: { axis } }, { one, name }) =>
    one("LogSoftmax", [name(x)], { axis }),
} as const satisfies { readonly [K in ReduceOp]: OnnxEmitter<K> };

type LossOp = "cross_entropy" | "mean_squared_error" | "accuracy";

export const lossEmitters = {
  cross_entropy: (node, exporter) => crossEntropy(exporter, node),
  mean_squared_error: ({ operands: { x, y } }, exporter) => {
    const { one, name } = exporter;
    const difference = one("Sub", [name(x), name(y)]);
    return meanOfAll(exporter, one("Mul", [difference, difference]), x.type.shape.length);
  },
  accuracy: ({ operands: { logits, targets }, attrs: { ignore } }, exporter) => {
    const { one, name, cast } = exporter;
    const best = cast(one("ArgMax", [name(logits)], { axis: -1, keepdims: 0 }), "i32");
    const isRight = cast(one("Equal", [best, name(targets)]), "f32");
    return meanOfCounted(exporter, isRight, name(targets), ignore, targets.type.shape.length);
  },
} as const satisfies { readonly [K in LossOp]: OnnxEmitter<K> };

/** The rows' -log softmax(logits)[target], of which smoothing takes a share for the mean of all classes. */
function crossEntropy(
  exporter: Exporter,
  { operands: { logits, targets }, attrs: { smoothing, ignore } }: NodeOf<"cross_entropy">,
): string {
  const { one, name, number, ints } = exporter;
  const rank = targets.type.shape.length;
  const logarithms = one("LogSoftmax", [name(logits)], { axis: -1 });
  const ids = name(targets);
  // What is ignored may be no class: it reads the first.
  const read =
    ignore === undefined
      ? ids
      : one("Where", [one("Equal", [ids, number(ignore, "i32")]), number(0, "i32"), ids]);
  const at = one("Unsqueeze", [read, ints(rank)]);
  const picked = one("Squeeze", [one("GatherElements", [logarithms, at], { axis: -1 }), ints(rank)]);
  let likelihood = picked;
  if (smoothing !== 0) {
    const classes = constantDim(logits.type.shape.at(-1)!);
    const all =
      classes === undefined
        ? exporter.reduced("ReduceMean", logarithms, [rank], false)
        : one("Mul", [exporter.reduced("ReduceSum", logarithms, [rank], false), number(1 / classes)]);
    likelihood = one("Add", [
      one("Mul", [picked, number(1 - smoothing)]),
      one("Mul", [all, number(smoothing)]),
    ]);
  }
  return meanOfCounted(exporter, one("Neg", [likelihood]), ids, ignore, rank);
}

const axesOf = (rank: number): readonly number[] => Array.from({ length: rank }, (_, axis) => axis);

const meanOfAll = (exporter: Exporter, x: string, rank: number): string =>
  rank === 0 ? x : exporter.reduced("ReduceMean", x, axesOf(rank), false);

/** The mean over rows whose target is not to be ignored; NaN where there are none. */
function meanOfCounted(
  exporter: Exporter,
  rows: string,
  targets: string,
  ignore: number | undefined,
  rank: number,
): string {
  if (ignore === undefined) return meanOfAll(exporter, rows, rank);
  const { one, number, cast } = exporter;
  const counts = cast(one("Not", [one("Equal", [targets, number(ignore, "i32")])]), "f32");
  const sum = (x: string): string => (rank === 0 ? x : exporter.reduced("ReduceSum", x, axesOf(rank), false));
  return one("Div", [sum(one("Mul", [rows, counts])), sum(counts)]);
}
